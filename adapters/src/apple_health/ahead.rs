//! An export read, unpacked and repaired on a thread of its own, a few blocks ahead of who takes it apart.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::repair::Repair;

/// Blocks that may wait: enough that neither side waits for the other's pauses.
const WAITING: usize = 4;

/// Calls `take_apart` with the repaired text of `export`.
///
/// # Errors
/// When no thread can be started.
pub fn read_ahead<T>(export: impl Read + Send, take_apart: impl FnOnce(Ahead) -> T) -> io::Result<T> {
    thread::scope(|scope| {
        let (full, blocks) = sync_channel(WAITING);
        let (back, empty) = channel();
        thread::Builder::new()
            .name("read-ahead".to_owned())
            .spawn_scoped(scope, move || fill(Repair::new(export), &full, &empty))?;
        Ok(take_apart(Ahead { blocks, back }))
    })
}

/// Ends when the export does, or when nobody takes blocks any more.
fn fill(mut export: Repair<impl Read>, full: &SyncSender<io::Result<String>>, empty: &Receiver<String>) {
    loop {
        let block = export.block(empty.try_recv().unwrap_or_default());
        let last = block.as_ref().is_ok_and(String::is_empty) || block.is_err();
        if full.send(block).is_err() || last {
            return;
        }
    }
}

/// The blocks as they come.
pub struct Ahead {
    blocks: Receiver<io::Result<String>>,
    back: Sender<String>,
}

impl Ahead {
    /// The next block in place of one that is done with; empty at the end.
    ///
    /// # Errors
    /// What reading the export reported, after everything that was read before it.
    pub fn next(&mut self, done: String) -> io::Result<String> {
        // The other side is gone when it has read everything.
        let _ = self.back.send(done);
        self.blocks.recv().unwrap_or_else(|_| Ok(String::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of it, and what ended it.
    fn read(export: impl Read + Send) -> (String, io::Result<()>) {
        read_ahead(export, |mut ahead| {
            let (mut all, mut block) = (String::new(), String::new());
            loop {
                block = match ahead.next(block) {
                    Ok(block) => block,
                    Err(error) => return (all, Err(error)),
                };
                if block.is_empty() {
                    return (all, Ok(()));
                }
                all.push_str(&block);
            }
        })
        .expect("a thread")
    }

    /// Gives some bytes, then fails.
    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("the disk is gone"));
            }
            let length = self.0.min(out.len());
            out[..length].fill(b'a');
            self.0 -= length;
            Ok(length)
        }
    }

    #[test]
    fn every_character_comes_in_order() {
        let text: String = (0..200_000).map(|number| format!("<R a=\"歩{number}\"/>\n")).collect();
        let export = format!("<HealthData>{text}");
        let (all, end) = read(export.as_bytes());
        assert!(end.is_ok() && all == export);
    }

    #[test]
    fn who_stops_early_is_not_waited_for() {
        let endless = io::repeat(b'a').take(1 << 34);
        let first = read_ahead(endless, |mut ahead| ahead.next(String::new())).expect("a thread");
        assert!(first.is_ok_and(|block| !block.is_empty()));
    }

    #[test]
    fn what_stops_reading_is_told_after_what_was_read() {
        let (all, end) = read(Failing(3_000_000));
        assert_eq!(
            (all.len(), end.map_err(|error| error.to_string())),
            (3_000_000, Err("the disk is gone".to_owned()))
        );
    }
}
