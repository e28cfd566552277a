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

/// Gives the packages of the copy a version of their own: cargo names what it builds by the package's version and by its place in the
/// workspace, so that without it the copy's builds would take the place of ours, which tests that run later link to.
fn as_other_packages(folder: &Path) {
    let manifest = folder.join("Cargo.toml");
    let written = std::fs::read_to_string(&manifest).expect("the manifest of the workspace");
    let version = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(written.matches(&version).count(), 1, "one version for all packages");
    let other = written.replace(&version, "version = \"0.0.0-laid-down\"");
    std::fs::write(&manifest, other).expect("the manifest of the copy");
}

fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    let built = built();
    let profile = match built.file_name() {
        Some(name) if name != "debug" => name.to_string_lossy().into_owned(),
        _ => "dev".to_owned(),
    };
    // What others wrote is built already, and is the same here where the profile is that of this test, and features are those that
    // all of it asks for together. Our own is built for this test alone, so nothing is made of it that takes long.
    let ours = |package: &str| format!("profile.{profile}.package.{package}.opt-level=0");
    Command::new(env!("CARGO"))
        .args(&arguments[..1])
        .args(["--quiet", "--offline", "-p", "adapters", "-p", "gateway", "-p", "tests"])
        .args(["--profile", profile.as_str()])
        .args(
            ["model", "fhir-profiles", "adapters"]
                .into_iter()
                .flat_map(|package| ["--config".to_owned(), ours(package)]),
        )
        .args(&arguments[1..])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", built.parent().expect("a folder of all profiles"))
        .output()
        .expect("cargo")
}

/// Where what is built by the profile of this test lies.
fn built() -> PathBuf {
    let this = std::env::current_exe().expect("this test");
    let built = this.parent().and_then(Path::parent);
    built.expect("a folder of builds").to_owned()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn what_is_laid_down_compiles_and_says_what_to_fill_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(&root(), folder.path());
    as_other_packages(folder.path());
    let made = cargo(folder.path(), &["build", "--example", "new_adapter"]);
    assert!(made.status.success(), "{}", said(&made));
    let lay = |name: &str| {
        let mut command = Command::new(built().join("examples/new_adapter"));
        let output = command.args([name, "Some Vendor"]).current_dir(folder.path()).output();
        output.expect("the command that lays down an adapter")
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
    let arguments = ["test", "--lib", "--"];
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
