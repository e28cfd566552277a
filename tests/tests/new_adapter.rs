//! The command that lays down a new adapter: what it makes compiles, is registered, and its tests say what to fill in. It runs on a
//! copy of the sources, so that nothing of ours changes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the repository")
        .to_owned()
}

/// Copies what cargo needs: sources and manifests, not what was built.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || matches!(name.as_str(), "target" | "node_modules") {
            continue;
        }
        if entry.file_type().expect("a kind").is_dir() {
            copy(&entry.path(), &to.join(name));
        } else {
            std::fs::copy(entry.path(), to.join(name)).expect("a copy");
        }
    }
}

fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    // What others wrote is built already, and the same here, where the profile is that of this test.
    let built = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let this = std::env::current_exe().expect("this test");
    let profile = match this.parent().and_then(Path::parent).and_then(Path::file_name) {
        Some(name) if name != "debug" => name.to_owned(),
        _ => "dev".into(),
    };
    Command::new(env!("CARGO"))
        .args(&arguments[..1])
        .arg("--profile")
        .arg(profile)
        .args(&arguments[1..])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", built)
        .output()
        .expect("cargo")
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn what_is_laid_down_compiles_and_says_what_to_fill_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&root(), folder.path());
    let lay = |name: &str| {
        let arguments = [
            "run",
            "--quiet",
            "--offline",
            "-p",
            "adapters",
            "--example",
            "new_adapter",
            "--",
        ];
        cargo(folder.path(), &[&arguments[..], &[name, "Some Vendor"]].concat())
    };
    let refused = lay("Some Vendor");
    assert!(
        !refused.status.success() && said(&refused).contains("is no name"),
        "{}",
        said(&refused)
    );
    let laid = lay("some-vendor");
    assert!(laid.status.success(), "{}", said(&laid));
    let again = lay("some-vendor");
    assert!(!again.status.success() && said(&again).contains("is there already"));
    let arguments = ["test", "--quiet", "--offline", "-p", "adapters", "--lib", "--"];
    let tests = [
        "every_adapter_declares",
        "every_fixture_is_recognised",
        "every_reading_adds_up",
    ];
    let tested = cargo(folder.path(), &[&arguments[..], &tests].concat());
    let told = said(&tested);
    assert!(!tested.status.success(), "{told}");
    for expected in [
        "some-vendor: fill in coverage.rs",
        "ordinary-day: `recognises` decides by the content",
        "1 passed; 2 failed",
    ] {
        assert!(told.contains(expected), "{expected} is not in:\n{told}");
    }
}
