//! One column of whole numbers as bytes: a constant, runs, small variable-length numbers, or `pco`.
//!
//! The first byte says which. Modes of `pco` are fixed (classic; a delta for columns that grow): its automatic choice costs three
//! times as much for two hundredths of the size.

use pco::standalone::{simple_compress, simple_decompress};
use pco::{ChunkConfig, DeltaSpec, ModeSpec};

const CONSTANT: u8 = 0;
const RUNS: u8 = 1;
const SMALL: u8 = 2;
const SMALL_DELTAS: u8 = 3;
const PCO: u8 = 4;

/// Of runs that are this long on average they are told as runs.
const RUN: usize = 12;
/// Below this many numbers the header of `pco` eats most of what it saves, and its search for that takes longest: so much is in the
/// leaves that pushes rewrite. What joins them to larger ones packs them.
const FEW: usize = 128;
/// Of the levels 0 to 12, the one after which size hardly falls.
const LEVEL: usize = 4;

/// Bytes that are not a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAColumn;

/// Whether neighbours are close to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Each number is near the one before.
    Growing,
    /// They are not.
    Any,
}

/// Appends a column.
pub(crate) fn write(out: &mut Vec<u8>, numbers: &[i64], order: Order) {
    let runs = runs(numbers);
    if runs <= 1 {
        out.push(CONSTANT);
        write_number(out, numbers.first().copied().unwrap_or(0));
    } else if runs <= (numbers.len() / RUN).max(2) {
        out.push(RUNS);
        write_runs(out, numbers, runs);
    } else if numbers.len() < FEW {
        out.push(if order == Order::Growing { SMALL_DELTAS } else { SMALL });
        let mut last = 0i64;
        for number in numbers {
            write_number(out, number.wrapping_sub(last));
            if order == Order::Growing {
                last = *number;
            }
        }
    } else {
        let delta = match order {
            Order::Growing => DeltaSpec::TryConsecutive(1),
            Order::Any => DeltaSpec::NoOp,
        };
        let config = ChunkConfig::default()
            .with_compression_level(LEVEL)
            .with_mode_spec(ModeSpec::Classic)
            .with_delta_spec(delta);
        match simple_compress(numbers, &config) {
            Ok(bytes) => {
                out.push(PCO);
                write_unsigned(out, bytes.len() as u64);
                out.extend_from_slice(&bytes);
            }
            // It refuses only settings that cannot be; these can. Plain numbers are as good.
            Err(_) => {
                out.push(SMALL);
                numbers.iter().for_each(|number| write_number(out, *number));
            }
        }
    }
}

fn runs(numbers: &[i64]) -> usize {
    if numbers.is_empty() {
        return 0;
    }
    1 + numbers.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

/// True for numbers that are neither constant nor few runs.
pub(crate) fn is_varied(numbers: impl ExactSizeIterator<Item = i64> + Clone) -> bool {
    let few = (numbers.len() / RUN).max(2);
    numbers
        .clone()
        .zip(numbers.skip(1))
        .filter(|(one, next)| one != next)
        .count()
        >= few
}

fn write_runs(out: &mut Vec<u8>, numbers: &[i64], runs: usize) {
    write_unsigned(out, runs as u64);
    let mut last = 0i64;
    for run in numbers.chunk_by(|one, other| one == other) {
        write_number(out, run[0].wrapping_sub(last));
        write_unsigned(out, run.len() as u64);
        last = run[0];
    }
}

/// Takes a column of `length` numbers off the front of `bytes`.
pub(crate) fn read(bytes: &mut &[u8], length: usize) -> Result<Vec<i64>, NotAColumn> {
    let kind = take(bytes, 1)?[0];
    let mut numbers = Vec::with_capacity(length);
    match kind {
        CONSTANT => numbers.resize(length, read_number(bytes)?),
        RUNS => {
            let runs = read_unsigned(bytes)?;
            let mut last = 0i64;
            for _ in 0..runs {
                last = last.wrapping_add(read_number(bytes)?);
                let many = usize::try_from(read_unsigned(bytes)?).map_err(|_| NotAColumn)?;
                if many == 0 || many > length - numbers.len() {
                    return Err(NotAColumn);
                }
                numbers.resize(numbers.len() + many, last);
            }
        }
        SMALL | SMALL_DELTAS => {
            let mut last = 0i64;
            for _ in 0..length {
                let number = last.wrapping_add(read_number(bytes)?);
                numbers.push(number);
                if kind == SMALL_DELTAS {
                    last = number;
                }
            }
        }
        PCO => {
            let size = usize::try_from(read_unsigned(bytes)?).map_err(|_| NotAColumn)?;
            numbers = simple_decompress::<i64>(take(bytes, size)?).map_err(|_| NotAColumn)?;
        }
        _ => return Err(NotAColumn),
    }
    if numbers.len() == length {
        Ok(numbers)
    } else {
        Err(NotAColumn)
    }
}

fn take<'a>(bytes: &mut &'a [u8], size: usize) -> Result<&'a [u8], NotAColumn> {
    let (taken, rest) = bytes.split_at_checked(size).ok_or(NotAColumn)?;
    *bytes = rest;
    Ok(taken)
}

/// Appends a number as a zigzag LEB128.
pub(crate) fn write_number(out: &mut Vec<u8>, number: i64) {
    write_unsigned(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Takes what [`write_number`] wrote.
pub(crate) fn read_number(bytes: &mut &[u8]) -> Result<i64, NotAColumn> {
    let zigzag = read_unsigned(bytes)?;
    Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
}

/// Appends a number as LEB128.
pub(crate) fn write_unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes what [`write_unsigned`] wrote.
pub(crate) fn read_unsigned(bytes: &mut &[u8]) -> Result<u64, NotAColumn> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(NotAColumn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(numbers: &[i64], order: Order) -> usize {
        let mut bytes = Vec::new();
        write(&mut bytes, numbers, order);
        let size = bytes.len();
        bytes.push(99);
        let mut rest = &bytes[..];
        assert_eq!(read(&mut rest, numbers.len()).as_deref(), Ok(numbers));
        assert_eq!(rest, [99]);
        size
    }

    #[test]
    fn what_does_not_change_costs_next_to_nothing() {
        assert!(round_trip(&[540; 4_096], Order::Any) <= 4);
        let mut changes_once = vec![3; 3_000];
        changes_once.resize(4_096, 4);
        assert!(round_trip(&changes_once, Order::Any) <= 10);
    }

    #[test]
    fn every_minute_is_nearly_free() {
        let minutes: Vec<i64> = (0..4_096).map(|minute| 29_000_000 + minute).collect();
        assert!(round_trip(&minutes, Order::Growing) < 80);
    }

    proptest! {
        #[test]
        fn any_column_reads_back(
            numbers in prop_oneof![
                prop::collection::vec(any::<i64>(), 0..300),
                prop::collection::vec(0i64..3, 0..300),
                prop::collection::vec(-5_000i64..5_000, 0..2_000),
            ],
            growing in any::<bool>(),
        ) {
            round_trip(&numbers, if growing { Order::Growing } else { Order::Any });
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), length in 0usize..500) {
            let _ = read(&mut &bytes[..], length);
        }
    }
}
