//! Random primes for RSA keys.
//!
//! Nearly all of the time that a chart with certificates takes goes into this search, so its inner loop is
//! our own: nearly all candidates that the sieve of small factors lets through fail a Fermat test to
//! base 2, whose only operations are squaring and doubling modulo the candidate. Four candidates go through it
//! side by side, one in each lane of the processor's vectors. The rare one that passes is put to the
//! Miller-Rabin rounds of FIPS 186-5.

use std::array;
use std::num::NonZeroU32;

use crypto_bigint::{BitOps as _, BoxedUint, Limb, NonZero, Odd, RandomBits as _};
use crypto_primes::hazmat::{MillerRabin, SmallFactorsSieve};
use getrandom::SysRng;

/// The public exponent of the keys, as Go chooses it.
pub const PUBLIC_EXPONENT: u32 = 65537;

/// Rounds of Miller-Rabin with random bases: FIPS 186-5, table B.1, asks for 5 for primes of 1024 bits and
/// for 4 for longer ones.
const ROUNDS: usize = 5;

/// The random source of the operating system fails.
#[derive(Debug, thiserror::Error)]
#[error("no random prime: {0}")]
pub struct Error(String);

/// A prime of that many bits, a multiple of 64. Its two highest bits are set, so that the product of two has exactly
/// twice as many; from the random source of the operating system.
///
/// # Errors
/// That source fails.
pub fn random(bits: u32) -> Result<BoxedUint, Error> {
    loop {
        let mut start = random_bits(bits)?;
        for bit in [0, bits - 2, bits - 1] {
            start.set_bit_vartime(bit, true);
        }
        let mut candidates = sieve(start)?;
        while let Some(candidates) = next_candidates(&mut candidates) {
            let passed = Moduli::new(&candidates).pass_fermat();
            for (candidate, _) in candidates.into_iter().zip(passed).filter(|(_, passed)| *passed) {
                if has_exponent(&candidate) && passes_miller_rabin(&candidate)? {
                    return Ok(candidate);
                }
            }
        }
    }
}

fn random_bits(bits: u32) -> Result<BoxedUint, Error> {
    BoxedUint::try_random_bits(&mut SysRng, bits).map_err(|error| Error(error.to_string()))
}

/// The odd numbers from `start` on that have no small factors.
fn sieve(start: BoxedUint) -> Result<SmallFactorsSieve<BoxedUint>, Error> {
    let bits = NonZeroU32::new(start.bits_precision()).unwrap_or(NonZeroU32::MIN);
    SmallFactorsSieve::new(start, bits, false).map_err(|error| Error(error.to_string()))
}

/// The next numbers of the sieve; none when it has no more.
fn next_candidates(sieve: &mut SmallFactorsSieve<BoxedUint>) -> Option<[BoxedUint; LANES]> {
    sieve.by_ref().take(LANES).collect::<Vec<_>>().try_into().ok()
}

/// Whether a private exponent exists: the public one is prime and must not divide `prime - 1`.
fn has_exponent(prime: &BoxedUint) -> bool {
    let exponent = NonZero::new(Limb::from(PUBLIC_EXPONENT)).into_option();
    exponent.is_none_or(|exponent| prime.rem_limb(exponent) != Limb::ONE)
}

fn passes_miller_rabin(candidate: &BoxedUint) -> Result<bool, Error> {
    let Some(odd) = Odd::new(candidate.clone()).into_option() else { return Ok(false) };
    let test = MillerRabin::new(odd);
    for _ in 0..ROUNDS {
        // A base is less than half the candidate and, but for a chance in 2^1000, not 0 or 1.
        let base = random_bits(candidate.bit_width_vartime() - 1)?;
        if !test.test(&base).is_probably_prime() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many numbers stand side by side.
const LANES: usize = 4;

/// The same digit of each number.
type Digit = [u64; LANES];

/// Bits of a digit: so few that all products of two digits that meet in one place can be added before a carry is taken.
const DIGIT_BITS: u32 = 27;

/// Digits that go through a loop together.
const BLOCK: usize = 4;

/// What the products of one block with another give to the places of the next block.
type Waiting = [Digit; BLOCK - 1];

/// Odd moduli of one length, whose highest bit is set.
///
/// Numbers modulo them have as many digits, the lowest first, and are in Montgomery's form: `x` stands for `x / R`,
/// where `R` is the power of two that no longer fits into these digits. As `R` is at least 16 times the modulus, the square
/// of a number below 4 times the modulus ends below twice the modulus: nothing needs to be compared or subtracted.
struct Moduli {
    /// The digits.
    digits: Vec<Digit>,
    /// How many bits each modulus has.
    bits: u32,
    /// What the lowest digit must be multiplied by to give -1.
    negative_inverse: Digit,
    /// 1 in Montgomery's form.
    one: Vec<Digit>,
}

impl Moduli {
    fn new(numbers: &[BoxedUint; LANES]) -> Self {
        let bits = numbers[0].bits_precision();
        let length = ((bits + 4).div_ceil(DIGIT_BITS) as usize).next_multiple_of(BLOCK);
        let r_bits = length as u32 * DIGIT_BITS;
        let r = BoxedUint::one_with_precision(r_bits + 1).shl_vartime(r_bits).unwrap_or_default();
        let ones = numbers.each_ref().map(|number| {
            NonZero::new(number.clone())
                .into_option()
                .map(|number| r.rem_vartime(&number))
                .unwrap_or_default()
        });
        let digits = digits(numbers, length);
        let negative_inverse = digits[0].map(negative_inverse);
        Self { digits, bits, negative_inverse, one: self::digits(&ones, length) }
    }

    /// Whether `2^(n - 1)` is 1 modulo each modulus `n`, which it is for all odd primes.
    fn pass_fermat(&self) -> [bool; LANES] {
        // With the widest vectors that this processor has.
        pulp::Arch::new().dispatch(self)
    }

    /// The sum divided by `R`, and doubled where `doubled` is 1.
    #[inline(always)]
    fn reduce(&self, sum: &mut [Digit], doubled: Digit, result: &mut [Digit]) {
        let (modulus, _) = self.digits.as_chunks::<BLOCK>();
        let [lowest, higher @ ..] = modulus else { return };
        let mut carry = [0; LANES];
        for start in (0..self.digits.len()).step_by(BLOCK) {
            // The multiples of the modulus that make the block's digits zero, one after the other.
            let mut factors = [[0; LANES]; BLOCK];
            for index in 0..BLOCK {
                let mut digit = lanes(|lane| sum[start + index][lane] + carry[lane]);
                for before in 0..index {
                    multiply_add(&mut digit, factors[before], lowest[index - before]);
                }
                let factor = lanes(|lane| low(low(digit[lane]) * self.negative_inverse[lane]));
                multiply_add(&mut digit, factor, lowest[0]);
                factors[index] = factor;
                carry = digit.map(|digit| digit >> DIGIT_BITS);
            }
            let mut waiting = [[0; LANES]; BLOCK - 1];
            for left in 1..BLOCK {
                for right in BLOCK - left..BLOCK {
                    multiply_add(&mut waiting[left + right - BLOCK], factors[left], lowest[right]);
                }
            }
            add_products(&mut sum[start + BLOCK..], higher, &factors, waiting);
        }
        carry = lanes(|lane| carry[lane] << doubled[lane]);
        for (result, sum) in result.iter_mut().zip(&sum[self.digits.len()..]) {
            let digit = lanes(|lane| (sum[lane] << doubled[lane]) + carry[lane]);
            *result = digit.map(low);
            carry = digit.map(|digit| digit >> DIGIT_BITS);
        }
    }
}

impl pulp::NullaryFnOnce for &Moduli {
    type Output = [bool; LANES];

    #[inline(always)]
    fn call(self) -> [bool; LANES] {
        let length = self.digits.len();
        let mut power = self.one.clone();
        let mut sum = vec![[0; LANES]; 2 * length];
        for bit in (0..self.bits).rev() {
            sum.fill([0; LANES]);
            add_square(&mut sum, &power);
            // The exponent has the bits of the modulus, but for the lowest.
            let digit = self.digits[(bit / DIGIT_BITS) as usize];
            let doubled = digit.map(|digit| if bit == 0 { 0 } else { digit >> (bit % DIGIT_BITS) & 1 });
            self.reduce(&mut sum, doubled, &mut power);
        }
        // Out of Montgomery's form, which also ends below the modulus.
        sum.fill([0; LANES]);
        sum[..length].copy_from_slice(&power);
        self.reduce(&mut sum, [0; LANES], &mut power);
        array::from_fn(|lane| power[0][lane] == 1 && power[1..].iter().all(|digit| digit[lane] == 0))
    }
}

/// Adds the square of a number.
#[inline(always)]
fn add_square(sum: &mut [Digit], number: &[Digit]) {
    let (blocks, _) = number.as_chunks::<BLOCK>();
    for (index, block) in blocks.iter().enumerate() {
        // What a block's digits give among themselves, then with all higher digits.
        let sum = &mut sum[2 * index * BLOCK..];
        let twice = block.map(|digit| digit.map(|digit| 2 * digit));
        let mut tile = [[0; LANES]; 2 * BLOCK - 1];
        for left in 0..BLOCK {
            multiply_add(&mut tile[2 * left], block[left], block[left]);
            for right in left + 1..BLOCK {
                multiply_add(&mut tile[left + right], twice[left], block[right]);
            }
        }
        let waiting = add_places(sum, &tile);
        add_products(&mut sum[BLOCK..], &blocks[index + 1..], &twice, waiting);
    }
}

/// Adds the products of a block of factors with digits, and what waits for the first places.
#[inline(always)]
fn add_products(
    sum: &mut [Digit],
    blocks: &[[Digit; BLOCK]],
    factors: &[Digit; BLOCK],
    mut waiting: Waiting,
) {
    let (places, _) = sum.as_chunks_mut::<BLOCK>();
    let (places, end) = places.split_at_mut(blocks.len());
    for (places, block) in places.iter_mut().zip(blocks) {
        let mut tile = [[0; LANES]; 2 * BLOCK - 1];
        tile[..BLOCK - 1].copy_from_slice(&waiting);
        for (left, factor) in factors.iter().enumerate() {
            for (right, digit) in block.iter().enumerate() {
                multiply_add(&mut tile[left + right], *factor, *digit);
            }
        }
        waiting = add_places(places, &tile);
    }
    for (place, waiting) in end.iter_mut().flatten().zip(waiting) {
        *place = lanes(|lane| place[lane] + waiting[lane]);
    }
}

/// Adds the products of a block with a block to the places that they complete; the others wait.
#[inline(always)]
fn add_places(places: &mut [Digit], tile: &[Digit; 2 * BLOCK - 1]) -> Waiting {
    for (place, product) in places.iter_mut().zip(&tile[..BLOCK]) {
        *place = lanes(|lane| place[lane] + product[lane]);
    }
    array::from_fn(|index| tile[BLOCK + index])
}

#[inline(always)]
fn multiply_add(sum: &mut Digit, left: Digit, right: Digit) {
    // Both are short; the mask says it to the compiler, which knows an instruction for it.
    let short = |digit| digit & u64::from(u32::MAX);
    *sum = lanes(|lane| sum[lane] + short(left[lane]) * short(right[lane]));
}

#[inline(always)]
fn lanes(of: impl Fn(usize) -> u64) -> Digit {
    array::from_fn(of)
}

/// The bits of a digit alone.
#[inline(always)]
fn low(number: u64) -> u64 {
    number & ((1 << DIGIT_BITS) - 1)
}

/// What an odd number must be multiplied by to give -1 in the bits of a digit.
fn negative_inverse(number: u64) -> u64 {
    // An odd number is its own inverse modulo 8, and each step of Newton's doubles the bits that are right.
    let step = |inverse: u64, _| inverse.wrapping_mul(2u64.wrapping_sub(number.wrapping_mul(inverse)));
    low((0..4).fold(number, step).wrapping_neg())
}

/// The digits of the numbers, side by side.
fn digits(numbers: &[BoxedUint; LANES], length: usize) -> Vec<Digit> {
    let digit = |number: &BoxedUint, index: usize| {
        let bits = index as u32 * DIGIT_BITS..(index as u32 + 1) * DIGIT_BITS;
        bits.rev().fold(0, |digit, bit| digit << 1 | u64::from(number.bit_vartime(bit)))
    };
    (0..length).map(|index| numbers.each_ref().map(|number| digit(number, index))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sieve lets 4 numbers through of which the filter says what a Fermat test to base 2 says.
    #[test]
    fn the_filter_agrees_with_miller_rabin() {
        for bits in [1024, 2048] {
            let mut start = random_bits(bits).unwrap();
            start.set_bit_vartime(bits - 1, true);
            let mut candidates = sieve(start).unwrap();
            for _ in 0..2 {
                let candidates = next_candidates(&mut candidates).unwrap();
                let passed = Moduli::new(&candidates).pass_fermat();
                for (candidate, passed) in candidates.into_iter().zip(passed) {
                    let test = MillerRabin::new(Odd::new(candidate.clone()).unwrap());
                    assert_eq!(passed, test.test_base_two().is_probably_prime(), "{candidate}");
                }
            }
        }
    }

    /// The greatest prime below a power of two passes in every lane, the odd numbers around it do not.
    #[test]
    fn primes_pass_and_composites_do_not() {
        for (bits, below) in [(1024, 105), (2048, 1557)] {
            let at = |below: u64| {
                let mut words = vec![u64::MAX; bits / 64];
                words[0] -= below - 1;
                BoxedUint::from_words(words)
            };
            for prime in 0..LANES {
                let numbers = array::from_fn(|lane| {
                    at(if lane == prime { below } else { below - 2 - 2 * lane as u64 })
                });
                assert_eq!(Moduli::new(&numbers).pass_fermat(), array::from_fn(|lane| lane == prime));
                for (lane, number) in numbers.iter().enumerate() {
                    assert_eq!(passes_miller_rabin(number).unwrap(), lane == prime);
                }
            }
        }
    }

    #[test]
    fn primes_have_the_wanted_size() {
        let prime = random(1024).unwrap();
        assert_eq!(prime.bit_width_vartime(), 1024);
        assert!(prime.bit_vartime(1022) && prime.bit_vartime(0));
        assert!(crypto_primes::is_prime(crypto_primes::Flavor::Any, &prime));
    }
}
