//! Child processes and what they cost, read from `/proc` (Linux): CPU seconds of all threads, and the highest resident memory.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::BenchError;

/// What a process cost from its start to its end.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU seconds, user and system, of all threads.
    pub cpu: f64,
    /// Seconds from start to end.
    pub wall: f64,
    /// Highest resident memory, bytes.
    pub peak_memory: u64,
}

/// `/proc/PID/stat` counts in hundredths of a second (proc(5): USER_HZ, 100 on every Linux that runs Rust).
const TICKS_A_SECOND: f64 = 100.0;

/// CPU seconds that a process has used, and whether it has ended and waits to be reaped.
///
/// # Errors
/// When there is no such process.
pub fn cpu(process: u32) -> Result<(f64, bool), BenchError> {
    let path = PathBuf::from(format!("/proc/{process}/stat"));
    let text = fs::read_to_string(&path).map_err(|error| BenchError::file(&path, error))?;
    // The name may hold spaces and brackets; the fields after its last bracket are numbered from 3.
    let fields: Vec<&str> = text
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().collect())
        .unwrap_or_default();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    match (fields.first(), ticks(11), ticks(12)) {
        (Some(state), Some(user), Some(system)) => Ok(((user + system) / TICKS_A_SECOND, *state == "Z")),
        _ => Err(BenchError::Unreadable(path)),
    }
}

/// The highest resident memory of a running process so far, bytes; `None` when it has ended.
pub fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

/// Runs a command to its end and says what it cost, with what it printed.
///
/// # Errors
/// When it cannot start or does not end well.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
pub fn run(program: &Path, arguments: &[&str]) -> Result<(Cost, String), BenchError> {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| BenchError::file(program, error))?;
    let mut peak = 0;
    let cpu_seconds = loop {
        peak = peak_memory(child.id()).unwrap_or(0).max(peak);
        // An ended child stays readable until it is waited for, with its whole count.
        if let (cpu_seconds, true) = cpu(child.id())? {
            break cpu_seconds;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let wall = start.elapsed().as_secs_f64();
    let printed = printed(&mut child)?;
    let status = child.wait().map_err(|error| BenchError::file(program, error))?;
    if !status.success() {
        return Err(BenchError::Failed {
            program: program.to_owned(),
            arguments: arguments.join(" "),
            status,
        });
    }
    let cost = Cost {
        cpu: cpu_seconds,
        wall,
        peak_memory: peak,
    };
    Ok((cost, printed))
}

/// What an ended child printed; a few lines at most, so the pipe held them.
fn printed(child: &mut Child) -> Result<String, BenchError> {
    let mut printed = String::new();
    if let Some(out) = child.stdout.as_mut() {
        out.read_to_string(&mut printed)
            .map_err(|error| BenchError::file(Path::new("standard output of a child"), error))?;
    }
    Ok(printed)
}

/// The `sekisho` binary beside this one, built now so that it is this tree's.
///
/// # Errors
/// When it cannot be built.
pub fn sekisho() -> Result<PathBuf, BenchError> {
    let here = std::env::current_exe().map_err(|error| BenchError::file(Path::new("this program"), error))?;
    let binary = here.with_file_name("sekisho");
    // A command of its own: fhirbolt changes features of serde_json for everything built with it.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(&cargo)
        .args(["build", "--release", "--quiet", "-p", "gateway"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .map_err(|error| BenchError::file(Path::new(&cargo), error))?;
    if status.success() {
        Ok(binary)
    } else {
        Err(BenchError::Failed {
            program: PathBuf::from(cargo),
            arguments: "build --release -p gateway".to_owned(),
            status,
        })
    }
}
