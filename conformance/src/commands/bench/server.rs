//! A demo that is measured from outside.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::BenchError;
use super::inputs::{Bench, json};

/// A running demo; it ends with this value.
pub struct Server {
    child: Child,
    /// What it printed once it was ready.
    pub ready: Value,
}

impl Server {
    /// Starts it on a folder and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(bench: &Bench, folder: &str) -> Result<Self, BenchError> {
        let mut child = Command::new(&bench.sekisho)
            .args(["demo", "--json", "--port", "0", "--data", folder])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| BenchError::file(&bench.sekisho, error))?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out)
                .read_line(&mut line)
                .map_err(|error| BenchError::file(&bench.sekisho, error))?;
        }
        let ready = json("the demo's first line", &line)?;
        Ok(Self { child, ready })
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A text of what it printed.
    ///
    /// # Errors
    /// When there is no such text.
    pub fn text(&self, name: &'static str) -> Result<&str, BenchError> {
        self.ready[name].as_str().ok_or_else(|| BenchError::Printed {
            what: name,
            printed: self.ready.to_string().chars().take(200).collect(),
        })
    }

    /// Ends it as an operator does, so that everything is written.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub fn stop(mut self) -> Result<(), BenchError> {
        let stopped = Command::new("kill").arg(self.child.id().to_string()).status();
        stopped.map_err(|error| BenchError::Answer(format!("kill: {error}")))?;
        self.child
            .wait()
            .map_err(|error| BenchError::file("sekisho".as_ref(), error))?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended when it was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
