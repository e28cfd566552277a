//! A package that a password locks, by the real binary: the password comes from a file, or is typed at a terminal that does not show it, and
//! stands in nothing that is left. The terminal is a pseudo terminal of `script`, which every Debian has (bsdutils).

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

#[expect(dead_code, reason = "no demo runs here")]
mod binary;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use binary::sekisho;
use serde_json::Value;

const PASSWORD: &str = "見本の合言葉";

/// A data folder with a member, and a package of three people's documents that is locked.
struct Locked {
    folder: tempfile::TempDir,
}

impl Locked {
    fn new() -> Self {
        let locked = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let mut zip = zip::ZipWriter::new(std::fs::File::create(locked.package()).unwrap());
        for seed in 1..=3 {
            let options = zip::write::SimpleFileOptions::default().with_aes_encryption(zip::AesMode::Aes256, PASSWORD);
            zip.start_file(format!("DATA/h{seed}.xml"), options).unwrap();
            let checkup = adapters::checkup::synthetic::MadeUp::of(seed).checkup(2025);
            let document = adapters::checkup::synthetic::document(&checkup);
            zip.write_all(document.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        assert!(locked.run(&["person", "add", "--name", "member"]).status.success());
        locked
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn package(&self) -> PathBuf {
        self.folder.path().join("locked.zip")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = sekisho();
        command.args(arguments).arg("--data").arg(self.data());
        command.output().unwrap()
    }

    /// The command that takes the package in.
    fn import(&self) -> Command {
        let mut command = sekisho();
        command.args(["batch", "import"]).arg(self.package());
        command.args(["--handler", "担当 一", "--counterpart", "みほん国保", "--data"]);
        command.arg(self.data());
        command
    }

    /// Why each hand-over was refused, by the ledger, the latest first; nothing for one that was not.
    fn ledger(&self) -> Vec<String> {
        let told = self.run(&["batch", "ledger"]);
        let lines = String::from_utf8(told.stdout).unwrap();
        let refused = lines
            .lines()
            .skip(1)
            .map(|line| line.rsplit(',').next().unwrap().to_owned());
        refused.collect()
    }
}

#[test]
fn a_locked_package_is_unlocked_by_its_password_alone() {
    let locked = Locked::new();
    let password = locked.folder.path().join("password");
    let unlocked = |with: &str| {
        std::fs::write(&password, with).unwrap();
        let mut command = locked.import();
        command.arg("--password-file").arg(&password).output().unwrap()
    };
    for (wrong, expected) in [
        ("ちがう合言葉\n", "its password is another one"),
        ("\n", "a password has 1 to"),
    ] {
        let refused = unlocked(wrong);
        let why = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(1) && why.contains(expected), "{why}");
        assert!(!why.contains("合言葉"), "{why}");
    }
    let told: Value = serde_json::from_slice(&unlocked("見本の合言葉\r\n").stdout).unwrap();
    assert_eq!(told["documents"]["unclaimed"], 3, "{told}");
    assert_eq!(locked.ledger(), ["", "password"]);
    // It was taken in: to try it again in vain is no other hand-over.
    assert_eq!(unlocked("ちがう合言葉\n").status.code(), Some(1));
    assert_eq!(locked.ledger(), ["", "password"]);
}

/// Nobody is there to be asked where no terminal is.
#[test]
fn without_a_terminal_a_locked_package_says_how_it_is_told_its_password() {
    let locked = Locked::new();
    let mut alone = Command::new("setsid");
    let import = locked.import();
    alone.arg("--wait").arg(import.get_program()).args(import.get_args());
    let refused = alone.stdin(Stdio::null()).output().unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(1) && why.contains("--password-file"),
        "{why}"
    );
}

#[test]
fn a_password_is_typed_unseen_and_stands_in_nothing_that_is_left() {
    let locked = Locked::new();
    let (ended, seen) = typed(locked.import(), "ちがう合言葉");
    assert!(
        ended == Some(1) && seen.contains("its password is another one"),
        "{ended:?}: {seen}"
    );
    assert!(!seen.contains("合言葉"), "{seen}");
    assert_eq!(locked.ledger(), ["password"]);
    let (ended, seen) = typed(locked.import(), PASSWORD);
    assert!(
        ended == Some(0) && seen.contains("\"unclaimed\":3"),
        "{ended:?}: {seen}"
    );
    assert!(!seen.contains("合言葉"), "{seen}");
    let kept = std::fs::read_dir(locked.data())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let kept: Vec<_> = kept.filter(|path| path.is_file()).collect();
    assert!(!kept.is_empty());
    for path in kept {
        let kept = std::fs::read(&path).unwrap();
        let password = PASSWORD.as_bytes();
        assert!(
            !kept.windows(password.len()).any(|some| some == password),
            "{}",
            path.display()
        );
    }
}

/// Runs a command at a terminal and types a password once it is asked for: how the command ended, and all that the terminal showed.
fn typed(command: Command, password: &str) -> (Option<i32>, String) {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut terminal = Command::new("script");
    // Its terminal shows what is typed, as a real one does, until it is told not to; the first line is its name.
    terminal.args(["--quiet", "--return", "--echo", "always", "--command"]);
    terminal.arg(format!("tty; exec {}", quoted.join(" "))).arg("/dev/null");
    let mut terminal = terminal
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, of bsdutils");
    let (shown, seen) = channel();
    let mut screen = terminal.stdout.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut some = [0; 4096];
        while let Ok(read @ 1..) = screen.read(&mut some) {
            let _ = shown.send(some[..read].to_vec());
        }
    });
    let mut screen = Screen(seen, Vec::new());
    screen.until("Password of the ZIP: ");
    let name = screen.text().lines().next().unwrap().trim().to_owned();
    until_unseen(&name);
    let mut keys = terminal.stdin.take().unwrap();
    keys.write_all(format!("{password}\n").as_bytes()).unwrap();
    keys.flush().unwrap();
    let ended = terminal.wait().unwrap();
    reading.join().unwrap();
    screen.1.extend(screen.0.try_iter().flatten());
    (ended.code(), screen.text())
}

/// What a terminal shows, as it comes.
struct Screen(Receiver<Vec<u8>>, Vec<u8>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.1).into_owned()
    }

    fn until(&mut self, wanted: &str) {
        while !self.text().contains(wanted) {
            let more = self.0.recv_timeout(Duration::from_secs(60));
            let more = more.unwrap_or_else(|_| panic!("no {wanted:?}: {}", self.text()));
            self.1.extend(more);
        }
    }
}

/// Waits until a terminal shows no more what is typed: it asks a moment before that.
fn until_unseen(name: &str) {
    for _ in 0..600 {
        let told = Command::new("stty").args(["-a", "-F", name]).output().unwrap();
        if String::from_utf8_lossy(&told.stdout).contains("-echo ") {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the terminal goes on showing what is typed");
}
