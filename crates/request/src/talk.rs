//! Talks, as they are asked for and as scripts and pages see them.

use serde::{Deserialize, Serialize};

/// The verbs of a talk. `id` is any unique beginning of an id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the words are those of DESIGN section 2, and Talk explains them"
)]
pub enum TalkRequest {
    /// A new talk, with one's own account where there is one. `draft` is the private draft that it comes from; where that
    /// knows `from` and the language, they may be left out.
    Begin {
        topic: String,
        text: Option<String>,
        language: String,
        together: bool,
        from: Option<String>,
        #[serde(default)]
        draft: Option<String>,
    },
    /// "Can we talk?"
    Rocky { text: String, language: String },
    /// One's own account; again, a new version of it. In a talk told together it is fixed, and shown when both are.
    Account {
        id: String,
        text: String,
        #[serde(default)]
        draft: Option<String>,
    },
    /// What one heard the other say; with `of`, only if that account is still the one that was shown.
    Heard {
        id: String,
        words: String,
        #[serde(default)]
        of: Option<String>,
    },
    /// Whether what the other heard is what one meant; `of` as above.
    Meant {
        id: String,
        yes: bool,
        words: String,
        #[serde(default)]
        of: Option<String>,
    },
    /// An answer to "can we talk?"
    Reply { id: String, words: String },
    /// It is settled for one, or open again.
    Settle { id: String, on: bool },
    /// Not to open what one committed to; to throw away a private draft.
    KeepBack { id: String },
    /// A private draft, to be gone on with later: of the talk `entry`, or of a new one.
    Later {
        draft: Option<String>,
        entry: Option<String>,
        topic: String,
        text: String,
        together: bool,
        #[serde(default)]
        from: Option<String>,
        #[serde(default)]
        language: String,
    },
}

/// A talk.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Talk {
    /// Whether neither sees the other's account before both are fixed.
    pub together: bool,
    /// The words with which one of them asked for it; null where nobody had to.
    pub asked: Option<String>,
    /// The other's reply to that.
    pub reply: Option<String>,
    /// The account of whoever began it, then the other's.
    pub accounts: Vec<Account>,
    /// Of a private draft: the talk that it is for, where that one is there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft_of: Option<String>,
    /// Of a private draft that waits for the end of a space: when it goes out by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_out: Option<String>,
}

/// One person's side of a talk.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub by: String,
    /// Whether it is mine.
    pub mine: bool,
    /// What they tell; null until there is something to see.
    pub text: Option<String>,
    /// Hex of the account's hash, so that `heard` can name exactly what was shown.
    pub hash: Option<String>,
    /// How many versions of it there are.
    pub versions: u32,
    /// In a talk told together: whether it is fixed.
    pub committed: bool,
    /// Whether they committed to something else beside it, as on a second device. The first counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub committed_twice: bool,
    /// Mine, fixed and not open yet: what becomes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeping: Option<Keeping>,
    /// What the other heard in it as it stands.
    pub hearing: Option<Hearing>,
    /// Whether the other heard an earlier version of it.
    pub heard_before: bool,
    /// Whether they said: yes, that is what I meant.
    pub heard: bool,
    /// Whether it is settled for them, with both accounts as they stand.
    pub settled: bool,
}

/// What becomes of an account of mine that is fixed and not open.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "state", content = "text", rename_all = "snake_case")]
pub enum Keeping {
    /// It stands in the private store, and opens once the partner has committed too.
    Waiting(String),
    /// I keep it back.
    KeptBack,
    /// The private store of this home does not hold it.
    Lost,
}

/// What was heard.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Hearing {
    /// In the words of who heard.
    pub words: String,
    /// When their device says.
    pub at: String,
    /// Hex of its hash, so that `meant` can name exactly what was shown.
    pub hash: String,
    /// Whether it was meant so; null until its author says.
    pub meant: Option<bool>,
    /// What they said beside yes or no.
    pub remark: String,
}

impl Talk {
    /// Mine, where it is there.
    #[must_use]
    pub fn mine(&self) -> Option<&Account> {
        self.accounts.iter().find(|account| account.mine)
    }

    /// My partner's, where it is there.
    #[must_use]
    pub fn partners(&self) -> Option<&Account> {
        self.accounts.iter().find(|account| !account.mine)
    }

    /// Its first words, for where a title would stand.
    #[must_use]
    pub fn words(&self) -> &str {
        let asked = self.asked.as_deref();
        let told = |account: &'_ Account| account.text.is_some();
        asked
            .filter(|words| !words.trim().is_empty())
            .or_else(|| {
                let first = self.accounts.iter().find(|account| told(account))?;
                first.text.as_deref()
            })
            .unwrap_or_default()
    }
}
