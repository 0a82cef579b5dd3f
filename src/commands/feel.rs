//! `amends feel`: what it is like for one of them. Private; a copy is shared by a command of its own alone.

use clap::{Args, Subcommand};

use super::said::{self, Said, Which, run_with};
use super::{entry, partner, show};
use crate::advice::Advice;
use crate::cli::Context;
use crate::guide::{self, Answers, Outcome};
use crate::holder::Reached;
use crate::request::{Entry, Failure, FeelRequest, Feeling, FeelingChange, Own, Request};
use crate::terminal::asking::Terminal;
use crate::text::{self, Text};
use crate::words;

/// Write down what you feel; it stays yours alone until you share it
#[derive(Debug, Args)]
#[command(
    long_about = "Write down what you feel. It goes into a store of its own, under a key of its own, and nothing of it leaves this device, neither to your partner nor into a bundle. You can share a copy; before that you see exactly what would go, and are asked.",
    after_help = "Examples:\n  amends feel \"I felt left out.\" --because \"you laughed without me\" --intensity 4 --tag evenings\n  amends feel share lusab\n\nA TEXT that is the name of one of these commands stands behind --, as in: amends feel -- list"
)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    write: Write,
}

#[derive(Debug, Args)]
struct Write {
    /// What you feel; - reads it from standard input; left out, a few questions help
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// Because of what
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    because: Option<String>,
    /// How strong it is, from 1 to 5
    #[arg(long, value_name = "1-5", value_parser = clap::value_parser!(u8).range(1..=5))]
    intensity: Option<u8>,
    /// A word to find it by; may be given several times
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List your feelings, and those that were shared
    #[command(after_help = "Examples:\n  amends feel list\n  amends feel list --json")]
    List,
    /// Show one
    #[command(after_help = "Example:\n  amends feel show lusab")]
    Show(Which),
    Edit(Edit),
    Share(Share),
}

/// Say one of yours anew; what you do not name stays
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends feel edit lusab \"I felt alone.\"\n  amends feel edit lusab --intensity 2 --tag none"
)]
struct Edit {
    /// Which one
    id: String,
    /// What you feel; - reads it from standard input; with nothing else to change, a few questions help
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// Because of what; empty for nothing
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    because: Option<String>,
    /// How strong it is, from 1 to 5, or 0 to say nothing of it
    #[arg(long, value_name = "0-5", value_parser = clap::value_parser!(u8).range(0..=5))]
    intensity: Option<u8>,
    /// The tags that it has from now on, or none
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
}

/// Share a copy with your partner: you see exactly what goes, and are asked
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends feel share lusab\n  amends feel share lusab --as-account dubov\n\nThe feeling itself stays private: its tags, its earlier versions and when you wrote it. What has reached your partner's device cannot be taken back."
)]
struct Share {
    /// Which one
    id: String,
    /// Share it as your account in this talk
    #[arg(long, value_name = "TALK")]
    as_account: Option<String>,
    /// Share it without being asked
    #[arg(long)]
    yes: bool,
}

/// Said where there are none.
const NONE: &str = "Nothing is written down yet. Whenever you like: amends feel";

/// Runs it.
///
/// # Errors
/// What a rule of the journal says no to, and whatever keeps the journal closed.
pub async fn run(context: &Context, arguments: Arguments) -> Result<(), Failure> {
    let Arguments { verb, write } = arguments;
    if verb.is_some() && !write.is_nothing() {
        return Err(Advice::WrongUse {
            message: "a feeling and a command for feelings were given at once".to_owned(),
            hint: "See amends feel --help.".to_owned(),
        }
        .into());
    }
    run_with(context, async |journal| {
        perform(context, journal, verb, write).await
    })
    .await
}

async fn perform(
    context: &Context,
    journal: &mut Reached,
    verb: Option<Verb>,
    write: Write,
) -> Result<Said, Failure> {
    Ok(match verb {
        None => kept(new(context, journal, write).await?),
        Some(Verb::List) => said::all(context, journal, "feeling", NONE).await?,
        Some(Verb::Show(Which { id })) => Said::One(show(journal, id).await?),
        Some(Verb::Edit(edit)) => kept(change(context, journal, edit).await?),
        Some(Verb::Share(given)) => Said::Done("You shared", share(context, journal, given).await?),
    })
}

impl Write {
    fn is_nothing(&self) -> bool {
        self.text.is_none()
            && self.because.is_none()
            && self.intensity.is_none()
            && self.tag.is_empty()
    }
}

fn kept(entry: Box<Entry>) -> Said {
    Said::told(entry, words::feel::kept)
}

async fn new(
    context: &Context,
    journal: &mut Reached,
    write: Write,
) -> Result<Box<Entry>, Failure> {
    if write.is_nothing() {
        return ask(context, journal, None, &Answers::default()).await;
    }
    let text = match &write.text {
        Some(given) => Some(text::take(context, Some(given), "").await?),
        None => None,
    };
    let feeling = Feeling {
        words: words_of(text.as_ref()).unwrap_or_default(),
        because: write.because.unwrap_or_default(),
        intensity: write.intensity,
        tags: tags(write.tag),
        shared_as: Vec::new(),
    };
    let outcome = one(journal, FeelRequest::Write { feeling }).await;
    keep(context, text.as_ref(), outcome)
}

async fn change(
    context: &Context,
    journal: &mut Reached,
    edit: Edit,
) -> Result<Box<Entry>, Failure> {
    let nothing_else = edit.because.is_none() && edit.intensity.is_none() && edit.tag.is_empty();
    let text = match edit.text.as_deref() {
        Some(given) => Some(text::take(context, Some(given), "").await?),
        None if nothing_else => {
            let before = show(journal, edit.id.clone()).await?;
            let earlier = match &before.own {
                Own::Feeling(feeling) if before.private => answers(feeling),
                // The holder says what it is instead.
                _ => {
                    let change = FeelingChange::default();
                    return one(
                        journal,
                        FeelRequest::Edit {
                            id: edit.id,
                            change,
                        },
                    )
                    .await;
                }
            };
            return ask(context, journal, Some((edit.id, before.state)), &earlier).await;
        }
        None => None,
    };
    let change = FeelingChange {
        words: words_of(text.as_ref()),
        because: edit.because,
        intensity: edit.intensity,
        tags: Some(edit.tag).filter(|tags| !tags.is_empty()).map(|given| {
            if given == ["none"] {
                Vec::new()
            } else {
                tags(given)
            }
        }),
    };
    let outcome = one(
        journal,
        FeelRequest::Edit {
            id: edit.id,
            change,
        },
    )
    .await;
    keep(context, text.as_ref(), outcome)
}

/// Asks a few questions, each of which can be skipped. What was not gone through to its end is kept as a draft; one that
/// was finished before is changed as far as it was gone through.
async fn ask(
    context: &Context,
    journal: &mut Reached,
    of: Option<(String, String)>,
    earlier: &Answers,
) -> Result<Box<Entry>, Failure> {
    let walked = guide::FEELING
        .walk(context.out, context.may_ask, earlier)
        .await?;
    let (answers, finished) = match walked {
        Outcome::Finished(answers) => (answers, true),
        Outcome::Later(answers) => (answers, false),
    };
    if answers.is_empty() {
        return Err(Advice::Stopped.into());
    }
    let answer = |key| answers.get(key).unwrap_or_default().to_owned();
    let feeling = Feeling {
        words: answer("words"),
        because: answer("because"),
        intensity: answer("intensity").parse().ok(),
        tags: tags(answer("tags").split(',').map(str::to_owned).collect()),
        shared_as: Vec::new(),
    };
    let text = Text {
        text: format!("{}\n\n{}", feeling.words, feeling.because),
        nowhere_else: true,
    };
    let request = match of {
        None if finished => FeelRequest::Write { feeling },
        Some((id, state)) if finished || state != "draft" => FeelRequest::Edit {
            id,
            change: FeelingChange {
                words: Some(feeling.words),
                because: Some(feeling.because),
                intensity: Some(feeling.intensity.unwrap_or(0)),
                tags: Some(feeling.tags),
            },
        },
        of => FeelRequest::Keep {
            id: of.map(|(id, _)| id),
            feeling,
        },
    };
    text.keep(context, one(journal, request).await)
}

/// A feeling as answers to its questions.
fn answers(feeling: &Feeling) -> Answers {
    let mut answers = Answers::default();
    answers.set("words", &feeling.words);
    answers.set("because", &feeling.because);
    let strong = feeling.intensity.map(|strong| strong.to_string());
    answers.set("intensity", &strong.unwrap_or_default());
    answers.set("tags", &feeling.tags.join(", "));
    answers
}

/// Shows exactly what would go, and asks; what was shown goes with the request, so that nothing else is shared.
async fn share(
    context: &Context,
    journal: &mut Reached,
    Share {
        id,
        as_account,
        yes,
    }: Share,
) -> Result<Box<Entry>, Failure> {
    let partner = partner(journal).await?;
    let entry = show(journal, id.clone()).await?;
    let shown = match &entry.own {
        Own::Feeling(feeling) if entry.private && entry.state != "draft" => Some(feeling.clone()),
        // The holder says what it is instead.
        _ => None,
    };
    if let Some(feeling) = &shown {
        context.out.say(&words::feel::would_go(
            &partner,
            feeling,
            as_account.as_deref(),
        ))?;
        if !yes {
            if !context.may_ask || context.out.is_json() {
                return Err(Advice::SharingNotAnswered { id: entry.id }.into());
            }
            let mut terminal = Terminal::open()?;
            context.out.say("")?;
            let question = "Share exactly this?";
            if !terminal.ask_yes_or_no(question).await? {
                return Err(Advice::SaidNo.into());
            }
        }
    }
    one(
        journal,
        FeelRequest::Share {
            id,
            as_account,
            shown,
        },
    )
    .await
}

async fn one(journal: &mut Reached, request: FeelRequest) -> Result<Box<Entry>, Failure> {
    entry(journal, Request::Feel(request)).await
}

fn words_of(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.text.clone())
}

fn keep<T>(
    context: &Context,
    text: Option<&Text>,
    outcome: Result<T, Failure>,
) -> Result<T, Failure> {
    match text {
        Some(text) => text.keep(context, outcome),
        None => outcome,
    }
}

fn tags(given: Vec<String>) -> Vec<String> {
    given
        .into_iter()
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
        .collect()
}
