//! Where and when a resident is: their name, their zone and the instant, and days and times as they read them.

use consent::{Acting, Language, OwnAccess};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};
use model::{LocalDay, UtcMillis};
use store::StoreError;

use crate::state::AppState;

/// The resident who reads a page.
#[derive(Clone, Debug)]
pub struct Resident {
    /// Their name, if one is known.
    pub name: Option<String>,
    /// The zone they live in.
    pub zone: TimeZone,
    /// The instant of the page.
    pub now: UtcMillis,
    /// Who acts for them on the page, if they do not themselves.
    pub acting: Option<Acting>,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Resident {
    /// The person at this instant; `None` when there is no such person any more.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn load(state: &AppState, own: &OwnAccess) -> Result<Option<Self>, StoreError> {
        let person = state.store.person(own.person()).await?;
        Ok(person.map(|person| Self {
            acting: own.acting(),
            // The store takes no person with a zone that nobody knows.
            zone: TimeZone::get(&person.home_zone).unwrap_or(TimeZone::UTC),
            name: person.name,
            now: state.clock.now(),
        }))
    }

    /// The running day where they live.
    pub fn today(&self) -> LocalDay {
        local_day(self.zoned(self.now).date())
    }

    /// The day so many months after today. The 31st becomes the last day of a shorter month.
    pub fn months_from_today(&self, months: i32) -> LocalDay {
        let span: Span = months.months();
        let today = self.zoned(self.now).date();
        local_day(today.checked_add(span).unwrap_or(today))
    }

    /// The first instant after this day where they live.
    pub fn end_of(&self, day: LocalDay) -> UtcMillis {
        end_of(day, &self.zone)
    }

    /// The day on which this instant falls.
    pub fn day_of(&self, instant: UtcMillis) -> LocalDay {
        local_day(self.zoned(instant).date())
    }

    /// An instant to the minute, as `2026年5月10日 14時03分`.
    pub fn moment(&self, language: Language, instant: UtcMillis) -> String {
        let zoned = self.zoned(instant);
        let day = day(language, local_day(zoned.date()));
        match language {
            Language::Ja => format!("{day} {}時{:02}分", zoned.hour(), zoned.minute()),
            Language::En => format!("{day}, {:02}:{:02}", zoned.hour(), zoned.minute()),
        }
    }

    fn zoned(&self, instant: UtcMillis) -> jiff::ZonedDateTime {
        Timestamp::from_millisecond(instant.0)
            .unwrap_or(Timestamp::MAX)
            .to_zoned_datetime(self.zone.clone())
    }
}

/// The first instant after this day in a zone.
pub fn end_of(day: LocalDay, zone: &TimeZone) -> UtcMillis {
    let next = date(day).tomorrow().unwrap_or(Date::MAX);
    let instant = next
        .to_zoned_datetime(zone.clone())
        .map(|zoned| zoned.timestamp().as_millisecond());
    UtcMillis(instant.unwrap_or(i64::MAX))
}

/// A day as `2026年5月10日`.
pub fn day(language: Language, day: LocalDay) -> String {
    let (year, month, number) = day.ymd();
    match language {
        Language::Ja => format!("{year}年{month}月{number}日"),
        Language::En => {
            let name = MONTHS.get(month as usize - 1).copied().unwrap_or_default();
            format!("{number} {name} {year}")
        }
    }
}

/// The civil day of a date.
pub fn local_day(date: Date) -> LocalDay {
    let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
    LocalDay::from_ymd(i32::from(date.year()), u32::from(month), u32::from(day)).unwrap_or_default()
}

fn date(day: LocalDay) -> Date {
    let (year, month, number) = day.ymd();
    let narrow = |number: u32| i8::try_from(number).unwrap_or(1);
    Date::new(i16::try_from(year).unwrap_or(i16::MAX), narrow(month), narrow(number)).unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-29T15:30:00Z, which is the 30th in Tokyo.
    const NOW: UtcMillis = UtcMillis(1_795_966_200_000);

    fn resident(zone: &str) -> Resident {
        Resident {
            name: None,
            zone: TimeZone::get(zone).unwrap(),
            now: NOW,
            acting: None,
        }
    }

    #[test]
    fn days_and_times_are_those_where_the_resident_lives() {
        let tokyo = resident("Asia/Tokyo");
        assert_eq!(tokyo.moment(Language::Ja, NOW), "2026年11月30日 0時30分");
        assert_eq!(tokyo.moment(Language::En, NOW), "30 November 2026, 00:30");
        assert_eq!(tokyo.today().to_string(), "2026-11-30");
        assert_eq!(resident("Europe/Berlin").today().to_string(), "2026-11-29");
    }

    #[test]
    fn three_months_after_the_thirtieth_of_november_is_the_end_of_february() {
        let tokyo = resident("Asia/Tokyo");
        let day = tokyo.months_from_today(3);
        assert_eq!(day.to_string(), "2027-02-28");
        // Midnight in Tokyo is 15:00 of the day before in UTC.
        assert_eq!(
            tokyo.end_of(day),
            UtcMillis(day.plus(1).start(model::Offset::given(540)).0)
        );
        assert_eq!(tokyo.day_of(tokyo.end_of(day).plus(-1)), day);
    }
}
