//! What is wrong and what mends it, as `amends doctor` says it: also where the journal does not open, so that nobody has a
//! session. Whoever knows its passphrase may look then, as they may unlock it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::gate;
use super::guard::{Stand, may_try, session, tried, unkept};
use super::{House, Refused};
use crate::advice::Advice;
use crate::commands::doctor::{Look, Seen, with_key, without_key};
use crate::doctor::worst_first;
use crate::home::Home;
use crate::passphrase::Locked;
use crate::request::{Failure, Finding};

/// How a page wants it looked at.
#[derive(Deserialize)]
pub(super) struct Wish {
    /// Needed to mend, and where the page has no session.
    #[serde(deserialize_with = "unkept", default)]
    passphrase: Zeroizing<String>,
    /// Mend what is damaged: the journal is closed for that, and opened again.
    repair: bool,
    /// An address of the partner's device to try, besides those that are known and found.
    peer: Option<String>,
}

/// What was found, the worst first, and how things stand now.
#[derive(Serialize)]
pub(super) struct Looked {
    findings: Vec<Finding>,
    #[serde(flatten)]
    stand: Stand,
}

/// Looks, and mends where that is wanted.
pub(super) async fn doctor(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Json(Wish {
        passphrase,
        repair,
        peer,
    }): Json<Wish>,
) -> Result<Json<Looked>, Refused> {
    let within = session(&house, &headers);
    let _turn = house.gate.turn().await;
    let key = if passphrase.is_empty() {
        within?;
        if repair {
            return Err(Advice::EmptyPassphrase.into());
        }
        None
    } else {
        may_try(&house)?;
        let home = Home::open(house.gate.dir()).map_err(Failure::from)?;
        let tried_one = gate::try_passphrase(Locked::of(&home)?, passphrase).await;
        tried(&house, &tried_one);
        Some(tried_one?.1)
    };
    if repair {
        // Whoever holds the journal lets it go, this process too.
        house.guard().end_all();
        house.gate.lock().await?;
    }
    let how = Look {
        peer,
        quiet: false,
        repair,
    };
    let mut session = None;
    let findings = match without_key(house.gate.dir(), &how).await? {
        Seen::All(findings) => findings,
        Seen::Closed(home, findings) => {
            let known = key.as_ref().ok_or(Failure::from(Advice::PageLocked));
            let findings = with_key(&home, known, findings, &how).await?;
            if let Some(key) = key
                && repair
                && gate::reach(&house, home, key).await.is_ok()
            {
                session = Some(house.guard().begin());
            }
            findings
        }
    };
    Ok(Json(Looked {
        findings: worst_first(findings),
        stand: Stand::of(&house, session).await.0,
    }))
}
