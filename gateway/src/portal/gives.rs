//! What a source can bring, as its adapter declares it.

use adapters::Coverage;
use model::ConsentCategory;

use super::words::Words;

/// Names of a category that are told one by one.
const MOST: usize = 30;

/// By category, the names of what can come. Without what stands in brackets: it tells measures apart that nobody outside has to.
pub fn gives(words: Words, covered: &[Coverage]) -> Vec<(String, String)> {
    let of = |category: ConsentCategory| {
        let mut names: Vec<&str> = Vec::new();
        for metric in covered.iter().flat_map(|coverage| coverage.metrics_of(category)) {
            let name = words.pick(metric.row().name_ja, metric.row().name_en);
            let name = name.split(['(', '（']).next().unwrap_or(name).trim();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let join = |names: &[&str]| names.join(words.pick("、", "; "));
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
