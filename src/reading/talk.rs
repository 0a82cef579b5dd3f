//! A talk: each account, what the other heard in it, and whether it was meant so.

use super::{detail, time};
use crate::document::{Block, Section};
use crate::request::Talk;

/// What only one of the two devices knows (an account that is fixed and not open yet) is left out.
pub(super) fn read(talk: &Talk, section: &mut Section) {
    if talk.together {
        detail(section, "Told together", "yes".to_owned());
    }
    if let Some(asked) = said(talk.asked.as_deref()) {
        section.blocks.extend([
            Block::Subheading("Asked: can we talk?".to_owned()),
            Block::Words(asked),
        ]);
    }
    if let Some(reply) = said(talk.reply.as_deref()) {
        section.blocks.extend([
            Block::Subheading("The reply".to_owned()),
            Block::Words(reply),
        ]);
    }
    for account in &talk.accounts {
        let Some(text) = said(account.text.as_deref()) else {
            continue;
        };
        section.blocks.extend([
            Block::Subheading(format!("What {} tells", account.by)),
            Block::Words(text),
        ]);
        if let Some(hearing) = &account.hearing {
            section.blocks.extend([
                Block::Subheading(format!(
                    "What was heard in it, {}{}",
                    time(&hearing.at),
                    match hearing.meant {
                        Some(true) => ", and it was meant so",
                        Some(false) => ", and it was meant otherwise",
                        None => "",
                    }
                )),
                Block::Words(hearing.words.clone()),
            ]);
            section
                .blocks
                .extend(said(Some(&hearing.remark)).map(|words| Block::Quote {
                    by: account.by.clone(),
                    words,
                }));
        }
        if account.settled {
            let settled = format!("Settled for {}.", account.by);
            section.blocks.push(Block::Words(settled));
        }
    }
}

fn said(words: Option<&str>) -> Option<String> {
    words
        .filter(|words| !words.trim().is_empty())
        .map(str::to_owned)
}
