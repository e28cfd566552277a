//! Results of every item of checkups, of every kind that a document can tell.

use fhir_profiles::{CheckupView, checkup_result};
use model::checkup::items::{FOURTH_PERIOD, ROOT};
use model::checkup::{Finding, Found, Item, Kind, Range};
use model::{Decimal, LocalDay, UtcMillis};

use super::{SampleResource, sample};

/// Appends the Observations of this item.
pub(super) fn of(item: Item, samples: &mut Vec<SampleResource>) {
    let row = item.row();
    let number = |mantissa| (Decimal::new(mantissa, 1), row.unit.to_owned());
    let (value, unit) = number(712);
    let mut kinds = vec![
        ("not performed", Found::NotPerformed),
        ("not measurable", Found::NotMeasurable),
    ];
    match row.kind {
        Kind::Quantity => kinds.extend([
            ("number", Found::Quantity(value, unit.clone())),
            ("at the highest", Found::AtLeast(value, unit.clone())),
            ("at the lowest", Found::AtMost(value, unit)),
            ("number in an odd unit", Found::Quantity(value, "furlong".to_owned())),
        ]),
        Kind::Ordered | Kind::Coded => {
            let answer = |code: &str| Found::Answer(format!("{ROOT}{}", item.list_on(FOURTH_PERIOD)), code.to_owned());
            kinds.extend([("answer", answer("1")), ("answer that no list has", answer("77"))]);
        }
        Kind::Text => kinds.push(("text", Found::Text("所見なし\n\"経過観察\"".to_owned()))),
    }
    for (what, result) in kinds {
        let finding = Finding {
            item,
            reading: 0,
            result,
            interpretation: Some('H'),
            method: Some("9A75100000".to_owned()),
            range: (row.kind == Kind::Quantity).then(|| Range {
                low: Some(number(600)),
                high: None,
            }),
            doctor: Some("見本 医師".to_owned()),
            day: None,
        };
        for (dead, by_hand) in [(false, false), (false, true), (true, false)] {
            samples.push(sample(format!("{} {what}", row.code), |out| {
                checkup_result(
                    out,
                    &CheckupView {
                        id: "4f6x2k7qzm5v3h9n8c1b0d2f4g",
                        patient: "p1",
                        finding: &finding,
                        day: LocalDay(20_583),
                        by_hand,
                        version: 1 + u32::from(dead),
                        updated: UtcMillis(1_778_447_402_114),
                        dead,
                    },
                );
            }));
        }
    }
}
