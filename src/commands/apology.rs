//! `amends apology`: written in private, given once, answered by the other alone.

use clap::{Args, Subcommand, ValueEnum};

use super::said::{self, Said, Which, run_with};
use super::{entry, partner, show};
use crate::advice::Advice;
use crate::cli::Context;
use crate::guide::{self, Answers, Outcome};
use crate::holder::Reached;
use crate::request::{Apology, ApologyRequest, ApologyWords, Entry, Failure, Own, Request};
use crate::terminal::asking::Terminal;
use crate::text::{self, Text};
use crate::words;

/// Say what you are sorry for, and answer what the other gave
#[derive(Debug, Subcommand)]
#[command(
    long_about = "An apology is a private draft until you give it; then it stays as it is, and you can only add to it. The other of you alone answers it, if and when they want to, and may change the answer or take it back. Nobody is reminded.",
    after_help = "Example:\n  amends apology write\n\nAn ID is shown by list; any beginning of it that is unique will do."
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Write(Write),
    Edit(Edit),
    Give(Give),
    Add(Add),
    Answer(Answer),
    Withdraw(Withdraw),
    /// List all apologies, and your drafts
    #[command(after_help = "Examples:\n  amends apology list\n  amends apology list --json")]
    List,
    /// Show one with its words, and everything that was added and answered
    #[command(after_help = "Example:\n  amends apology show lusab")]
    Show(Which),
}

/// Begin one: a private draft, with a few questions that help, each of which can be skipped
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends apology write\n  amends apology write \"I read your letters.\"\n  amends apology write --did \"I read your letters.\" --change \"I leave what is yours alone.\""
)]
pub struct Write {
    #[command(flatten)]
    words: Words,
}

/// Go on with a draft; what you do not name stays
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends apology edit lusab\n  amends apology edit lusab --repair \"I will ask before I open anything.\""
)]
pub struct Edit {
    /// Which one
    id: String,
    #[command(flatten)]
    words: Words,
}

#[derive(Debug, Args)]
struct Words {
    /// What you did, the same as --did; - reads it from standard input
    #[arg(
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "did"
    )]
    text: Option<String>,
    /// What you did
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    did: Option<String>,
    /// How it hurt them
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    hurt: Option<String>,
    /// What was yours in it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    own: Option<String>,
    /// What you will do differently
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    change: Option<String>,
    /// How you would like to make it good
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    repair: Option<String>,
}

/// Give a draft: you see exactly what goes, and are asked; from then on it stays as it is
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends apology give lusab")]
pub struct Give {
    /// Which one
    id: String,
    /// Give it without being asked
    #[arg(long)]
    yes: bool,
}

/// Add to one that you gave
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends apology add lusab \"I should have said this sooner.\"")]
pub struct Add {
    /// Which one
    id: String,
    /// What you add; - reads it from standard input; left out, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// Answer one that you were given; you may change the answer and take it back
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends apology answer lusab heard\n  amends apology answer lusab not-yet --words \"I need some days.\"\n\nThere is no right answer, and none is needed."
)]
pub struct Answer {
    /// Which one
    id: String,
    /// What you answer
    #[arg(value_enum)]
    answer: Given,
    /// What you want to say with it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    words: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Given {
    Heard,
    NotYet,
    Accepted,
    Forgiven,
    Declined,
}

impl Given {
    /// As [`Apology`] names it.
    fn name(self) -> &'static str {
        match self {
            Given::Heard => "heard",
            Given::NotYet => "not_yet",
            Given::Accepted => "accepted",
            Given::Forgiven => "forgiven",
            Given::Declined => "declined",
        }
    }
}

/// Take your answer back; it stays in the history
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends apology withdraw lusab")]
pub struct Withdraw {
    /// Which one
    id: String,
}

/// Said where there are none.
const NONE: &str = "There are no apologies. Whenever you like: amends apology write";

/// Runs one of the verbs.
///
/// # Errors
/// What a rule of the journal says no to, and whatever keeps the journal closed.
pub async fn run(context: &Context, verb: Verb) -> Result<(), Failure> {
    run_with(context, async |journal| {
        perform(context, journal, verb).await
    })
    .await
}

async fn perform(context: &Context, journal: &mut Reached, verb: Verb) -> Result<Said, Failure> {
    Ok(match verb {
        Verb::Write(Write { words }) => {
            let words = write(context, words, ApologyWords::default()).await?;
            keep(context, journal, None, words).await?
        }
        Verb::Edit(Edit { id, words }) => {
            let before = show(journal, id.clone()).await?;
            // What is no draft the holder says no to, before anybody writes.
            let Some(before) = draft_in(&before) else {
                let (id, words) = (Some(id), ApologyWords::default());
                return Ok(kept(
                    one(journal, ApologyRequest::Write { id, words }).await?,
                ));
            };
            let words = write(context, words, before.words).await?;
            keep(context, journal, Some(id), words).await?
        }
        Verb::Give(Give { id, yes }) => {
            Said::Done("You gave", give(context, journal, id, yes).await?)
        }
        Verb::Add(Add { id, text }) => {
            let text = text::take(context, text.as_deref(), "").await?;
            let request = ApologyRequest::Add {
                id,
                text: text.text.clone(),
            };
            let added = text.keep(context, one(journal, request).await)?;
            Said::Done("You added to", added)
        }
        Verb::Answer(Answer { id, answer, words }) => {
            let request = ApologyRequest::Answer {
                id,
                answer: answer.name().to_owned(),
                words: words.unwrap_or_default(),
            };
            Said::Done("You answered", one(journal, request).await?)
        }
        Verb::Withdraw(Withdraw { id }) => Said::Done(
            "You took back your answer to",
            one(journal, ApologyRequest::Withdraw { id }).await?,
        ),
        Verb::List => said::all(context, journal, "apology", NONE).await?,
        Verb::Show(Which { id }) => Said::One(show(journal, id).await?),
    })
}

/// What was written, and whether it stands nowhere else yet.
struct Written {
    words: ApologyWords,
    guided: bool,
}

/// What the arguments say beside what was there; where they say nothing, what is answered to a few questions.
async fn write(context: &Context, given: Words, before: ApologyWords) -> Result<Written, Failure> {
    let nothing = given.text.is_none()
        && [
            &given.did,
            &given.hurt,
            &given.own,
            &given.change,
            &given.repair,
        ]
        .iter()
        .all(|words| words.is_none());
    if nothing {
        let mut earlier = Answers::default();
        for (key, words) in fields(&before) {
            earlier.set(key, words);
        }
        let walked = guide::APOLOGY
            .walk(context.out, context.may_ask, &earlier)
            .await?;
        let (Outcome::Finished(answers) | Outcome::Later(answers)) = walked;
        if answers.is_empty() {
            return Err(Advice::Stopped.into());
        }
        let answer = |key| answers.get(key).unwrap_or_default().to_owned();
        let words = ApologyWords {
            did: answer("did"),
            hurt: answer("hurt"),
            own: answer("own"),
            change: answer("change"),
            repair: answer("repair"),
        };
        return Ok(Written {
            words,
            guided: true,
        });
    }
    let did = match given.text {
        Some(text) => Some(text::take(context, Some(&text), "").await?.text),
        None => given.did,
    };
    let words = ApologyWords {
        did: did.unwrap_or(before.did),
        hurt: given.hurt.unwrap_or(before.hurt),
        own: given.own.unwrap_or(before.own),
        change: given.change.unwrap_or(before.change),
        repair: given.repair.unwrap_or(before.repair),
    };
    Ok(Written {
        words,
        guided: false,
    })
}

fn kept(entry: Box<Entry>) -> Said {
    Said::told(entry, words::apology::kept)
}

async fn keep(
    context: &Context,
    journal: &mut Reached,
    id: Option<String>,
    written: Written,
) -> Result<Said, Failure> {
    let all: Vec<&str> = fields(&written.words).map(|(_, words)| words).to_vec();
    let text = Text {
        text: all.join("\n\n"),
        nowhere_else: written.guided,
    };
    let request = ApologyRequest::Write {
        id,
        words: written.words,
    };
    Ok(kept(text.keep(context, one(journal, request).await)?))
}

/// Shows exactly what would be given, and asks; what was shown goes with the request, so that nothing else is given.
async fn give(
    context: &Context,
    journal: &mut Reached,
    id: String,
    yes: bool,
) -> Result<Box<Entry>, Failure> {
    let partner = partner(journal).await?;
    let entry = show(journal, id.clone()).await?;
    let shown = draft_in(&entry);
    if let Some(apology) = &shown {
        context
            .out
            .say(&words::apology::would_go(&partner, apology))?;
        if !yes {
            if !context.may_ask || context.out.is_json() {
                return Err(Advice::GivingNotAnswered { id: entry.id }.into());
            }
            context.out.say("")?;
            let mut terminal = Terminal::open()?;
            if !terminal.ask_yes_or_no("Give exactly this?").await? {
                return Err(Advice::SaidNo.into());
            }
        }
    }
    let shown = shown.map(|apology| apology.words);
    one(journal, ApologyRequest::Give { id, shown }).await
}

/// The draft that an entry is, if it is one.
fn draft_in(entry: &Entry) -> Option<Apology> {
    match &entry.own {
        Own::Apology(apology) if entry.state == "draft" => Some(apology.clone()),
        _ => None,
    }
}

fn fields(words: &ApologyWords) -> [(&'static str, &str); 5] {
    [
        ("did", &words.did),
        ("hurt", &words.hurt),
        ("own", &words.own),
        ("change", &words.change),
        ("repair", &words.repair),
    ]
}

async fn one(journal: &mut Reached, request: ApologyRequest) -> Result<Box<Entry>, Failure> {
    entry(journal, Request::Apology(request)).await
}
