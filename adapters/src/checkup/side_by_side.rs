//! Work on many files at once, taken in their order.

use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Threads at most: what takes the results is as fast as about three that make them.
const MOST_THREADS: usize = 3;
/// Results that are handed over at once: to wake a thread costs as much as a tenth of a document.
const AT_ONCE: usize = 4;
/// Such hand-overs of a thread that may wait to be taken, so that neither side waits for the other's pauses. A document may have 8 MiB,
/// so that few are held.
const WAITING: usize = 1;

/// Makes a result of each number below `count`, several at once, and hands them to `take` one after the other, in their order, until
/// it says that it has enough.
///
/// # Errors
/// When no thread can be started.
pub(super) fn in_order<T: Send, B>(
    count: usize,
    make: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(T) -> ControlFlow<B>,
) -> io::Result<ControlFlow<B>> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    // One more than there are cores: now and then one waits for its turn to hand a result over.
    let pieces = count.div_ceil(AT_ONCE);
    let threads = (threads + 1).min(MOST_THREADS).min(pieces.max(1));
    thread::scope(|scope| {
        let mut made: Vec<Receiver<Vec<T>>> = Vec::with_capacity(threads);
        for first in 0..threads {
            let (full, waiting) = sync_channel(WAITING);
            let make = &make;
            thread::Builder::new()
                .name("side-by-side".to_owned())
                .spawn_scoped(scope, move || {
                    fill(
                        (first..pieces).step_by(threads).map(|piece| numbers(piece, count)),
                        make,
                        &full,
                    );
                })?;
            made.push(waiting);
        }
        // Each thread makes every so-manieth piece, so that asking them by turns is their order.
        for next in made.iter().cycle().take(pieces) {
            // A thread that ends before its time has panicked, and the scope says so.
            let Ok(results) = next.recv() else { break };
            for result in results {
                let taken = take(result);
                if taken.is_break() {
                    return Ok(taken);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// The numbers of a piece of so many.
fn numbers(piece: usize, count: usize) -> Range<usize> {
    piece * AT_ONCE..((piece + 1) * AT_ONCE).min(count)
}

/// Ends when nobody takes results any more.
fn fill<T>(pieces: impl Iterator<Item = Range<usize>>, make: &impl Fn(usize) -> T, full: &SyncSender<Vec<T>>) {
    for numbers in pieces {
        if full.send(numbers.map(make).collect()).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_their_order_whoever_is_done_first() {
        let mut taken = Vec::new();
        let slow_first = |number: usize| {
            (0..(1_000 - number) * 20).for_each(|turn| {
                std::hint::black_box(turn);
            });
            number
        };
        let ended = in_order(1_000, slow_first, |number| {
            taken.push(number);
            ControlFlow::<()>::Continue(())
        });
        assert!(ended.unwrap().is_continue());
        assert_eq!(taken, (0..1_000).collect::<Vec<_>>());
        assert!(in_order(0, |_| (), |()| ControlFlow::Break(())).unwrap().is_continue());
    }

    #[test]
    fn little_more_is_made_than_is_taken() {
        let made = AtomicUsize::new(0);
        let count = |number: usize| {
            made.fetch_add(1, Ordering::Relaxed);
            number
        };
        let ended = in_order(1_000_000, count, |number| match number {
            100 => ControlFlow::Break("enough"),
            _ => ControlFlow::Continue(()),
        });
        assert_eq!(ended.unwrap(), ControlFlow::Break("enough"));
        let most = 101 + MOST_THREADS * (WAITING + 2) * AT_ONCE;
        assert!(made.load(Ordering::Relaxed) <= most);
    }
}
