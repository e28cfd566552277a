//! Batteries (一連検査): items that are one examination together, such as the counts of one blood sample, and why it was done.

use std::sync::LazyLock;

use super::items::Item;
use crate::vocabulary::Metric;

/// Groups of the checkup report guide, as its code system `observationGroup-codes` has them, of which items of checkups are.
const GROUPS: [&str; 10] = [
    "2A020", "3C015", "9A110", "9E100", "9N201", "9N206", "9N216", "9N221", "9N251", "9N256",
];

/// How the names of items end that batteries are known by: what is before it names the battery.
const ENDINGS: [&str; 2] = ["(実施理由)", "(撮影年月日)"];

/// From which tie-break on records of batteries lie: above the numbers of items.
const FIRST_TIE_BREAK: u16 = 3_000;

/// Items that are one examination together, by the item that says why it was done, or when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Battery(Item);

impl Battery {
    /// All batteries that the guide has a group for.
    pub fn all() -> impl Iterator<Item = Self> {
        static ALL: LazyLock<Vec<Battery>> = LazyLock::new(|| {
            let mut parents: Vec<Battery> = Item::all()
                .filter_map(|item| Item::from_number(item.row().parent))
                .map(Battery)
                .filter(|battery| battery.possible_groups().next().is_some())
                .collect();
            parents.sort_unstable();
            parents.dedup();
            parents
        });
        ALL.iter().copied()
    }

    /// The battery that a result of an item belongs to.
    pub fn of(item: Item) -> Option<Self> {
        let battery = Self(Item::from_number(item.row().parent)?);
        Self::all().find(|known| *known == battery)
    }

    /// The battery of the record with this tie-break; `None` for other records.
    pub fn of_tie_break(tie_break: u16) -> Option<Self> {
        let battery = Self(Item::from_number(tie_break.checked_sub(FIRST_TIE_BREAK)?)?);
        Self::all().find(|known| *known == battery)
    }

    /// What tells its record from results of its metric.
    pub const fn tie_break(self) -> u16 {
        FIRST_TIE_BREAK + self.0.number()
    }

    /// The metric under which it is given: all its items are of one category.
    pub fn metric(self) -> Metric {
        self.0.metric()
    }

    /// The item that it is known by.
    pub const fn item(self) -> Item {
        self.0
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        let name = self.0.row().name_ja;
        ENDINGS
            .into_iter()
            .find_map(|ending| name.strip_suffix(ending))
            .unwrap_or(name)
    }

    /// The groups that it is of when these items were looked for, as codes of the guide. An X-ray is of one or the other by what it
    /// was taken for.
    pub fn groups(self, items: &[Item]) -> Vec<&'static str> {
        let is_one = |group: &&str| {
            let mut codes = items.iter().map(|item| item.row().code);
            !items.is_empty() && (self.is_known_by(group) || codes.any(|code| code.starts_with(group)))
        };
        self.possible_groups().filter(is_one).collect()
    }

    /// The groups that it can be of.
    pub fn possible_groups(self) -> impl Iterator<Item = &'static str> {
        let number = self.0.number();
        let is_in =
            move |group: &'static str, item: Item| item.row().parent == number && item.row().code.starts_with(group);
        GROUPS
            .into_iter()
            .filter(move |group| self.is_known_by(group) || Item::all().any(|item| is_in(group, item)))
    }

    fn is_known_by(self, group: &str) -> bool {
        self.0.row().code.starts_with(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(code: &str) -> Item {
        Item::from_code(code).expect("an item")
    }

    #[test]
    fn batteries_are_named_and_grouped_as_the_guide_has_them() {
        let told: Vec<(&str, Vec<&str>)> = Battery::all()
            .map(|battery| (battery.name(), battery.possible_groups().collect()))
            .collect();
        assert_eq!(
            told,
            [
                ("血清クレアチニン", vec!["3C015"]),
                ("貧血検査", vec!["2A020"]),
                ("心電図", vec!["9A110"]),
                ("胸部Ｘ線検査(直接撮影)", vec!["9N201", "9N206"]),
                ("胸部Ｘ線検査(間接撮影)", vec!["9N216", "9N221"]),
                ("胸部CT検査", vec!["9N251"]),
                ("上部消化管Ｘ線(直接撮影)", vec!["9N256"]),
                ("眼底検査", vec!["9E100"]),
            ]
        );
    }

    #[test]
    fn an_x_ray_is_of_the_group_of_what_it_was_taken_for() {
        let finding = item("9N206160700000011");
        let battery = Battery::of(finding).expect("a battery");
        assert_eq!(battery.groups(&[finding]), ["9N206"]);
        assert_eq!(
            battery.groups(&[finding, item("9N201000000000011")]),
            ["9N201", "9N206"]
        );
        assert!(
            battery.groups(&[battery.item()]).is_empty(),
            "a date alone is no examination"
        );
        let haematocrit = item("2A040000001930102");
        let blood = Battery::of(haematocrit).expect("a battery");
        assert_eq!(blood.groups(&[haematocrit]), ["2A020"]);
        assert!(blood.groups(&[]).is_empty());
    }

    #[test]
    fn all_of_a_battery_is_given_or_withheld_as_one() {
        for item in Item::all() {
            let Some(battery) = Battery::of(item) else { continue };
            let told = |metric: Metric| {
                let row = metric.row();
                (row.category, row.sensitive, row.fhir_category, row.confidentiality)
            };
            assert_eq!(told(item.metric()), told(battery.metric()), "{}", item.row().code);
            assert_eq!(
                item.row().category,
                battery.item().row().category,
                "{}",
                item.row().code
            );
        }
    }

    #[test]
    fn tie_breaks_tell_batteries_from_results() {
        assert!(
            Item::all().all(|item| item.number() < FIRST_TIE_BREAK && Battery::of_tie_break(item.number()).is_none())
        );
        for battery in Battery::all() {
            assert_eq!(Battery::of_tie_break(battery.tie_break()), Some(battery));
        }
        assert_eq!(Battery::of_tie_break(4_001), None, "that of a pressure");
    }
}
