//! One key path, made ready from fixed seeds and then gone a few times, for callgrind to count: `benches/instructions` runs it and
//! compares with `benches/instructions.txt`.
//!
//! ```text
//! cargo run --release --example instructions -- receive
//! ```

#[path = "../benches/common/paths.rs"]
mod paths;
#[path = "../benches/common/text.rs"]
mod text;

use std::hint::black_box;
use std::process::ExitCode;

use paths::{Coming, Sealing, Typing};

/// How often each path is gone.
const TIMES: usize = 10;

/// What is counted, and nothing beside it: callgrind collects while this is on the stack.
#[inline(never)]
fn counted(path: &mut dyn FnMut()) {
    path();
    // So that nothing makes one function of this and another.
    black_box(());
}

fn often(mut path: impl FnMut()) {
    for _ in 0..TIMES {
        counted(&mut path);
    }
}

fn main() -> ExitCode {
    let named = std::env::args().nth(1).unwrap_or_default();
    match named.as_str() {
        "admit" => {
            let coming = Coming::new(3_000);
            often(|| {
                black_box(coming.admit());
            });
        }
        "card" => {
            let coming = Coming::new(3_000);
            often(|| {
                black_box(coming.card());
            });
        }
        "seal" => {
            let sealing = Sealing::new(300);
            often(|| {
                black_box(sealing.seal());
            });
        }
        "open" => {
            let sealing = Sealing::new(300);
            often(|| {
                black_box(sealing.open());
                black_box(sealing.verify());
            });
        }
        "fold" => {
            let text = text::text(1, 3_000);
            often(|| {
                black_box(amends::search::fold(&text));
            });
        }
        "edit" | "receive" => {
            let mut typing = Typing::new(3_000);
            for _ in 0..TIMES {
                if named == "edit" {
                    counted(&mut || typing.edit());
                    typing.receive();
                } else {
                    typing.edit();
                    counted(&mut || typing.receive());
                }
                typing.rest();
            }
        }
        _ => {
            eprintln!("one of admit, card, seal, open, fold, edit, receive");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
