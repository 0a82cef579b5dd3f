//! A text that two people really wrote, edit by edit between two devices: what one costs as its entry grows.

use crate::device::{Pair, Up};
use crate::edits::{new_text, proposal};
use crate::figures::{Bound, Samples};
use crate::machine::cpu;
use crate::{Bench, Told};

/// `[who, at, gone, come]`: `benches/traces/README.md`.
const TRACE: &str = include_str!("../traces/friendsforever.json");
const ROW: &str = "trace";
/// Edits whose figures are taken together, at the beginning, in the middle and at the end.
const TOGETHER: usize = 250;

/// Measures each edit of the trace, from the one `up` to the other.
pub(crate) fn grown(bench: &mut Bench<'_>, pair: &Pair, ups: &mut (Up, Up)) -> Told<()> {
    let edits: Vec<(usize, usize, usize, String)> =
        serde_json::from_str(TRACE).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let mut id = String::new();
    let (mut shown, mut busy, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    for (who, at, gone, come) in &edits {
        text.replace_range(*at..at + gone, come);
        let request = if id.is_empty() {
            proposal(&text)
        } else {
            new_text(&id, &text)
        };
        // What is shown there holds all of it.
        let whole = serde_json::to_string(&text).map_err(|error| error.to_string())?;
        let (asks, sees) = match who {
            0 => (&pair.ana, &mut ups.1),
            _ => (&pair.bo, &mut ups.0),
        };
        let before = cpu(sees.running.pid());
        let asked = asks.ask(&request)?;
        let marks = ["\"event\":\"changed\"", whole.as_str()];
        let seen = sees.running.holding(asked.begun, &marks)?;
        busy.push(cpu(sees.running.pid()) - before);
        if id.is_empty() {
            asked.value["id"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut id);
        } else {
            shown.push(seen - asked.begun);
            lengths.push(text.len());
        }
    }
    let mut first = None;
    for begins in [0, shown.len() / 2, shown.len() - TOGETHER] {
        let these = begins..begins + TOGETHER;
        let mut took = Samples::default();
        shown[these.clone()].iter().for_each(|one| took.took(*one));
        let length = lengths[these.clone()][TOGETHER / 2];
        // An edit may grow with its entry, and no faster.
        let bound = match &first {
            None => Bound::None,
            Some((took, then)) => Bound::AtMost(took * ratio(length, *then)),
        };
        first.get_or_insert((took.median(), length));
        let what = format!(
            "edits {} to {} of a session that two really had, of some {length} characters: asked of one up, on the other's screen",
            these.start + 2,
            these.end + 1,
        );
        let figures = &mut bench.figures;
        figures.add(ROW, what, "ms", &took, None, bound);
        let busy = Samples::of(busy[these].iter().copied());
        figures.add(ROW, "- CPU of the other up", "ms", &busy, None, Bound::None);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "lengths of texts")]
fn ratio(one: usize, other: usize) -> f64 {
    one as f64 / other as f64
}
