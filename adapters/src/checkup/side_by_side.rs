//! Work on many files at once, taken in their order.

use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Threads at most: what takes the results is as fast as about three that make them.
const MOST_THREADS: usize = 3;
/// Results that are handed over at once: to wake a thread costs as much as a tenth of a document.
const AT_ONCE: usize = 16;
/// Bytes from which on fewer are: usual documents have 20 kB, the largest 8 MiB.
const BYTES_AT_ONCE: usize = 512 << 10;
/// Such hand-overs of a thread that may wait to be taken, so that neither side waits for the other's pauses.
const WAITING: usize = 1;

/// Makes a result of each number below `count`, several at once, and hands them to `take` one after the other, in their order, until
/// it says that it has enough. `size` tells the bytes of one, so that few wait that are large.
///
/// # Errors
/// When no thread can be started.
pub(super) fn in_order<T: Send, B>(
    count: usize,
    make: impl Fn(usize) -> T + Sync,
    size: impl Fn(&T) -> usize + Sync,
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
            let (make, size) = (&make, &size);
            thread::Builder::new()
                .name("side-by-side".to_owned())
                .spawn_scoped(scope, move || {
                    // Each makes every so-manieth piece. It ends when nobody takes results any more.
                    let mut pieces = (first..pieces).step_by(threads);
                    pieces.try_for_each(|piece| fill(numbers(piece, count), make, size, &full))
                })?;
            made.push(waiting);
        }
        // Asking them by turns is their order.
        for (piece, next) in (0..pieces).zip(made.iter().cycle()) {
            let mut missing = numbers(piece, count).len();
            while missing > 0 {
                // A thread that ends before its time has panicked, and the scope says so.
                let Ok(results) = next.recv() else {
                    return Ok(ControlFlow::Continue(()));
                };
                missing -= results.len();
                for result in results {
                    let taken = take(result);
                    if taken.is_break() {
                        return Ok(taken);
                    }
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

/// Makes a piece, and hands it over: at once, unless it is large. Breaks off where nobody takes it.
fn fill<T>(
    numbers: Range<usize>,
    make: &impl Fn(usize) -> T,
    size: &impl Fn(&T) -> usize,
    full: &SyncSender<Vec<T>>,
) -> ControlFlow<()> {
    let (mut results, mut bytes) = (Vec::with_capacity(AT_ONCE), 0);
    let last = numbers.end - 1;
    for number in numbers {
        let result = make(number);
        bytes += size(&result);
        results.push(result);
        if number == last || bytes >= BYTES_AT_ONCE {
            bytes = 0;
            if full.send(std::mem::take(&mut results)).is_err() {
                return ControlFlow::Break(());
            }
        }
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_their_order_whoever_is_done_first() {
        let slow_first = |number: usize| {
            (0..(1_000 - number) * 20).for_each(|turn| {
                std::hint::black_box(turn);
            });
            number
        };
        for size in [0, BYTES_AT_ONCE / 3, BYTES_AT_ONCE] {
            let mut taken = Vec::new();
            let ended = in_order(
                1_000,
                slow_first,
                |_| size,
                |number| {
                    taken.push(number);
                    ControlFlow::<()>::Continue(())
                },
            );
            assert!(ended.unwrap().is_continue());
            assert_eq!(taken, (0..1_000).collect::<Vec<_>>());
        }
        let none = in_order(0, |_| (), |()| 0, |()| ControlFlow::Break(()));
        assert!(none.unwrap().is_continue());
    }

    #[test]
    fn little_more_is_made_than_is_taken() {
        for (size, at_once) in [(0, AT_ONCE), (BYTES_AT_ONCE, 1)] {
            let made = AtomicUsize::new(0);
            let count = |number: usize| {
                made.fetch_add(1, Ordering::Relaxed);
                number
            };
            let enough = |number| match number {
                100 => ControlFlow::Break("enough"),
                _ => ControlFlow::Continue(()),
            };
            let ended = in_order(1_000_000, count, |_| size, enough);
            assert_eq!(ended.unwrap(), ControlFlow::Break("enough"));
            // Whoever is ahead makes the first of its pieces until they are asked for.
            let most = 101 + MOST_THREADS * (WAITING + 2) * at_once;
            assert!(made.load(Ordering::Relaxed) <= most, "{size}");
        }
    }
}
