//! The pure parts, measured: `cargo bench --bench pure`, with a part of a name to choose.

#[path = "common/paths.rs"]
mod paths;
#[path = "common/text.rs"]
mod text;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

use paths::{Coming, Sealing, Two, Typing, proposal};

fn journal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal");
    for characters in [300, 3_000, 30_000, 100_000] {
        let coming = Coming::new(characters);
        group.bench_function(format!("admit one change at {characters}"), |bench| {
            bench.iter(|| black_box(coming.admit()));
        });
        group.bench_function(format!("what a card shows at {characters}"), |bench| {
            bench.iter(|| black_box(coming.card()));
        });
    }
    group.finish();
}

fn keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("keys");
    let sealing = Sealing::new(300);
    group.bench_function("seal a record of 300 B", |bench| {
        bench.iter(|| black_box(sealing.seal()))
    });
    group.bench_function("open it", |bench| bench.iter(|| black_box(sealing.open())));
    group.bench_function("verify it", |bench| {
        bench.iter(|| black_box(sealing.verify()))
    });
    group.finish();
}

fn replica(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replica");
    group.sample_size(20);
    for characters in [300, 3_000, 30_000, 100_000] {
        // Time is taken of one half of each turn alone, so that both halves are real.
        for (name, of_edit) in [("edit", true), ("receive one record", false)] {
            let mut typing = Typing::new(characters);
            group.bench_function(format!("{name} at {characters}"), |bench| {
                bench.iter_custom(|turns| {
                    let mut took = Duration::ZERO;
                    for _ in 0..turns {
                        let begun = Instant::now();
                        typing.edit();
                        let between = Instant::now();
                        typing.receive();
                        took += if of_edit {
                            between - begun
                        } else {
                            between.elapsed()
                        };
                        typing.rest();
                    }
                    took
                });
            });
        }
    }
    group.sample_size(10);
    for entries in [1_000, 10_000] {
        group.bench_function(
            format!("catch up {entries} entries in memory, both sides"),
            |bench| {
                bench.iter_batched(
                    || {
                        let mut two = Two::new();
                        two.part();
                        for n in 0..entries {
                            two.edit(proposal(n, 300));
                        }
                        two
                    },
                    |mut two| {
                        two.meet();
                        two.run();
                        assert_eq!(two.entries_of_bo() as u64, entries);
                        two
                    },
                    BatchSize::PerIteration,
                );
            },
        );
    }
    group.finish();
}

criterion_group!(benches, journal, keys, replica);
criterion_main!(benches);
