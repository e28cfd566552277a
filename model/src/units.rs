//! Exact conversion between units, and cleaning of float noise.
//!
//! Numbers are decimals throughout: a conversion is an exact ratio, rounded once at the end, half away from zero.

use crate::decimal::{Decimal, MAX_SCALE, Measured, POWERS_OF_TEN};

/// `canonical = (value + before) × numerator / denominator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Added first, a whole number in the source unit (−32 for degrees Fahrenheit).
    pub before: i64,
    /// Numerator of the factor.
    pub numerator: i64,
    /// Denominator of the factor, never 0.
    pub denominator: i64,
}

impl Conversion {
    /// The source unit is the canonical one.
    pub const IDENTITY: Self = Self::ratio(1, 1);
    /// Pounds (avoirdupois, international) to kilograms.
    pub const POUND_TO_KILOGRAM: Self = Self::ratio(45_359_237, 100_000_000);
    /// Stones to kilograms.
    pub const STONE_TO_KILOGRAM: Self = Self::ratio(317_514_659, 50_000_000);
    /// Ounces (avoirdupois) to grams.
    pub const OUNCE_TO_GRAM: Self = Self::ratio(45_359_237, 1_600_000);
    /// Inches to centimetres.
    pub const INCH_TO_CENTIMETRE: Self = Self::ratio(127, 50);
    /// Feet to centimetres.
    pub const FOOT_TO_CENTIMETRE: Self = Self::ratio(762, 25);
    /// Yards to metres.
    pub const YARD_TO_METRE: Self = Self::ratio(1_143, 1_250);
    /// Feet to metres.
    pub const FOOT_TO_METRE: Self = Self::ratio(381, 1_250);
    /// Miles to metres.
    pub const MILE_TO_METRE: Self = Self::ratio(201_168, 125);
    /// Degrees Fahrenheit to degrees Celsius.
    pub const FAHRENHEIT_TO_CELSIUS: Self = Self {
        before: -32,
        numerator: 5,
        denominator: 9,
    };
    /// Kilojoules to kilocalories (thermochemical calorie, 4.184 J).
    pub const KILOJOULE_TO_KILOCALORIE: Self = Self::ratio(250, 1_046);
    /// Joules to kilocalories.
    pub const JOULE_TO_KILOCALORIE: Self = Self::ratio(1, 4_184);
    /// Kilopascals to millimetres of mercury (UCUM: 1 m[Hg] = 133.3220 kPa).
    pub const KILOPASCAL_TO_MMHG: Self = Self::ratio(500_000, 66_661);
    /// US fluid ounces to millilitres.
    pub const FLUID_OUNCE_US_TO_MILLILITRE: Self = Self::ratio(473_176_473, 16_000_000);
    /// Imperial fluid ounces to millilitres.
    pub const FLUID_OUNCE_IMPERIAL_TO_MILLILITRE: Self = Self::ratio(284_130_625, 10_000_000);
    /// US cups to millilitres.
    pub const CUP_US_TO_MILLILITRE: Self = Self::ratio(2_365_882_365, 10_000_000);
    /// US pints to millilitres.
    pub const PINT_US_TO_MILLILITRE: Self = Self::ratio(473_176_473, 1_000_000);
    /// A fraction of one to percent.
    pub const FRACTION_TO_PERCENT: Self = Self::ratio(100, 1);
    /// A count a second to a count a minute; hours to minutes.
    pub const TIMES_60: Self = Self::ratio(60, 1);

    /// A factor of `numerator / denominator`.
    pub const fn ratio(numerator: i64, denominator: i64) -> Self {
        Self {
            before: 0,
            numerator,
            denominator,
        }
    }

    /// A factor that is a decimal, e.g. a molar mass / 10; `None` beyond 18 digits or for a factor that is not positive.
    pub fn decimal(factor: Decimal) -> Option<Self> {
        (factor.mantissa > 0).then_some(())?;
        Some(Self::ratio(
            factor.mantissa,
            *POWERS_OF_TEN.get(usize::from(factor.scale))?,
        ))
    }

    /// Converts a value.
    ///
    /// Kept exactly when it terminates within the digits that fit, else rounded once with nine digits more than are shown.
    /// `digits` is `max(0, ceil(s − log10 f))` with `s` the decimals of the source and `f` the factor: converting back and
    /// rounding to `s` decimals then gives the source number again. `None` when the result does not fit.
    pub fn convert(self, value: Decimal) -> Option<Measured> {
        if self == Self::IDENTITY {
            return Some(Measured::as_given(value));
        }
        let power = |scale: u8| i128::from(POWERS_OF_TEN[usize::from(scale.min(MAX_SCALE))]);
        let shifted = i128::from(value.mantissa) + i128::from(self.before) * power(value.scale);
        // value × numerator / (10^scale × denominator), still exact.
        let numerator = shifted.checked_mul(i128::from(self.numerator))?;
        let denominator = power(value.scale).checked_mul(i128::from(self.denominator))?;
        let digits = self.digits(value.scale);
        let mut fallback = None;
        for scale in digits..=(digits + 9).min(MAX_SCALE) {
            let Some(scaled) = numerator.checked_mul(power(scale)) else {
                break;
            };
            let quotient = scaled / denominator;
            let remainder = scaled % denominator;
            let away = if remainder.unsigned_abs() * 2 >= denominator.unsigned_abs() {
                scaled.signum()
            } else {
                0
            };
            let Ok(mantissa) = i64::try_from(quotient + away) else {
                break;
            };
            fallback = Some(Measured {
                mantissa,
                scale,
                digits,
            });
            if remainder == 0 {
                break;
            }
        }
        fallback
    }

    /// `max(0, ceil(s − log10(numerator / denominator)))`, in whole numbers.
    fn digits(self, source_scale: u8) -> u8 {
        // The smallest d ≥ 0 with 10^d × numerator ≥ 10^s × denominator.
        let wanted = i128::from(POWERS_OF_TEN[usize::from(source_scale.min(MAX_SCALE))])
            .saturating_mul(i128::from(self.denominator));
        (0..MAX_SCALE)
            .find(|d| i128::from(POWERS_OF_TEN[usize::from(*d)]).saturating_mul(i128::from(self.numerator)) >= wanted)
            .unwrap_or(MAX_SCALE)
    }
}

/// Reads a decimal and takes float noise off it (rule of the vocabulary, 2.5).
///
/// A number of more than 7 significant digits that is the widening of its nearest float32 becomes the shortest decimal that
/// reads back as that float32; one of 16 or more digits becomes the shortest decimal of its float64. All others are taken
/// as they are written.
///
/// # Errors
/// As [`Decimal::parse`].
pub fn parse_number(text: &[u8]) -> Result<Decimal, crate::decimal::DecimalError> {
    let parsed = Decimal::parse(text);
    let significant = match parsed {
        Ok(decimal) if decimal.scale == 0 => return parsed,
        Ok(decimal) => significant_digits(decimal.mantissa),
        Err(crate::decimal::DecimalError::TooLong) => 19,
        Err(_) => return parsed,
    };
    if significant <= 7 {
        return parsed;
    }
    let Some(float) = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok()) else {
        return parsed;
    };
    let narrow = float as f32;
    // Printed from a float32, a number has 9 or more digits and no more value than the float32 has.
    if significant >= 12 && narrow.is_finite() && is_widening(float, narrow, significant) {
        return Decimal::parse(narrow.to_string().as_bytes());
    }
    if significant >= 16 {
        return Decimal::parse(float.to_string().as_bytes());
    }
    parsed
}

/// True when `float`, printed with so many digits, is what `narrow` prints as.
fn is_widening(float: f64, narrow: f32, significant: u32) -> bool {
    let widened = f64::from(narrow);
    if widened == float {
        return true;
    }
    let digits = significant.clamp(1, 17) as usize - 1;
    format!("{widened:.digits$e}") == format!("{float:.digits$e}")
}

fn significant_digits(mantissa: i64) -> u32 {
    mantissa.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str, conversion: Conversion) -> String {
        conversion
            .convert(Decimal::parse(text.as_bytes()).unwrap())
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_converted_value_shows_as_many_decimals_as_its_source_was_worth() {
        assert_eq!(shown("154.3", Conversion::POUND_TO_KILOGRAM), "69.99");
        assert_eq!(shown("98.6", Conversion::FAHRENHEIT_TO_CELSIUS), "37.00");
        assert_eq!(shown("5.5", Conversion::ratio(18, 1)), "99");
        assert_eq!(shown("16.0", Conversion::KILOPASCAL_TO_MMHG), "120.0");
        assert_eq!(shown("0.97", Conversion::FRACTION_TO_PERCENT), "97");
        assert_eq!(shown("0.975", Conversion::FRACTION_TO_PERCENT), "97.5");
    }

    #[test]
    fn a_converted_value_is_kept_exactly_where_it_ends() {
        let pounds = Conversion::POUND_TO_KILOGRAM.convert(Decimal::new(1_543, 1)).unwrap();
        assert_eq!(pounds.exact(), Decimal::new(69_989_302_691, 9));
        let glucose = Conversion::decimal(Decimal::parse(b"18.01558800000541").unwrap()).unwrap();
        assert_eq!(glucose.convert(Decimal::new(55, 1)).unwrap().to_string(), "99");
    }

    #[test]
    fn float_noise_is_taken_off() {
        let clean = |text: &str| parse_number(text.as_bytes()).unwrap().to_string();
        assert_eq!(clean("72.0999984741211"), "72.1");
        assert_eq!(clean("0.30000000000000004"), "0.30000000000000004");
        assert_eq!(clean("72.0"), "72.0");
        assert_eq!(clean("1234.5678"), "1234.5678");
        assert_eq!(clean("0.1499999999999999944"), "0.15");
    }

    proptest! {
        #[test]
        fn converting_back_gives_the_source_again(mantissa in 0i64..2_000_000, scale in 0u8..=2, which in 0usize..12) {
            let conversion = [
                Conversion::POUND_TO_KILOGRAM, Conversion::STONE_TO_KILOGRAM, Conversion::OUNCE_TO_GRAM,
                Conversion::INCH_TO_CENTIMETRE, Conversion::FOOT_TO_CENTIMETRE, Conversion::YARD_TO_METRE,
                Conversion::MILE_TO_METRE, Conversion::FAHRENHEIT_TO_CELSIUS, Conversion::KILOJOULE_TO_KILOCALORIE,
                Conversion::KILOPASCAL_TO_MMHG, Conversion::FLUID_OUNCE_US_TO_MILLILITRE, Conversion::FRACTION_TO_PERCENT,
            ][which];
            let source = Decimal::new(mantissa, scale);
            let shown = conversion.convert(source).unwrap().shown();
            // Back: shown × denominator / numerator − before, rounded to the source's decimals.
            let top = i128::from(shown.mantissa) * i128::from(conversion.denominator) * i128::from(POWERS_OF_TEN[usize::from(scale)]);
            let bottom = i128::from(conversion.numerator) * i128::from(POWERS_OF_TEN[usize::from(shown.scale)]);
            let rounded = (top.abs() * 2 + bottom) / (bottom * 2) * top.signum();
            let back = rounded - i128::from(conversion.before) * i128::from(POWERS_OF_TEN[usize::from(scale)]);
            prop_assert_eq!(back, i128::from(mantissa));
        }

        #[test]
        fn short_numbers_are_taken_as_written(mantissa in -9_999_999i64..=9_999_999, scale in 0u8..=6) {
            let text = Decimal::new(mantissa, scale).to_string();
            prop_assert_eq!(parse_number(text.as_bytes()).unwrap().to_string(), text);
        }

        #[test]
        fn what_a_float32_prints_comes_back_short(number in -10_000_000i32..10_000_000) {
            let narrow = number as f32 / 100.0;
            let widened = f64::from(narrow).to_string();
            let cleaned = parse_number(widened.as_bytes()).unwrap().to_string();
            prop_assert_eq!(cleaned.parse::<f32>().unwrap(), narrow);
            prop_assert!(cleaned.len() <= widened.len());
        }
    }
}
