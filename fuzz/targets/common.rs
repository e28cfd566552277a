//! What must hold of every reading.

use adapters::{Adapter, Handed, Input, Sink, SinkClosed};

/// Counts what is handed on, and looks at each sample.
#[derive(Default)]
struct Counted {
    sources: usize,
    records: u64,
}

impl Sink for Counted {
    fn hand(&mut self, piece: Handed) -> Result<(), SinkClosed> {
        let sound = |sample: &model::Sample, sources: usize| {
            assert!(sample.start <= sample.end, "it ends before it starts");
            assert!(usize::from(sample.source) < sources, "its source was not handed on");
        };
        match piece {
            Handed::Source(_) => self.sources += 1,
            Handed::Samples(samples) => {
                samples.iter().for_each(|sample| sound(sample, self.sources));
                self.records += samples.len() as u64;
            }
            Handed::Checkup(brought) => self.records += brought.records(),
            Handed::Identified(records) => {
                for record in records {
                    assert!((1..=512).contains(&record.id.len()));
                    record
                        .what
                        .samples()
                        .iter()
                        .for_each(|sample| sound(sample, self.sources));
                    self.records += record.records();
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// An answer or an error, and a reading whose records all ended somewhere.
pub fn reads(adapter: &dyn Adapter, bytes: &[u8]) {
    let input = Input {
        bytes: &bytes,
        size: bytes.len() as u64,
    };
    let _ = adapter.recognises(&input);
    let mut counted = Counted::default();
    if let Ok(reading) = adapter.read(&input, &mut counted) {
        assert!(reading.accounting.adds_up());
        assert_eq!(reading.samples, counted.records);
    }
}
