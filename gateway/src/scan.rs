//! Files go past a scanner of the operator's before anything reads them: a command that gets the file on its standard input and says
//! by its exit code whether it found something, 0 no, 1 yes, as scanners for viruses do. Whatever else it says, nothing is read.

use std::io::{self, Read, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use adapters::ReaderAt;

/// How often it is looked whether the scanner has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Bytes handed to it at a time.
const PIECE: usize = 64 * 1024;

/// The operator's command.
#[derive(Clone, Debug)]
pub struct Scanner {
    command: Vec<String>,
    seconds: u64,
}

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The scanner found something in it.
    #[error("the scanner found something in this file: it is not taken")]
    Found,
    /// Nobody knows whether there is something in it.
    #[error("the scanner did not look at this file to its end, so it is not taken: {0}")]
    NotScanned(String),
}

impl Scanner {
    /// Of a command with its arguments, with spaces between, and how long it may take; `None` where there is none.
    pub fn of(command: &str, seconds: u64) -> Option<Self> {
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        (!command.is_empty()).then_some(Self { command, seconds })
    }

    /// Lets it look at a file. Blocks.
    ///
    /// # Errors
    /// [`ScanError`].
    pub fn look(&self, bytes: &(dyn ReaderAt + Sync)) -> Result<(), ScanError> {
        self.look_through(&mut Whole { bytes, offset: 0 })
    }

    /// Lets it look at what is read from front to back. Blocks.
    ///
    /// # Errors
    /// [`ScanError`].
    pub fn look_through(&self, from: &mut dyn Read) -> Result<(), ScanError> {
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or_else(|| ScanError::NotScanned("no command".to_owned()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(program, error))?;
        let input = child.stdin.take();
        let (ended, handed) = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| end_of(child, Duration::from_secs(self.seconds)));
            // What unlocks a file stays on its thread.
            let handed = hand(from, input);
            (waiting.join(), handed)
        });
        let ended = ended.map_err(|_| ScanError::NotScanned("waiting ended early".to_owned()))?;
        match ended?.code() {
            Some(0) => {}
            Some(1) => return Err(ScanError::Found),
            Some(code) => return Err(ScanError::NotScanned(format!("it ended with {code}"))),
            None => return Err(ScanError::NotScanned("it was stopped".to_owned())),
        }
        handed.map_err(|error| failed("reading the file", error))
    }
}

fn failed(what: &str, error: io::Error) -> ScanError {
    ScanError::NotScanned(format!("{what}: {error}"))
}

fn hand(from: &mut dyn Read, input: Option<ChildStdin>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let Some(mut input) = input else { return Ok(()) };
    loop {
        let length = match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        // A scanner that has seen enough closes its end.
        if input.write_all(&piece[..length]).is_err() {
            return Ok(());
        }
    }
}

/// How the command ended, within this time.
fn end_of(mut child: Child, mut left: Duration) -> Result<ExitStatus, ScanError> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if left.is_zero() => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(ScanError::NotScanned("it took too long".to_owned()));
            }
            Ok(None) => {
                std::thread::sleep(LOOK);
                left = left.saturating_sub(LOOK);
            }
            Err(error) => return Err(failed("waiting", error)),
        }
    }
}

/// Bytes from front to back.
struct Whole<'a> {
    bytes: &'a (dyn ReaderAt + Sync),
    offset: u64,
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(command: &str, bytes: &[u8]) -> Result<(), String> {
        let scanner = Scanner::of(command, 1).unwrap();
        scanner.look(&bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn the_exit_code_decides_and_whatever_is_unclear_is_a_no() {
        // grep -q -v as a scanner that finds: it ends with 0 or 1 by what stands in the file.
        assert_eq!(look("grep -q harmless", b"harmless"), Ok(()));
        let found = look("grep -q harmless", b"EICAR").unwrap_err();
        assert!(found.contains("found something"), "{found}");
        for (command, why) in [
            ("grep -q --no-such-option", "ended with 2"),
            ("no-such-scanner-anywhere", "no-such-scanner-anywhere"),
            ("sleep 30", "too long"),
        ] {
            let refused = look(command, b"x").unwrap_err();
            assert!(refused.contains(why), "{command}: {refused}");
        }
        assert!(Scanner::of("  ", 1).is_none());
    }

    #[test]
    fn a_large_file_is_handed_over_whole_and_one_that_nobody_reads_to_its_end_too() {
        let large = vec![b'x'; 3 << 20];
        assert_eq!(look("grep -q -c x", &large), Ok(()));
        assert_eq!(look("true", &large), Ok(()), "it had seen enough");
        assert_eq!(look("grep -q ^$", b"\n"), Ok(()));
    }
}
