//! What a source can bring, as its adapter declares it.

use adapters::Coverage;
use model::ConsentCategory;

use super::words::Words;

/// Names of a category that are told one by one.
const MOST: usize = 30;

/// By category, the names of what can come. Without what stands in brackets: it tells measures apart that nobody outside has to.
pub fn gives(words: Words, covered: &[Coverage]) -> Vec<(String, String)> {
    let of = |category: ConsentCategory| {
        let mut names: Vec<String> = Vec::new();
        for metric in covered.iter().flat_map(|coverage| coverage.metrics_of(category)) {
            let name = without_brackets(words.pick(metric.row().name_ja, metric.row().name_en));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let join = |names: &[String]| names.join(words.pick("、", "; "));
        let told = match names.split_at_checked(MOST) {
            Some((first, rest)) if !rest.is_empty() => words.fill(
                "gives-more",
                [("names", join(first)), ("count", rest.len().to_string())],
            ),
            _ => join(&names),
        };
        (!names.is_empty()).then(|| (words.category(category), told))
    };
    ConsentCategory::ALL.into_iter().filter_map(of).collect()
}

/// `Basal (resting) energy burned` is `Basal energy burned`.
fn without_brackets(name: &str) -> String {
    let mut bare = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once(['(', '（']) {
        bare.push_str(before.trim_end());
        rest = after.split_once([')', '）']).map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    bare.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use consent::Language;

    use super::*;

    #[test]
    fn a_name_is_told_without_what_stands_in_brackets_and_with_what_follows_them() {
        for (name, told) in [
            ("Steps (interval)", "Steps"),
            ("Basal (resting) energy burned", "Basal energy burned"),
            ("Casual (random) glucose", "Casual glucose"),
            ("葉酸(合成)摂取量", "葉酸摂取量"),
            ("歩数（区間）", "歩数"),
            ("A (b) c (d)", "A c"),
            ("Body weight", "Body weight"),
        ] {
            assert_eq!(without_brackets(name), told);
        }
    }

    /// By category, the names of all that stands in the adapters' tables.
    fn declared(words: Words, covered: &[Coverage]) -> BTreeMap<String, BTreeSet<String>> {
        let mut declared = BTreeMap::<String, BTreeSet<String>>::new();
        for covered in covered.iter().flat_map(|coverage| &coverage.types) {
            let row = covered.metric.row();
            let name = without_brackets(words.pick(row.name_ja, row.name_en));
            let names = declared.entry(words.category(row.category)).or_default();
            names.insert(name);
        }
        declared
    }

    #[test]
    fn all_that_the_tables_of_adapters_declare_is_told_in_both_languages_and_nothing_else() {
        let files: Vec<Coverage> = adapters::files().map(|adapter| adapter.coverage()).collect();
        let alone = adapters::all().iter().map(|adapter| vec![adapter.coverage()]);
        for covered in alone.chain([files]) {
            for (language, between) in [(Language::Ja, "、"), (Language::En, "; ")] {
                let words = Words(language);
                let declared = declared(words, &covered);
                let told = gives(words, &covered);
                let categories: BTreeSet<&String> = told.iter().map(|(category, _)| category).collect();
                assert_eq!(categories, declared.keys().collect(), "{language:?}");
                assert_eq!(categories.len(), told.len(), "each once");
                for (category, told) in &told {
                    let all = &declared[category];
                    let more = all.len().saturating_sub(MOST);
                    let count = words.fill("gives-more", [("names", String::new()), ("count", more.to_string())]);
                    let names = match more {
                        0 => Some(told.as_str()),
                        _ => told.strip_suffix(&count),
                    };
                    let names: Vec<&str> = names.unwrap_or_else(|| panic!("{told}")).split(between).collect();
                    assert_eq!(names.len(), all.len().min(MOST), "{told}");
                    assert!(
                        names.iter().all(|name| !name.is_empty() && all.contains(*name)),
                        "{told}"
                    );
                    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{told}");
                }
            }
        }
    }
}
