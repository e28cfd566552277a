//! Units as Apple writes them: whatever the person chose, so every record's unit is read.

use model::decimal::Decimal;
use model::units::Conversion;

/// How a unit as Apple writes it becomes a canonical UCUM unit; `None` when it is not one of these.
pub fn conversion_to(canonical: &str, unit: &str) -> Option<Conversion> {
    let times = |numerator, denominator| Some(Conversion::ratio(numerator, denominator));
    match (canonical, unit) {
        (
            "{steps}" | "{floors}" | "{pushes}" | "{strokes}" | "{falls}" | "{drinks}" | "{puffs}" | "{index}",
            "count",
        )
        | ("kg/m2", "count" | "kg/m²" | "kg/m^2")
        | ("/min", "count/min")
        | ("m", "m")
        | ("cm", "cm")
        | ("kg", "kg")
        | ("g", "g")
        | ("mg", "mg")
        | ("ug", "mcg" | "µg" | "μg")
        | ("kcal", "kcal" | "Cal")
        | ("min", "min")
        | ("ms", "ms")
        | ("m/s", "m/s")
        | ("W", "W")
        | ("L", "L")
        | ("mL", "mL")
        | ("L/min", "L/min")
        | ("Cel", "degC")
        | ("mm[Hg]", "mmHg")
        | ("mg/dL", "mg/dL")
        | ("[iU]", "IU")
        | ("dB[SPL]", "dBASPL" | "dBASPL·1")
        | ("uS", "mcS" | "µS")
        | ("{score}", "appleEffortScore" | "count")
        | ("mL/min/kg", "mL/min·kg" | "ml/(kg*min)" | "mL/(kg*min)" | "mL/kg·min")
        | ("kcal/kg/h", "kcal/hr·kg" | "kcal/(kg*hr)" | "kcal/kg·hr") => Some(Conversion::IDENTITY),
        ("%", "%") => Some(Conversion::FRACTION_TO_PERCENT),
        ("/min", "count/s") => Some(Conversion::TIMES_60),
        ("/min", "count/hr") => times(1, 60),
        ("kg", "lb") => Some(Conversion::POUND_TO_KILOGRAM),
        ("kg", "st") => Some(Conversion::STONE_TO_KILOGRAM),
        ("kg", "g") | ("g", "mg") | ("mg", "mcg") | ("m", "mm") | ("L", "mL") | ("ms", "mcs") => times(1, 1_000),
        ("g", "oz") => Some(Conversion::OUNCE_TO_GRAM),
        ("g", "kg") | ("mg", "g") | ("ug", "mg") | ("m", "km") | ("mL", "L") | ("ms", "s") => times(1_000, 1),
        ("ug", "g") => times(1_000_000, 1),
        ("cm", "m") | ("mL", "dL") => times(100, 1),
        ("m", "cm") | ("L", "cL") => times(1, 100),
        ("mL", "cL") => times(10, 1),
        ("L", "dL") | ("cm", "mm") => times(1, 10),
        ("cm", "in") => Some(Conversion::INCH_TO_CENTIMETRE),
        ("cm", "ft") => Some(Conversion::FOOT_TO_CENTIMETRE),
        ("m", "mi") => Some(Conversion::MILE_TO_METRE),
        ("m", "yd") => Some(Conversion::YARD_TO_METRE),
        ("m", "ft") => Some(Conversion::FOOT_TO_METRE),
        ("m/s", "km/hr") => times(5, 18),
        ("m/s", "mi/hr") => times(1_397, 3_125),
        ("m/s", "ft/s") => Some(Conversion::FOOT_TO_METRE),
        ("m/s", "cm/s") => times(1, 100),
        ("kcal", "kJ") => Some(Conversion::KILOJOULE_TO_KILOCALORIE),
        ("kcal", "J") => Some(Conversion::JOULE_TO_KILOCALORIE),
        ("kcal", "cal") => times(1, 1_000),
        ("min", "s") => times(1, 60),
        ("min", "hr") => Some(Conversion::TIMES_60),
        ("Cel", "degF") => Some(Conversion::FAHRENHEIT_TO_CELSIUS),
        ("Cel", "K") => None,
        ("mm[Hg]", "kPa") => Some(Conversion::KILOPASCAL_TO_MMHG),
        ("mL", "fl_oz_us") => Some(Conversion::FLUID_OUNCE_US_TO_MILLILITRE),
        ("mL", "fl_oz_imp") => Some(Conversion::FLUID_OUNCE_IMPERIAL_TO_MILLILITRE),
        ("mL", "cup_us") => Some(Conversion::CUP_US_TO_MILLILITRE),
        ("mL", "pt_us") => Some(Conversion::PINT_US_TO_MILLILITRE),
        ("uS", "S") => times(1_000_000, 1),
        ("mg/dL", glucose) => millimoles(glucose),
        _ => None,
    }
}

/// `mmol<180.1558800000541>/L`: the molar mass stands in the unit; mg/dL = mmol/L × M / 10.
fn millimoles(unit: &str) -> Option<Conversion> {
    let mass = unit.strip_prefix("mmol<")?.strip_suffix(">/L")?;
    let mass = Decimal::parse(mass.as_bytes()).ok()?;
    Conversion::decimal(Decimal::new(mass.mantissa, mass.scale.checked_add(1)?))
}
