//! `range(start, stop, step)`: whole numbers of any size, of which none is stored.

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::error::Error;
use super::ops;
use super::value::Value;

/// The most numbers that are made into a list.
const MAX_ITEMS: usize = 100_000_000;

/// `range(start, stop, step)`.
#[derive(Debug, Clone)]
pub struct Range {
    start: BigInt,
    /// The bound that is not reached.
    stop: BigInt,
    /// The distance between two numbers; never zero.
    step: BigInt,
}

impl Range {
    /// The numbers from `start` to `stop`, which is not reached.
    ///
    /// # Errors
    /// The step is zero.
    pub fn new(start: BigInt, stop: BigInt, step: BigInt) -> Result<Range, Error> {
        if step.is_zero() {
            return Err(Error::value_error("range() arg 3 must not be zero"));
        }
        Ok(Range { start, stop, step })
    }

    /// `start`, `stop` or `step`.
    #[must_use]
    pub fn bound(&self, name: &str) -> Option<Value> {
        let bound = match name {
            "start" => &self.start,
            "stop" => &self.stop,
            "step" => &self.step,
            _ => return None,
        };
        Some(Value::from(bound.clone()))
    }

    fn count(&self) -> BigInt {
        let (span, step) = match self.step.is_positive() {
            true => (&self.stop - &self.start, self.step.clone()),
            false => (&self.start - &self.stop, -&self.step),
        };
        if span.is_positive() { (span + &step - 1) / step } else { BigInt::zero() }
    }

    fn at(&self, index: &BigInt) -> BigInt {
        &self.start + &self.step * index
    }

    /// How many numbers the range holds.
    ///
    /// # Errors
    /// There are more than Python counts.
    pub fn len(&self) -> Result<usize, Error> {
        let len = self.count().to_isize().and_then(|len| usize::try_from(len).ok());
        len.ok_or_else(|| Error::exception("Python int too large to convert to C ssize_t"))
    }

    /// Whether the range holds no number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count().is_zero()
    }

    /// The number at an index, which counts from the end when it is negative.
    #[must_use]
    pub fn get(&self, index: i64) -> Option<Value> {
        let (index, count) = (BigInt::from(index), self.count());
        let index = if index.is_negative() { index + &count } else { index };
        (!index.is_negative() && index < count).then(|| Value::from(self.at(&index)))
    }

    /// Whether a number is in the range.
    #[must_use]
    pub fn contains(&self, number: &BigInt) -> bool {
        self.position(number).is_some()
    }

    /// At which index a number is.
    #[must_use]
    pub fn position(&self, number: &BigInt) -> Option<BigInt> {
        let (index, rest) = ops::floor_parts(&(number - &self.start), &self.step);
        (rest.is_zero() && !index.is_negative() && index < self.count()).then_some(index)
    }

    /// `range[start:stop:step]`, whose step is not zero.
    #[must_use]
    pub fn slice(&self, start: Option<i64>, stop: Option<i64>, step: i64) -> Range {
        let count = self.count();
        let (low, high) = match step > 0 {
            true => (BigInt::zero(), count.clone()),
            false => (-BigInt::one(), &count - 1),
        };
        let clamp = |bound: i64| match BigInt::from(bound) {
            bound if bound.is_negative() => (bound + &count).max(low.clone()),
            bound => bound.min(high.clone()),
        };
        let (first, last) = if step > 0 { (&low, &high) } else { (&high, &low) };
        let start = start.map_or_else(|| first.clone(), clamp);
        let stop = stop.map_or_else(|| last.clone(), clamp);
        Range { start: self.at(&start), stop: self.at(&stop), step: &self.step * step }
    }

    /// The numbers; none when there are too many for a list.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Value>> {
        let len = self.len().ok().filter(|len| *len <= MAX_ITEMS)?;
        let mut next = self.start.clone();
        let mut items = Vec::with_capacity(len);
        for _ in 0..len {
            items.push(Value::from(next.clone()));
            next += &self.step;
        }
        Some(items)
    }
}

/// Two ranges are the same when they hold the same numbers.
impl PartialEq for Range {
    fn eq(&self, other: &Self) -> bool {
        let count = self.count();
        count == other.count()
            && (count.is_zero() || self.start == other.start && (count.is_one() || self.step == other.step))
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "range({}, {}", self.start, self.stop)?;
        if !self.step.is_one() {
            write!(f, ", {}", self.step)?;
        }
        f.write_str(")")
    }
}
