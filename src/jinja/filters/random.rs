//! `random` and `shuffle`: with a seed, the numbers of Python's own generator (Mersenne Twister).

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::ToPrimitive as _;
use rand::Rng as _;
use sha2::Digest as _;

use super::bind::{bind, int};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Key, Value};

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[("random", random), ("shuffle", shuffle)];

/// Where random numbers come from.
pub(in crate::jinja) enum Source {
    /// The system.
    System,
    /// A seed.
    Seeded(Box<Mersenne>),
}

impl Source {
    /// `random.Random(seed)`.
    ///
    /// # Errors
    /// The seed is of a type that Python refuses.
    pub(in crate::jinja) fn seeded(seed: &Value) -> Result<Self, Error> {
        let key = match seed {
            Value::Str(text) => text_key(text.as_str().as_bytes()),
            Value::Bytes(bytes) => text_key(bytes),
            Value::Bool(flag) => BigUint::from(u8::from(*flag)),
            Value::Int(number) => BigUint::from(number.unsigned_abs()),
            Value::BigInt(number) => number.magnitude().clone(),
            Value::Float(number) => BigUint::from(float_hash(*number) as u64),
            _ => {
                return Err(Error::type_error(
                    "The only supported seed types are: None,\nint, float, str, bytes, and bytearray.",
                ));
            }
        };
        Ok(Source::Seeded(Box::new(Mersenne::new(&key))))
    }

    /// `_randbelow(bound)` for a bound above zero.
    fn below_big(&mut self, bound: &BigUint) -> BigUint {
        let bits = bound.bits();
        loop {
            let number = self.bits(bits);
            if number < *bound {
                return number;
            }
        }
    }

    /// A number below a bound above zero.
    pub(in crate::jinja) fn below(&mut self, bound: usize) -> usize {
        match self {
            Source::System => rand::rng().random_range(0..bound),
            Source::Seeded(_) => self.below_big(&BigUint::from(bound)).to_usize().unwrap_or(0),
        }
    }

    fn word(&mut self) -> u32 {
        match self {
            Source::System => rand::rng().random(),
            Source::Seeded(generator) => generator.next(),
        }
    }

    /// `getrandbits(bits)`.
    fn bits(&mut self, bits: u64) -> BigUint {
        let mut words = Vec::new();
        let mut left = bits;
        while left > 0 {
            let word = self.word();
            let taken = left.min(32);
            words.push(word >> (32 - taken));
            left -= taken;
        }
        BigUint::new(words)
    }

    /// Shuffles in place.
    fn shuffle(&mut self, items: &mut [Value]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }
}

/// A text and its SHA-512 as one number.
fn text_key(bytes: &[u8]) -> BigUint {
    let mut all = bytes.to_vec();
    all.extend_from_slice(&sha2::Sha512::digest(bytes));
    BigUint::from_bytes_be(&all)
}

/// `hash(number)`: the value modulo 2^61 - 1.
fn float_hash(number: f64) -> i64 {
    if number.is_nan() {
        return 0;
    }
    if number.is_infinite() {
        return if number > 0.0 { 314_159 } else { -314_159 };
    }
    const MODULUS: u64 = (1 << 61) - 1;
    let bits = number.abs().to_bits();
    let (mut exponent, mut mantissa) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
    if exponent == 0 {
        exponent = 1;
    } else {
        mantissa |= 1 << 52;
    }
    let shift = (exponent - 1075).rem_euclid(61);
    let wide = (u128::from(mantissa) << shift) % u128::from(MODULUS);
    let hash = wide as i64;
    match number < 0.0 {
        true if hash == 1 => -2,
        true => -hash,
        false => hash,
    }
}

/// MT19937.
pub(in crate::jinja) struct Mersenne {
    state: [u32; N],
    index: usize,
}

const N: usize = 624;
const M: usize = 397;

impl Mersenne {
    /// `init_by_array` of the 32-bit words of a number.
    fn new(key: &BigUint) -> Self {
        let key = key.to_u32_digits();
        let key = if key.is_empty() { vec![0] } else { key };
        let mut state = [0_u32; N];
        state[0] = 19_650_218;
        for i in 1..N {
            let before = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = 1_812_433_253_u32.wrapping_mul(before).wrapping_add(i as u32);
        }
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            let before = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1_664_525);
            state[i] = (state[i] ^ before).wrapping_add(key[j]).wrapping_add(j as u32);
            i += 1;
            j += 1;
            if i >= N {
                state[0] = state[N - 1];
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..N - 1 {
            let before = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1_566_083_941);
            state[i] = (state[i] ^ before).wrapping_sub(i as u32);
            i += 1;
            if i >= N {
                state[0] = state[N - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        Mersenne { state, index: N }
    }

    fn next(&mut self) -> u32 {
        if self.index >= N {
            for k in 0..N {
                let y = (self.state[k] & 0x8000_0000) | (self.state[(k + 1) % N] & 0x7fff_ffff);
                let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[k] = self.state[(k + M) % N] ^ (y >> 1) ^ odd;
            }
            self.index = 0;
        }
        let mut y = self.state[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }
}

fn shuffle(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [seed] = bind(args, ["seed"])?;
    let Ok(mut items) = ops::iterate(&value) else { return Ok(value) };
    let seed = seed.filter(ops::truthy_or_false);
    let source = seed.map_or(Ok(Source::System), |seed| Source::seeded(&seed));
    if let Ok(mut source) = source {
        source.shuffle(&mut items);
    }
    Ok(Value::list(items))
}

/// The integer of a value, without end.
fn big(value: &Value) -> Result<BigInt, Error> {
    match value {
        Value::BigInt(number) => Ok(number.as_ref().clone()),
        other => int(other).map(BigInt::from),
    }
}

fn random(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [start, step, seed] = bind(args, ["start", "step", "seed"])?;
    let seed = seed.filter(|seed| !seed.is_none());
    let mut source = seed.map_or(Ok(Source::System), |seed| Source::seeded(&seed))?;
    let given = |it: Option<Value>| -> Result<Option<Value>, Error> {
        Ok(match it {
            Some(it) if ops::truthy(&it)? => Some(it),
            _ => None,
        })
    };
    if matches!(value, Value::Int(_) | Value::BigInt(_) | Value::Bool(_)) {
        let start = given(start)?.map_or(Ok(BigInt::ZERO), |start| big(&start))?;
        let step = given(step)?.map_or(Ok(BigInt::from(1)), |step| big(&step))?;
        return range(&mut source, &start, &big(&value)?, &step);
    }
    ops::defined(&value)?;
    let items = ops::iterate(&value);
    let items = items.map_err(|_| Error::plugin("random can only be used on sequences and integers"))?;
    if given(start)?.is_some() || given(step)?.is_some() {
        return Err(Error::plugin("start and step can only be used with integer values"));
    }
    if items.is_empty() {
        return Err(Error::exception("Cannot choose from an empty sequence"));
    }
    match value {
        // Python takes the item with the index as its key.
        Value::Dict(dict) => {
            let index = Value::from(source.below(items.len()));
            let found = dict.read().get(&Key::new(index.clone())?).cloned();
            found.ok_or_else(|| Error::exception(index.to_string()))
        }
        Value::View(_) | Value::Iterator(_) => {
            Err(Error::type_error(format!("'{}' object is not subscriptable", value.type_name())))
        }
        _ => Ok(items[source.below(items.len())].clone()),
    }
}

/// `randrange(start, stop, step)`.
fn range(source: &mut Source, start: &BigInt, stop: &BigInt, step: &BigInt) -> Result<Value, Error> {
    let width = stop - start;
    let one = BigInt::from(1);
    let count = match step.sign() {
        Sign::Plus => (&width + step - &one) / step,
        Sign::Minus => (&width + step + &one) / step,
        Sign::NoSign => return Err(Error::value_error("zero step for randrange()")),
    };
    if count.sign() != Sign::Plus {
        return Err(Error::value_error(if *step == one {
            format!("empty range for randrange() ({start}, {stop}, {width})")
        } else {
            "empty range for randrange()".to_owned()
        }));
    }
    let chosen = BigInt::from(source.below_big(count.magnitude()));
    Ok(Value::from(start + step * chosen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_give_the_numbers_of_python() {
        // `random.Random(seed).getrandbits(32)` of CPython 3.11.
        for (seed, first) in [(Value::Int(0), 3_626_764_237_u32), (Value::Int(1), 577_090_037)] {
            let Ok(mut source) = Source::seeded(&seed) else { panic!("{seed} is a seed") };
            assert_eq!(source.word(), first, "{seed}");
        }
    }
}
