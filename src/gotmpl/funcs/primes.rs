//! Random primes for RSA keys.
//!
//! Nearly all of the time that a chart with certificates takes goes into this search, so its inner loop is
//! our own: nearly all candidates that the sieve of small factors lets through fail a Fermat test to
//! base 2, whose only operations are squaring and doubling modulo the candidate. The rare one that passes
//! is put to the Miller-Rabin rounds of FIPS 186-5.

use std::num::NonZeroU32;

use crypto_bigint::{BitOps as _, BoxedUint, Limb, NonZero, Odd, RandomBits as _};
use crypto_primes::hazmat::{MillerRabin, SmallFactorsSieve};
use getrandom::SysRng;

use super::args::fail;
use crate::gotmpl::FuncError;

/// The public exponent of the keys, as Go chooses it.
pub(super) const PUBLIC_EXPONENT: u32 = 65537;

/// Rounds of Miller-Rabin with random bases: FIPS 186-5, table B.1, asks for 5 for primes of 1024 bits and
/// for 4 for longer ones.
const ROUNDS: usize = 5;

/// A prime of `WORDS` words of 64 bits whose two highest bits are set, so that the product of two has
/// exactly twice as many; from the random source of the operating system.
pub(super) fn random<const WORDS: usize>() -> Result<BoxedUint, FuncError> {
    loop {
        let bits = 64 * WORDS as u32;
        let mut start = random_bits(bits)?;
        for bit in [0, bits - 2, bits - 1] {
            start.set_bit_vartime(bit, true);
        }
        for candidate in sieve(start)? {
            if Modulus::<WORDS>::new(&candidate).passes_fermat()
                && has_exponent(&candidate)
                && passes_miller_rabin(&candidate)?
            {
                return Ok(candidate);
            }
        }
    }
}

fn random_bits(bits: u32) -> Result<BoxedUint, FuncError> {
    BoxedUint::try_random_bits(&mut SysRng, bits).map_err(|error| fail(error.to_string()))
}

/// The odd numbers from `start` on that have no small factors.
fn sieve(start: BoxedUint) -> Result<SmallFactorsSieve<BoxedUint>, FuncError> {
    let bits = NonZeroU32::new(start.bits_precision()).unwrap_or(NonZeroU32::MIN);
    SmallFactorsSieve::new(start, bits, false).map_err(|error| fail(error.to_string()))
}

/// Whether a private exponent exists: the public one is prime and must not divide `prime - 1`.
fn has_exponent(prime: &BoxedUint) -> bool {
    let exponent = NonZero::new(Limb::from(PUBLIC_EXPONENT)).into_option();
    exponent.is_none_or(|exponent| prime.rem_limb(exponent) != Limb::ONE)
}

fn passes_miller_rabin(candidate: &BoxedUint) -> Result<bool, FuncError> {
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

/// An odd modulus of `N` words, the lowest first, whose highest bit is set.
///
/// Numbers modulo it are in Montgomery's form: `x` stands for `x * 2^(-64 N)`.
struct Modulus<const N: usize> {
    words: [u64; N],
    /// What the lowest word must be multiplied by to give -1.
    negative_inverse: u64,
}

impl<const N: usize> Modulus<N> {
    fn new(number: &BoxedUint) -> Self {
        let mut words = [0; N];
        for (word, bytes) in words.iter_mut().zip(number.to_le_bytes().chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        let lowest: u64 = words[0];
        // An odd number is its own inverse modulo 8, and each step of Newton's doubles the bits that are right.
        let inverse = (0..5)
            .fold(lowest, |inverse, _| inverse.wrapping_mul(2u64.wrapping_sub(lowest.wrapping_mul(inverse))));
        Self { words, negative_inverse: inverse.wrapping_neg() }
    }

    /// Whether `2^(n - 1)` is 1 modulo the modulus `n`, which it is for all odd primes.
    fn passes_fermat(&self) -> bool {
        let one = self.one();
        let mut power = one;
        for (index, word) in self.words.iter().enumerate().rev() {
            let exponent = if index == 0 { word - 1 } else { *word };
            for bit in (0..64).rev() {
                self.square(&mut power);
                if exponent >> bit & 1 == 1 {
                    self.double(&mut power);
                }
            }
        }
        power == one
    }

    /// 1, which is `2^(64 N)` less the modulus.
    fn one(&self) -> [u64; N] {
        let mut one = [0; N];
        self.subtract_from(&mut one);
        one
    }

    fn subtract_from(&self, number: &mut [u64; N]) {
        let mut borrow = false;
        for (digit, word) in number.iter_mut().zip(&self.words) {
            let (difference, first) = digit.overflowing_sub(*word);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            (*digit, borrow) = (difference, first || second);
        }
    }

    /// Brings a number that may be one modulus too big into the range; `carry` is what stands above it.
    fn reduce(&self, number: &mut [u64; N], carry: bool) {
        if carry || number.iter().rev().ge(self.words.iter().rev()) {
            self.subtract_from(number);
        }
    }

    fn double(&self, number: &mut [u64; N]) {
        let mut carry = 0;
        for digit in number.iter_mut() {
            (*digit, carry) = (*digit << 1 | carry, *digit >> 63);
        }
        self.reduce(number, carry == 1);
    }

    fn square(&self, number: &mut [u64; N]) {
        let mut words = [[0; N]; 2];
        let product = words.as_flattened_mut();
        square(number, product);
        let mut above = 0;
        for start in 0..N {
            let factor = product[start].wrapping_mul(self.negative_inverse);
            let window = &mut product[start..=start + N];
            let carry = multiply_add(&mut window[..N], &self.words, factor);
            (window[N], above) = split(u128::from(window[N]) + u128::from(carry) + u128::from(above));
        }
        *number = words[1];
        self.reduce(number, above == 1);
    }
}

/// The square of a number into `product`, which is zero and twice as long.
fn square<const N: usize>(number: &[u64; N], product: &mut [u64]) {
    for (index, digit) in number.iter().enumerate() {
        let rest = &number[index + 1..];
        let window = &mut product[2 * index + 1..=index + N];
        window[rest.len()] = multiply_add(window, rest, *digit);
    }
    // So far each product of two different digits, once; now all of them twice, and the squares.
    let (mut shifted_out, mut carry) = (0, 0);
    for (pair, digit) in product.chunks_exact_mut(2).zip(number) {
        let square = u128::from(*digit) * u128::from(*digit);
        let twice = (pair[0] << 1 | shifted_out, pair[1] << 1 | pair[0] >> 63);
        shifted_out = pair[1] >> 63;
        let (low, high) = split(square);
        (pair[0], carry) = split(u128::from(twice.0) + u128::from(low) + u128::from(carry));
        (pair[1], carry) = split(u128::from(twice.1) + u128::from(high) + u128::from(carry));
    }
}

/// Adds `words * factor` to as many digits of `sum` and gives the carry.
fn multiply_add(sum: &mut [u64], words: &[u64], factor: u64) -> u64 {
    let mut carry = 0;
    for (digit, word) in sum.iter_mut().zip(words) {
        (*digit, carry) =
            split(u128::from(*word) * u128::from(factor) + u128::from(*digit) + u128::from(carry));
    }
    carry
}

/// The low and the high word.
#[allow(clippy::cast_possible_truncation)]
fn split(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(words: &[u64]) -> BoxedUint {
        BoxedUint::from_words(words.iter().copied())
    }

    fn the_filter_agrees_with_miller_rabin<const WORDS: usize>() {
        let mut start = random_bits(64 * WORDS as u32).unwrap();
        start.set_bit_vartime(64 * WORDS as u32 - 1, true);
        for candidate in sieve(start).unwrap().take(8) {
            let test = MillerRabin::new(Odd::new(candidate.clone()).unwrap());
            let passes = Modulus::<WORDS>::new(&candidate).passes_fermat();
            assert_eq!(passes, test.test_base_two().is_probably_prime(), "{candidate}");
        }
    }

    /// The greatest prime below a power of two passes, the odd number after it does not.
    fn a_known_prime_passes<const WORDS: usize>(below: u64) {
        let at = |below: u64| {
            let mut words = [u64::MAX; WORDS];
            words[0] -= below - 1;
            number(&words)
        };
        assert!(Modulus::<WORDS>::new(&at(below)).passes_fermat());
        assert!(passes_miller_rabin(&at(below)).unwrap());
        assert!(!Modulus::<WORDS>::new(&at(below - 2)).passes_fermat());
        assert!(!passes_miller_rabin(&at(below - 2)).unwrap());
    }

    #[test]
    fn primes_pass_and_composites_do_not() {
        the_filter_agrees_with_miller_rabin::<16>();
        the_filter_agrees_with_miller_rabin::<32>();
        a_known_prime_passes::<16>(105);
        a_known_prime_passes::<32>(1557);
    }

    #[test]
    fn primes_have_the_wanted_size() {
        let prime = random::<16>().unwrap();
        assert_eq!(prime.bit_width_vartime(), 1024);
        assert!(prime.bit_vartime(1022) && prime.bit_vartime(0));
        assert!(crypto_primes::is_prime(crypto_primes::Flavor::Any, &prime));
    }
}
