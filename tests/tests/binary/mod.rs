//! The real binary, and a demo that runs as long as a value of it lives.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A command of the binary beside this test.
pub fn sekisho() -> Command {
    let this = std::env::current_exe().unwrap();
    let binary = this.parent().and_then(Path::parent).unwrap().join("sekisho");
    assert!(
        binary.exists(),
        "build it first, by the profile of this test: cargo build -p gateway"
    );
    Command::new(binary)
}

/// A running demo; it ends with this value.
pub struct Demo(Child, Value);

impl Demo {
    /// Started on this folder, and ready.
    pub fn start(data: &Path) -> Self {
        let mut child = sekisho()
            .args(["demo", "--json", "--port", "0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self(child, serde_json::from_str(&line).unwrap())
    }

    /// A text of what it printed.
    pub fn text(&self, name: &str) -> &str {
        self.1[name].as_str().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
