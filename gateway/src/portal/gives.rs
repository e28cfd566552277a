//! What a source can bring, as its adapter declares it.

use adapters::Coverage;
use model::ConsentCategory;

use super::words::Words;

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
        (!names.is_empty()).then(|| (words.category(category), names.join(words.pick("、", "; "))))
    };
    ConsentCategory::ALL.into_iter().filter_map(of).collect()
}
