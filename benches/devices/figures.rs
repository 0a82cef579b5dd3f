//! Samples, and the figures that are made of them.

use std::time::Duration;

use serde::Serialize;

/// What was seen, one value for each time, in one unit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Milliseconds.
    pub(crate) fn took(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1000.0);
    }

    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Samples {
        Samples(values.into_iter().collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value below which `share` of all lie, 0 where there are none.
    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into a few hundred values"
        )]
        let at = (last as f64 * share).round() as usize;
        sorted.get(at).copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn p95(&self) -> f64 {
        self.quantile(0.95)
    }
}

/// What a figure has to be compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// At most so much, in the figure's own unit.
    AtMost(f64),
    /// At most so many times the limit.
    Times(f64),
    /// At most the limit and so much more.
    Plus(f64),
    /// Shown beside the others; nothing is asked of it.
    None,
}

/// One figure, with the limit that was measured beside it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// Which row of the table it belongs to.
    pub(crate) row: &'static str,
    pub(crate) what: String,
    /// The file system of the homes.
    pub(crate) store: String,
    /// How many entries the journal holds.
    pub(crate) entries: u64,
    pub(crate) unit: &'static str,
    pub(crate) samples: usize,
    pub(crate) median: f64,
    pub(crate) p95: f64,
    /// What the limit is, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit_of: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<f64>,
    /// What it must reach at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) must: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) met: Option<bool>,
    /// The load of the machine (one minute) when it was taken.
    pub(crate) load: f64,
}

/// All figures of a run, with where they were taken.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) all: Vec<Figure>,
    store: String,
    entries: u64,
}

impl Figures {
    /// What follows is measured here.
    pub(crate) fn at(&mut self, store: &str, entries: u64) {
        store.clone_into(&mut self.store);
        self.entries = entries;
    }

    /// Adds a figure and says it.
    pub(crate) fn add(
        &mut self,
        row: &'static str,
        what: impl Into<String>,
        unit: &'static str,
        samples: &Samples,
        limit: Option<(&'static str, f64)>,
        bound: Bound,
    ) {
        let (limit_of, limit) = limit.unzip();
        let median = samples.median();
        let must = match (bound, limit) {
            (Bound::AtMost(most), _) => Some(most),
            (Bound::Times(times), Some(limit)) => Some(times * limit),
            (Bound::Plus(more), Some(limit)) => Some(limit + more),
            _ => None,
        };
        let figure = Figure {
            row,
            what: what.into(),
            store: self.store.clone(),
            entries: self.entries,
            unit,
            samples: samples.len(),
            median,
            p95: samples.p95(),
            limit_of,
            limit,
            ratio: limit
                .filter(|limit| *limit > 0.0)
                .map(|limit| median / limit),
            must,
            met: must.map(|must| median <= must),
            load: crate::machine::load(),
        };
        eprintln!("{}", line(&figure));
        self.all.push(figure);
    }

    /// All of it, for people: one Markdown table.
    pub(crate) fn table(&self) -> String {
        let mut out = String::from(
            "| row | what | homes on | entries | median | p95 | unit | n | limit | ratio | must | met | load |\n\
             | --- | --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | --- | ---: |\n",
        );
        for figure in &self.all {
            out.push_str(&line(figure));
            out.push('\n');
        }
        out
    }
}

fn line(figure: &Figure) -> String {
    let some = |value: Option<f64>| value.map(number).unwrap_or_default();
    let met = match figure.met {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {met} | {:.1} |",
        figure.row,
        figure.what,
        figure.store,
        figure.entries,
        number(figure.median),
        number(figure.p95),
        figure.unit,
        figure.samples,
        some(figure.limit),
        some(figure.ratio),
        some(figure.must),
        figure.load,
    )
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        some if some >= 10.0 => format!("{value:.1}"),
        few if few >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
