//! Exact decimals: a whole number and how many of its digits stand after the point. Never a binary float.

use std::fmt;

/// The most digits after the point.
pub const MAX_SCALE: u8 = 18;

/// `mantissa / 10^scale`. `72.0` is `(720, 1)` and differs from `72`, which is `(72, 0)`, in its digits only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits as a whole number.
    pub mantissa: i64,
    /// How many of them stand after the point, at most [`MAX_SCALE`].
    pub scale: u8,
}

/// A value in the metric's canonical unit, with the number of decimals to show.
///
/// A source that used the canonical unit gives `digits == scale`. A converted value is kept exactly (as far as 18
/// digits reach) and shown with as many decimals as the source's precision is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Measured {
    /// The value's digits as a whole number.
    pub mantissa: i64,
    /// How many of them stand after the point, at most [`MAX_SCALE`].
    pub scale: u8,
    /// Decimals to show, at most [`MAX_SCALE`].
    pub digits: u8,
}

/// Why a text is not a decimal that can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not `[+-]digits[.digits][e[+-]digits]`.
    #[error("not a decimal number")]
    NotANumber,
    /// More than 18 digits, or beyond them by its exponent.
    #[error("more digits than can be kept exactly")]
    TooLong,
}

/// 10 to the power of 0 to 18.
pub const POWERS_OF_TEN: [i64; 19] = {
    let mut powers = [1i64; 19];
    let mut exponent = 1;
    while exponent < 19 {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

impl Decimal {
    /// A whole number.
    pub const fn whole(number: i64) -> Self {
        Self {
            mantissa: number,
            scale: 0,
        }
    }

    /// `mantissa / 10^scale`.
    pub const fn new(mantissa: i64, scale: u8) -> Self {
        Self { mantissa, scale }
    }

    /// Reads `[+-]digits[.digits][e[+-]digits]` and keeps every digit after the point.
    ///
    /// # Errors
    /// [`DecimalError::NotANumber`] for anything else (`NaN`, `1,5`, an empty text), [`DecimalError::TooLong`] when the
    /// digits do not fit.
    pub fn parse(text: &[u8]) -> Result<Self, DecimalError> {
        let (negative, digits) = match text.first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let mut mantissa: i64 = 0;
        let mut scale: i32 = 0;
        let mut seen_point = false;
        let mut seen_digit = false;
        let mut position = 0;
        while let Some(&byte) = digits.get(position) {
            match byte {
                b'0'..=b'9' => {
                    seen_digit = true;
                    mantissa = mantissa
                        .checked_mul(10)
                        .and_then(|m| m.checked_add(i64::from(byte - b'0')))
                        .ok_or(DecimalError::TooLong)?;
                    scale += i32::from(seen_point);
                }
                b'.' if !seen_point => seen_point = true,
                b'e' | b'E' if seen_digit => {
                    let exponent = parse_exponent(&digits[position + 1..])?;
                    scale -= exponent;
                    break;
                }
                _ => return Err(DecimalError::NotANumber),
            }
            position += 1;
        }
        if !seen_digit || digits.last() == Some(&b'.') || digits.first() == Some(&b'.') {
            return Err(DecimalError::NotANumber);
        }
        if scale < 0 {
            let power = POWERS_OF_TEN.get(scale.unsigned_abs() as usize);
            mantissa = match (mantissa, power) {
                (0, _) => 0,
                (m, Some(power)) => m.checked_mul(*power).ok_or(DecimalError::TooLong)?,
                _ => return Err(DecimalError::TooLong),
            };
            scale = 0;
        }
        if scale > i32::from(MAX_SCALE) {
            return Err(DecimalError::TooLong);
        }
        Ok(Self {
            mantissa: if negative { -mantissa } else { mantissa },
            scale: scale as u8,
        })
    }

    /// The same value with `scale` decimals, rounded half away from zero where digits are lost; `None` when the digits do
    /// not fit.
    pub fn rescale(self, scale: u8) -> Option<Self> {
        if scale >= self.scale {
            let power = *POWERS_OF_TEN.get(usize::from(scale - self.scale))?;
            return Some(Self {
                mantissa: self.mantissa.checked_mul(power)?,
                scale,
            });
        }
        let power = *POWERS_OF_TEN.get(usize::from(self.scale - scale))?;
        let rounded = (i128::from(self.mantissa.unsigned_abs()) + i128::from(power) / 2) / i128::from(power);
        let rounded = i64::try_from(rounded).ok()?;
        Some(Self {
            mantissa: if self.mantissa < 0 { -rounded } else { rounded },
            scale,
        })
    }

    /// Order by value, whatever the digits.
    pub fn compare(self, other: Self) -> std::cmp::Ordering {
        let scale = self.scale.max(other.scale);
        let widen =
            |d: Self| i128::from(d.mantissa) * i128::from(POWERS_OF_TEN[usize::from((scale - d.scale).min(18))]);
        widen(self).cmp(&widen(other))
    }
}

fn parse_exponent(text: &[u8]) -> Result<i32, DecimalError> {
    let (negative, digits) = match text.first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(DecimalError::NotANumber);
    }
    if digits.len() > 3 {
        return Err(DecimalError::TooLong);
    }
    let exponent = digits
        .iter()
        .fold(0i32, |sum, digit| sum * 10 + i32::from(digit - b'0'));
    Ok(if negative { -exponent } else { exponent })
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs();
        if self.scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let power = POWERS_OF_TEN[usize::from(self.scale.min(MAX_SCALE))] as u64;
        write!(
            f,
            "{sign}{}.{:0width$}",
            digits / power,
            digits % power,
            width = usize::from(self.scale)
        )
    }
}

impl Measured {
    /// A value whose source used the canonical unit: shown with exactly its digits.
    pub const fn as_given(exact: Decimal) -> Self {
        Self {
            mantissa: exact.mantissa,
            scale: exact.scale,
            digits: exact.scale,
        }
    }

    /// The value, whole.
    pub const fn exact(self) -> Decimal {
        Decimal {
            mantissa: self.mantissa,
            scale: self.scale,
        }
    }

    /// The value as it is shown: rounded half away from zero to `digits` decimals.
    pub fn shown(self) -> Decimal {
        self.exact().rescale(self.digits).unwrap_or(self.exact())
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, DecimalError> {
        Decimal::parse(text.as_bytes()).map(|decimal| decimal.to_string())
    }

    #[test]
    fn digits_are_kept_as_written() {
        for text in ["72.0", "72", "-0.010", "65.20", "0"] {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        assert_eq!(read("1.5e2").as_deref(), Ok("150"));
        assert_eq!(read("4.52156E-3").as_deref(), Ok("0.00452156"));
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in [
            "", "-", ".", "5.", ".5", "1,5", "NaN", "inf", "1e", "1e+", "0x1", "１", "1 ",
        ] {
            assert_eq!(read(text), Err(DecimalError::NotANumber), "{text}");
        }
        assert_eq!(read("99999999999999999999"), Err(DecimalError::TooLong));
        assert_eq!(read("1e30"), Err(DecimalError::TooLong));
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        let round = |m, s, to| Decimal::new(m, s).rescale(to).map(|d| d.to_string());
        assert_eq!(round(25, 1, 0).as_deref(), Some("3"));
        assert_eq!(round(-25, 1, 0).as_deref(), Some("-3"));
        assert_eq!(round(24, 1, 0).as_deref(), Some("2"));
        assert_eq!(round(6_998_930_269, 8, 2).as_deref(), Some("69.99"));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(mantissa in any::<i64>(), scale in 0u8..=18) {
            let decimal = Decimal::new(mantissa.max(-i64::MAX), scale);
            prop_assert_eq!(Decimal::parse(decimal.to_string().as_bytes()), Ok(decimal));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = Decimal::parse(text.as_bytes());
        }
    }
}
