//! `amends talk`: what broke trust, told by each and heard by the other.

use clap::{Args, Subcommand, ValueEnum};

use super::agreement::own_language;
use super::said::{self, Said, Which, run_with};
use super::{all, entry, show};
use crate::advice::Advice;
use crate::cli::Context;
use crate::holder::Reached;
use crate::request::{Entry, Failure, Own, Request, Talk, TalkRequest};
use crate::terminal::asking::Terminal;
use crate::text;
use crate::words;

mod writing;

use writing::Writing;

/// Tell what happened, and hear how it was for the other
#[derive(Debug, Subcommand)]
#[command(
    long_about = "A talk is about one thing that matters to you. Each of you tells it in an account of your own; each says what they heard the other say; and whoever told it says whether that is what was meant. It is settled when it is for both of you, and either can open it again.",
    after_help = "Example:\n  amends talk begin --topic \"Saturday evening\" \"I waited until two and was afraid.\"\n  amends talk heard lusab \"You were afraid, and alone with it.\"\n  amends talk meant lusab yes\n\nAn ID is shown by list; any beginning of it that is unique will do."
)]
#[expect(missing_docs, reason = "each holds its own help")]
pub enum Verb {
    Begin(Begin),
    Account(Account),
    Heard(Heard),
    Meant(Meant),
    Reply(Reply),
    Settle(Settle),
    Reopen(Reopen),
    KeepBack(KeepBack),
    /// List all talks
    #[command(after_help = "Examples:\n  amends talk list\n  amends talk list --json")]
    List,
    /// Show one: what each tells, and what the other heard
    #[command(after_help = "Example:\n  amends talk show lusab")]
    Show(Which),
}

/// Begin a talk with your own account of it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends talk begin\n  amends talk begin --resume lusab\n  amends talk begin --topic \"Saturday evening\" \"I waited until two and was afraid.\"\n  amends talk begin --together --topic \"The move\" < account.txt -\n\nWith --together, neither of you sees what the other tells before both have fixed theirs, so that neither adapts to the other. Until then your partner's device holds a hash of it and nothing else. It cannot make anyone reveal anything."
)]
pub struct Begin {
    /// How it was for you; - reads it from standard input; left out, you are asked, and can stop and go on later
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// Go on with a draft of yours
    #[arg(long, value_name = "ID")]
    resume: Option<String>,
    /// What it is about, in a few words; your partner sees it at once
    #[arg(long)]
    topic: Option<String>,
    /// Tell it together: neither account is seen before both are fixed
    #[arg(long)]
    together: bool,
    /// The entry that it comes from, such as a question of your partner's
    #[arg(long, value_name = "ID")]
    from: Option<String>,
    /// The language, such as en or pt-BR [default: that of your system]
    #[arg(long, value_name = "LANG")]
    language: Option<String>,
}

/// Tell your account of a talk, or a new version of it
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends talk account lusab \"My phone was dead, and I did not want to wake you.\"\n  amends talk account lusab\n\nEarlier versions are kept. In a talk told together there is one version: it is fixed, and opens once your partner's is fixed too."
)]
pub struct Account {
    /// Which talk
    id: String,
    /// How it was for you; - reads it from standard input; left out, you are asked, and for a new version an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// Say what you heard in your partner's account
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends talk heard lusab \"You were afraid, and alone with it.\""
)]
pub struct Heard {
    /// Which talk
    id: String,
    /// What you heard, in your words; - reads it from standard input; left out, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// Say whether what your partner heard is what you meant
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends talk meant lusab yes\n  amends talk meant lusab no \"It was less about the time than about not knowing.\""
)]
pub struct Meant {
    /// Which talk
    id: String,
    /// yes, that is what I meant; or no, not quite
    answer: Option<Answer>,
    /// What you want to say beside it
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// Whether it was meant so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Answer {
    /// Yes, that is what I meant
    Yes,
    /// Not quite
    No,
}

/// Answer when your partner asks whether you can talk
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  amends talk reply lusab \"After eight, when the kids are asleep.\"\n  amends talk reply lusab \"Not today. Tomorrow morning?\"\n\nYou can also just begin: amends talk account ID"
)]
pub struct Reply {
    /// Which question
    id: String,
    /// Your answer; - reads it from standard input; left out, an editor opens
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// Say that it is settled for you
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends talk settle lusab\n\nIt is settled once it is for both of you, with the accounts as they stand then. Either of you can open it again with: amends talk reopen"
)]
pub struct Settle {
    /// Which talk
    id: String,
}

/// Say that it is open for you again
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  amends talk reopen lusab")]
pub struct Reopen {
    /// Which talk
    id: String,
}

/// Keep back what you fixed in a talk told together, as long as it is not open; or throw away a draft
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  amends talk keep-back lusab\n\nYour partner sees that you fixed something and did not open it, and nothing else. Nobody can make you open it."
)]
pub struct KeepBack {
    /// Which talk
    id: String,
}

/// Said where there are none.
const NONE: &str = "There are no talks yet. Begin one with: amends talk begin";

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

const THREW_AWAY: &str = "You threw away";

async fn perform(context: &Context, journal: &mut Reached, verb: Verb) -> Result<Said, Failure> {
    Ok(match verb {
        Verb::Begin(begin) => begin_talk(context, journal, begin).await?,
        Verb::Account(Account { id, text: None }) => tell(context, journal, id).await?,
        Verb::Account(Account { id, text }) => {
            let text = text::take(context, text.as_deref(), "").await?.text;
            let draft = None;
            account(journal, TalkRequest::Account { id, text, draft }).await?
        }
        Verb::Heard(Heard { id, text }) => {
            let (id, of) = if text.is_none() && context.may_ask && !context.out.is_json() {
                let before = show(journal, id).await?;
                let partners = talk_of(&before).and_then(Talk::partners);
                let of = partners.and_then(|account| account.hash.clone());
                if of.is_some() {
                    show_it(context, &before)?;
                }
                (before.id, of)
            } else {
                (id, None)
            };
            let text = text::take(context, text.as_deref(), "").await?;
            let words = text.text.clone();
            let request = TalkRequest::Heard { id, words, of };
            done(
                "You said what you heard in",
                text.keep(context, one(journal, request).await)?,
            )
        }
        Verb::Meant(meant) => done("You answered in", answer(context, journal, meant).await?),
        Verb::Reply(Reply { id, text }) => {
            let text = text::take(context, text.as_deref(), "").await?;
            let words = text.text.clone();
            let request = TalkRequest::Reply { id, words };
            done(
                "You answered in",
                text.keep(context, one(journal, request).await)?,
            )
        }
        Verb::Settle(Settle { id }) => done(
            "For you it is settled:",
            one(journal, TalkRequest::Settle { id, on: true }).await?,
        ),
        Verb::Reopen(Reopen { id }) => done(
            "You opened again",
            one(journal, TalkRequest::Settle { id, on: false }).await?,
        ),
        Verb::KeepBack(KeepBack { id }) => {
            let entry = one(journal, TalkRequest::KeepBack { id }).await?;
            let did = if entry.private {
                THREW_AWAY
            } else {
                "You keep back what you fixed in"
            };
            done(did, entry)
        }
        Verb::List => said::all(context, journal, "talk", NONE).await?,
        Verb::Show(Which { id }) => Said::One(show(journal, id).await?),
    })
}

fn kept(entry: Box<Entry>) -> Said {
    Said::told(entry, words::talk::kept)
}

/// What was done, unless it waits for the end of a space; and what its author should know of what is fixed now.
fn done(verb: &str, entry: Box<Entry>) -> Said {
    Said::told(entry, |entry| match words::held(entry) {
        Some(held) => held,
        None => {
            let mut done = words::done(verb, entry);
            if let Some(fixed) = words::talk::fixed(entry) {
                done.push('\n');
                done.push_str(&fixed);
            }
            done
        }
    })
}

async fn begin_talk(
    context: &Context,
    journal: &mut Reached,
    begin: Begin,
) -> Result<Said, Failure> {
    let mut writing = match &begin.resume {
        Some(id) => {
            let unknown = || Failure::from(Advice::UnknownId { id: id.clone() });
            Writing::of(&*show(journal, id.clone()).await?).ok_or_else(unknown)?
        }
        None => Writing {
            language: own_language(),
            ..Writing::default()
        },
    };
    // A topic alone begins a talk too: the account can come when its author is ready.
    let nobody_to_ask = !context.may_ask || context.out.is_json();
    let only_a_topic = begin.topic.is_some() && begin.resume.is_none() && nobody_to_ask;
    writing.topic = begin.topic.unwrap_or(writing.topic);
    writing.together |= begin.together;
    writing.from = begin.from;
    writing.language = begin.language.unwrap_or(writing.language);
    match begin.text {
        None if !only_a_topic => return writing.walk(context, journal).await,
        None => {}
        Some(text) => writing.account = Some(text::take(context, Some(&text), "").await?.text),
    }
    writing.finish(journal).await
}

/// One's account, where its text is not there yet: the draft of it, else its first or another version.
async fn tell(context: &Context, journal: &mut Reached, id: String) -> Result<Said, Failure> {
    let before = show(journal, id).await?;
    if let Some(writing) = Writing::of(&before) {
        return writing.walk(context, journal).await;
    }
    let id = before.id.clone();
    let mine = talk_of(&before).and_then(Talk::mine);
    if mine.is_some_and(|mine| mine.committed) {
        // The holder says no to it, before anybody writes.
        let (text, draft) = (String::new(), None);
        return account(journal, TalkRequest::Account { id, text, draft }).await;
    }
    let drafts = all(journal, "talk").await?;
    let draft = drafts.iter().rev().filter_map(Writing::of);
    let mut draft = draft.filter(|writing| writing.talk.as_ref() == Some(&id));
    match (draft.next(), mine.and_then(|mine| mine.text.as_ref())) {
        (Some(writing), _) => writing.walk(context, journal).await,
        (None, None) => {
            let writing = Writing {
                talk: Some(id),
                ..Writing::default()
            };
            writing.walk(context, journal).await
        }
        (None, Some(told)) => {
            let text = text::take(context, None, &format!("{told}\n")).await?;
            let request = TalkRequest::Account {
                id,
                text: text.text.clone(),
                draft: None,
            };
            text.keep(context, account(journal, request).await)
        }
    }
}

async fn account(journal: &mut Reached, request: TalkRequest) -> Result<Said, Failure> {
    let entry = one(journal, request).await?;
    Ok(done("You told your account in", entry))
}

/// Shows what was heard where the answer is not there yet, and asks. There is no answer but one that is given.
async fn answer(
    context: &Context,
    journal: &mut Reached,
    meant: Meant,
) -> Result<Box<Entry>, Failure> {
    let Meant { id, answer, text } = meant;
    let (id, yes, of) = match answer {
        Some(answer) => (id, answer == Answer::Yes, None),
        None if !context.may_ask || context.out.is_json() => {
            return Err(Advice::WrongUse {
                message: "the answer is missing".to_owned(),
                hint: format!("amends talk meant {id} yes, or: amends talk meant {id} no \"…\""),
            }
            .into());
        }
        None => {
            let before = show(journal, id).await?;
            let hearing = talk_of(&before).and_then(|talk| talk.mine()?.hearing.as_ref());
            let of = hearing.map(|hearing| hearing.hash.clone());
            let mut yes = false;
            if of.is_some() {
                show_it(context, &before)?;
                let mut terminal = Terminal::open()?;
                yes = terminal.ask_yes_or_no("Is that what you meant?").await?;
            }
            (before.id, yes, of)
        }
    };
    let words = text.unwrap_or_default();
    one(journal, TalkRequest::Meant { id, yes, words, of }).await
}

fn show_it(context: &Context, entry: &Entry) -> Result<(), Failure> {
    let entry = Entry {
        history: Vec::new(),
        ..entry.clone()
    };
    context.out.say(&words::entry(context.out, &entry))?;
    context.out.say("")
}

fn talk_of(entry: &Entry) -> Option<&Talk> {
    match &entry.own {
        Own::Talk(talk) => Some(talk),
        _ => None,
    }
}

async fn one(journal: &mut Reached, request: TalkRequest) -> Result<Box<Entry>, Failure> {
    entry(journal, Request::Talk(request)).await
}
