//! `docs/sources.md` is made of what each adapter declares: whoever changes a mapping writes it anew with
//! `INSTA_UPDATE=always cargo test -p tests --test sources`.

use std::fmt::Write as _;
use std::path::Path;

fn page() -> String {
    let mut page = String::from(
        "# Sources\n\n\
         Made by [sources.rs](../tests/tests/sources.rs) of what the [adapters](../adapters/src) declare; the rules they keep are in\n\
         [adapter-specification.md](adapter-specification.md). Numbers of types that are not listed are parked under the vendor's name,\n\
         anything else is kept as text, sealed.\n",
    );
    for adapter in adapters::all() {
        let coverage = adapter.coverage();
        write!(
            page,
            "\n## {}\n\n{}; mapping {}. Records are told apart by {}.\n\n| type | becomes | of it | a resident ticks |\n|---|---|---|---|\n",
            adapter.name(),
            adapter.describes(),
            adapter.mapping_version(),
            coverage.identity,
        )
        .expect("a text");
        for covered in &coverage.types {
            let row = covered.metric.row();
            writeln!(
                page,
                "| `{}` | `{}` {} {} | {} | {} |",
                covered.vendor_type,
                row.key,
                row.name_en,
                row.name_ja,
                covered.how.words(),
                row.category.key(),
            )
            .expect("a text");
        }
        if coverage.re_exporters.is_empty() {
            continue;
        }
        let writers = coverage.re_exporters.iter();
        let writers: Vec<String> = writers
            .map(|writer| format!("{} (`{}`)", writer.vendor, writer.written_as))
            .collect();
        writeln!(
            page,
            "\nVendors whose apps write here, so that the same record may come from them as well: {}.",
            writers.join(", ")
        )
        .expect("a text");
    }
    page
}

#[test]
fn the_page_is_what_the_adapters_declare() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let file = root.join("docs/sources.md");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&file, page()).expect("the page");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == page(),
        "write it anew: INSTA_UPDATE=always cargo test -p tests --test sources"
    );
}
