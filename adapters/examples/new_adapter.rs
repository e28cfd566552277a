//! Lays down a new adapter that compiles and whose tests say what to fill in:
//!
//! ```text
//! cargo run -p adapters --example new_adapter -- vendor-name "Vendor Name"
//! ```

use std::error::Error;
use std::fs;
use std::path::Path;

const FILES: [(&str, &str); 5] = [
    ("mod.rs", include_str!("../skeleton/mod.rs.txt")),
    ("coverage.rs", include_str!("../skeleton/coverage.rs.txt")),
    ("map.rs", include_str!("../skeleton/map.rs.txt")),
    ("wire.rs", include_str!("../skeleton/wire.rs.txt")),
    (
        "fixtures/ordinary-day.txt",
        include_str!("../skeleton/ordinary-day.txt"),
    ),
];

#[expect(clippy::print_stdout, reason = "what the command is asked for")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, title] = arguments.as_slice() else {
        return Err("two arguments are needed: the adapter's name (vendor-name) and the vendor's for people".into());
    };
    let is_name = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if !name.split('-').all(is_name) {
        return Err(format!("{name} is no name: small letters and digits, with hyphens between words").into());
    }
    let (module, type_name) = (name.replace('-', "_"), type_of(name));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folder = sources.join(&module);
    if folder.exists() {
        return Err(format!("{} is there already", folder.display()).into());
    }
    // First that which can fail without anything being written.
    let library = fs::read_to_string(sources.join("lib.rs"))?;
    let library = registered(&library, &module, &type_name).ok_or("lib.rs has no list of adapters any more")?;
    fs::create_dir_all(folder.join("fixtures"))?;
    for (file, text) in FILES {
        let text = text
            .replace("{{name}}", name)
            .replace("{{title}}", title)
            .replace("{{type}}", &type_name);
        fs::write(folder.join(file), text)?;
    }
    fs::write(sources.join("lib.rs"), library)?;
    println!(
        "{} is laid down; `cargo test -p adapters` says what to fill in",
        folder.display()
    );
    Ok(())
}

/// `VendorName` of `vendor-name`.
fn type_of(name: &str) -> String {
    let words = name.split('-').filter_map(|word| {
        let mut letters = word.chars();
        Some(letters.next()?.to_ascii_uppercase().to_string() + letters.as_str())
    });
    words.collect()
}

/// The library with one more module, and one more adapter in its list.
fn registered(library: &str, module: &str, type_name: &str) -> Option<String> {
    let (before, list) = library.split_once("pub fn all() ")?;
    let (head, rest) = list.split_once("&[\n")?;
    let (known, after) = rest.split_once(']')?;
    let known = known.trim().trim_end_matches(',');
    let modules = before.replacen("mod coverage;\n", &format!("mod coverage;\npub mod {module};\n"), 1);
    (modules != before).then(|| format!("{modules}pub fn all() {head}&[{known}, &{module}::{type_name}]{after}"))
}
