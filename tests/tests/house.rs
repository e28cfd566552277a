//! The house stands as drawn: crates depend on each other one way only, and each thing stays in its place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The table of the design: a crate, and which of ours it may use.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("model", &[]),
    ("adapters", &["model"]),
    ("consent", &["model"]),
    ("fhir-profiles", &["model"]),
    ("store", &["model", "consent"]),
    ("simulators", &["model"]),
    (
        "gateway",
        &["model", "adapters", "consent", "fhir-profiles", "store", "simulators"],
    ),
    ("conformance", &["model", "fhir-profiles"]),
    (
        "tests",
        &["model", "adapters", "consent", "fhir-profiles", "store", "gateway"],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the repository")
        .to_owned()
}

#[test]
fn dependencies_point_one_way() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    let ours: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(
        found, ours,
        "a crate came or went: put it into the table of the design first"
    );
    for package in &metadata.packages {
        let (_, allowed) = MAY_USE.iter().find(|(name, _)| *name == package.name.as_str()).unwrap();
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            assert!(
                !ours.contains(name) || allowed.contains(&name),
                "{} must not use {name}: arrows point one way (see ARCHITECTURE.md)",
                package.name
            );
        }
    }
}

#[test]
fn each_thing_stays_in_its_place() {
    // Words that give a thing away, and the folders where it lives.
    let places: [(&[&str], &[&str]); 3] = [
        (
            &[
                "HealthKit",
                "HKQuantity",
                "HKCategory",
                "HKCorrelation",
                "recordingMethod",
                "dataOrigin",
                "dataPoints",
                "googleapis",
            ],
            &["adapters", "tests"],
        ),
        (&["SELECT ", "INSERT INTO ", "DELETE FROM ", "rusqlite"], &["store"]),
        (
            &["<html", "<form", "<!doctype"],
            &["gateway/src/portal", "gateway/templates", "tests", "examples"],
        ),
    ];
    for file in rust_files(&root()) {
        let relative = file.strip_prefix(root()).unwrap().to_owned();
        if relative.ends_with("tests/tests/house.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for (words, folders) in places {
            if folders.iter().any(|folder| relative.starts_with(folder)) {
                continue;
            }
            for word in words {
                assert!(
                    !text.contains(word),
                    "{} holds `{word}`, which lives in {folders:?}",
                    relative.display()
                );
            }
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | "node_modules" | ".git" | ".tools") {
            found.extend(rust_files(&path));
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    found
}

/// Documents: what stands in the root, in `docs/`, and beside the code.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | "node_modules" | ".git" | ".tools") {
            found.extend(documents(&path));
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let mut links = 0;
    for document in documents(&root()) {
        let text = std::fs::read_to_string(&document).expect("a text");
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(char::is_whitespace) {
                continue;
            }
            let path = document.parent().expect("a folder").join(target);
            assert!(
                path.exists(),
                "{} links to {target}, which is not there",
                document.display()
            );
            links += 1;
        }
    }
    assert!(links > 200, "{links} links were looked at");
}
