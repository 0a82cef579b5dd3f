//! The joiner's part: finds the host, tries the code, and tries no code twice.

use std::collections::BTreeSet;
use std::time::Duration;

use amends_keys::identity::LogSecret;
use amends_keys::invite::Entered;
use amends_keys::pairing::{
    Channels, JoinerConfirms, JoinerWaitsM0, JoinerWaitsM2, JoinerWaitsM4, JoinerWaitsM6, join,
};
use amends_network::{Address, Event as Heard, LinkId as NetLink, PeerId};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Done, Next, PEOPLE, PairingHost, PairingNews, Setup, exchange_failed, gone, next};
use crate::advice::Advice;
use crate::app::stores::system_rng;
use crate::app::{meeting, now};
use crate::local::Face;
use crate::request::{Answer, Event, Failure};

/// How long a host is looked for.
const LOOKING: Duration = Duration::from_secs(60);
/// Known addresses are dialled again so often.
const AGAIN: Duration = Duration::from_millis(500);
/// After the first host answered, how long it is waited whether another one does too: a typed code cannot tell them apart.
const OTHERS: Duration = Duration::from_millis(400);
/// How long the host may take for one message.
const MESSAGE: Duration = Duration::from_secs(15);

pub(super) async fn run(mut setup: Setup, mut face: Face, code: String, peer: Option<String>) {
    let tell = setup.tell.clone();
    let end = try_codes(&mut setup, &mut face, code, peer).await;
    // The holder is gone where this is lost, and has told the face so.
    drop(
        tell.send(PairingNews::Ended {
            face,
            end: Box::new(end),
        })
        .await,
    );
}

async fn try_codes(
    setup: &mut Setup,
    face: &mut Face,
    mut code: String,
    peer: Option<String>,
) -> Result<Done, Failure> {
    let peer = peer.as_deref().map(meeting::address_of).transpose()?;
    // The throw-away host of the code before, which may still be saying goodbye from a port that was fixed.
    let mut before: Option<JoinHandle<()>> = None;
    loop {
        let entered = match may_try(setup, &code) {
            Ok(entered) => entered,
            Err(failure) => {
                code = another_code(face, failure).await?;
                continue;
            }
        };
        if let Some(before) = before.take() {
            drop(before.await);
        }
        let mut host = PairingHost::start(setup.listen.as_deref(), peer.is_none())?;
        let failure = match one_code(setup, &mut host, face, &entered, peer).await {
            Ok(found) => {
                return Ok(Done {
                    host,
                    link: found.link,
                    peer: found.peer,
                    address: found.address,
                    dialled: true,
                });
            }
            Err(failure) => failure,
        };
        before = Some(tokio::spawn(async move { host.network.stop().await }));
        code = another_code(face, failure).await?;
    }
}

/// The code, where it is one and was not tried before.
fn may_try(setup: &Setup, code: &str) -> Result<Entered, Failure> {
    let entered = Entered::parse(code).map_err(Advice::from)?;
    setup
        .tried
        .check(&entered, now())
        .map_err(|_| Advice::CodeUsed)?;
    Ok(entered)
}

/// Waits for the code that is typed after `failure`. What another code can mend, the person may mend now; everything else
/// ends it.
async fn another_code(face: &mut Face, failure: Failure) -> Result<String, Failure> {
    if ![
        "wrong_code",
        "code_mistyped",
        "code_too_short",
        "not_a_code",
        "code_incomplete",
        "code_used",
    ]
    .contains(&failure.code.as_str())
    {
        return Err(failure);
    }
    let told = Event::PairFailed {
        code: failure.code.clone(),
        message: failure.message.clone(),
        hint: failure.hint.clone(),
    };
    face.tell(told).map_err(|_| gone())?;
    loop {
        match face.answer().await {
            Some(Answer::Code { code }) => return Ok(code),
            Some(_) => {}
            None => return Err(failure),
        }
    }
}

/// Tries one code. Gives the link on which the pair was made and kept.
async fn one_code(
    setup: &mut Setup,
    host: &mut PairingHost,
    face: &mut Face,
    entered: &Entered,
    peer: Option<Address>,
) -> Result<Found, Failure> {
    let found = look(host, face, entered, peer).await?;
    exchange(setup, host, face, entered, found).await
}

/// A host that answered.
struct Found {
    link: NetLink,
    peer: PeerId,
    address: Address,
    /// M0, where it came while others were waited for.
    early: Vec<Vec<u8>>,
}

/// Where the host may be, before it answers.
fn places(entered: &Entered, peer: Option<Address>) -> Vec<Address> {
    let scanned: &[Vec<u8>] = match entered {
        Entered::Scanned(scanned) => scanned.addresses(),
        Entered::Typed(_) => &[],
    };
    let scanned = scanned
        .iter()
        .filter_map(|bytes| std::str::from_utf8(bytes).ok()?.parse().ok());
    peer.into_iter().chain(scanned).collect()
}

async fn look(
    host: &mut PairingHost,
    face: &mut Face,
    entered: &Entered,
    peer: Option<Address>,
) -> Result<Found, Failure> {
    face.tell(Event::Progress {
        stage: "looking".to_owned(),
    })
    .map_err(|_| gone())?;
    let meant = match entered {
        Entered::Scanned(scanned) => {
            Some(PeerId::from_bytes(scanned.host()).map_err(|_| Advice::CodeNotACode)?)
        }
        Entered::Typed(_) => None,
    };
    // One address, or one host, was named: whoever answers there is meant.
    let sure = peer.is_some() || meant.is_some();
    let mut places: BTreeSet<Address> = places(entered, peer).into_iter().collect();
    let until = Instant::now() + LOOKING;
    let mut again = Instant::now();
    let mut found: Option<Found> = None;
    let mut decide = until;
    let mut not_heard_of = None;
    loop {
        match next(&mut host.events, face, again.min(decide)).await {
            Next::Gone => return Err(gone()),
            Next::Answer(_) => {}
            Next::Due => {
                if decide <= Instant::now() {
                    return match (found, not_heard_of) {
                        (Some(found), _) => Ok(found),
                        (None, Some(error)) => Err(error),
                        (None, None) => Err(Advice::HostNotFound {
                            seconds: LOOKING.as_secs(),
                        }
                        .into()),
                    };
                }
                again = Instant::now() + AGAIN;
                if found.is_none() {
                    for place in &places {
                        let _ = host.network.dial(*place, meant).await;
                    }
                }
            }
            Next::Heard(Heard::Found {
                peer: who,
                addresses,
            }) => {
                if meant.is_none_or(|meant| meant == who) && peer.is_none() {
                    for address in addresses {
                        let address = address.with_peer(who);
                        if places.len() < 64 && places.insert(address) {
                            let _ = host.network.dial(address, Some(who)).await;
                        }
                    }
                }
            }
            Next::Heard(Heard::Connected {
                link,
                peer: who,
                dialer,
                address,
            }) => match &found {
                _ if !dialer => host.network.close(link).await,
                // The same host by another of its addresses.
                Some(first) if first.peer == who => host.network.close(link).await,
                Some(_) => return Err(Advice::SeveralHosts.into()),
                None => {
                    let first = Found {
                        link,
                        peer: who,
                        address,
                        early: Vec::new(),
                    };
                    if sure {
                        return Ok(first);
                    }
                    found = Some(first);
                    decide = Instant::now() + OTHERS;
                }
            },
            Next::Heard(Heard::Frame { link, bytes }) => {
                if let Some(found) = found
                    .as_mut()
                    .filter(|found| found.link == link && found.early.is_empty())
                {
                    found.early.push(bytes);
                }
            }
            Next::Heard(Heard::Closed { link, .. }) => {
                if found.as_ref().is_some_and(|found| found.link == link) {
                    found = None;
                    decide = until;
                }
            }
            Next::Heard(Heard::DialFailed { address, .. }) => {
                if peer.is_some_and(|peer| peer.socket == address.socket) {
                    let address = address.to_string();
                    not_heard_of = Some(Advice::HostUnreachable { address }.into());
                }
            }
            Next::Heard(_) => {}
        }
    }
}

/// How far the exchange is.
enum Stage {
    WaitsM0(JoinerWaitsM0),
    WaitsM2(JoinerWaitsM2),
    WaitsM4(JoinerWaitsM4),
    Confirms(JoinerConfirms),
    WaitsM6(JoinerWaitsM6),
}

async fn exchange(
    setup: &mut Setup,
    host: &mut PairingHost,
    face: &mut Face,
    entered: &Entered,
    mut found: Found,
) -> Result<Found, Failure> {
    face.tell(Event::Found).map_err(|_| gone())?;
    let log = LogSecret::generate(&mut system_rng());
    let mine = host.network.peer_id();
    let channels = Channels {
        host: found.peer.as_bytes(),
        joiner: mine.as_bytes(),
    };
    let state =
        join(entered, channels, setup.device(&log)).map_err(|error| exchange_failed(&error))?;
    let mut stage = Stage::WaitsM0(state);
    let mut early = std::mem::take(&mut found.early).into_iter();
    let mut due = Instant::now() + MESSAGE;
    loop {
        let heard = match early.next() {
            Some(bytes) => Next::Heard(Heard::Frame {
                link: found.link,
                bytes,
            }),
            None => next(&mut host.events, face, due).await,
        };
        match heard {
            Next::Gone => return Err(gone()),
            Next::Due => return Err(Advice::PairingTooSlow.into()),
            Next::Answer(Answer::SameNumber { yes }) => {
                stage = match stage {
                    Stage::Confirms(_) if !yes => {
                        host.network.close(found.link).await;
                        return Err(Advice::NumberDiffers.into());
                    }
                    Stage::Confirms(state) => {
                        let (state, m5) = state.yes();
                        let _ = host.network.try_send(found.link, m5);
                        face.tell(Event::Progress {
                            stage: "partner_confirms".to_owned(),
                        })
                        .map_err(|_| gone())?;
                        Stage::WaitsM6(state)
                    }
                    other => other,
                };
            }
            Next::Answer(_) => {}
            Next::Heard(Heard::Frame { link, bytes }) if link == found.link => {
                stage = match stage {
                    Stage::WaitsM0(state) => {
                        let (state, m1) = state
                            .m0(&bytes, &mut system_rng())
                            .map_err(|error| exchange_failed(&error))?;
                        let _ = host.network.try_send(link, m1);
                        Stage::WaitsM2(state)
                    }
                    Stage::WaitsM2(state) => {
                        let (state, m3) = state
                            .m2(&bytes, &mut system_rng())
                            .map_err(|error| exchange_failed(&error))?;
                        // On the disk before it leaves: a program started anew must not try this code again.
                        setup.tried.sending(entered, now());
                        setup.keep_tried().await?;
                        let _ = host.network.try_send(link, m3);
                        Stage::WaitsM4(state)
                    }
                    Stage::WaitsM4(state) => {
                        let state = state.m4(&bytes).map_err(|error| exchange_failed(&error))?;
                        setup.tried.confirmed(entered);
                        let number = state.number().to_string();
                        let name = state.partner().name.as_str().to_owned();
                        face.tell(Event::Number { number, name })
                            .map_err(|_| gone())?;
                        due = Instant::now() + PEOPLE;
                        Stage::Confirms(state)
                    }
                    Stage::Confirms(_) => return Err(Advice::PairingMalformed.into()),
                    Stage::WaitsM6(state) => {
                        let paired = state.m6(&bytes).map_err(|error| exchange_failed(&error))?;
                        setup.keep_pair(&paired, log, true).await?;
                        // Where this is lost, a code that is dead anyway is remembered for ten minutes.
                        drop(setup.keep_tried().await);
                        return Ok(found);
                    }
                };
            }
            Next::Heard(Heard::Closed { link, .. }) if link == found.link => {
                let advice = match stage {
                    Stage::WaitsM0(_) | Stage::WaitsM2(_) => Advice::PairingBrokeOff,
                    // The host saw that the codes differ, and hung up.
                    Stage::WaitsM4(_) => Advice::WrongCode,
                    Stage::Confirms(_) | Stage::WaitsM6(_) => Advice::PartnerSaidNo,
                };
                return Err(advice.into());
            }
            Next::Heard(_) => {}
        }
    }
}
