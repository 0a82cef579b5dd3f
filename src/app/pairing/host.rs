//! The host's part: shows a code, lets one joiner at a time try it, counts what they try.

use amends_keys::identity::LogSecret;
use amends_keys::invite::{CodeEnd, CodeLife, Failure as CodeFailure, Invite, NewCode, Renewals};
use amends_keys::pairing::{Channels, HostConfirms, HostWaitsM1, HostWaitsM3, HostWaitsM5};
use amends_network::{Address, Event as Heard, LinkId as NetLink, PeerId};
use tokio::time::Instant;

use super::{
    Done, Next, PEOPLE, PairingHost, PairingNews, Setup, exchange_failed, gone, instant_of, next,
};
use crate::advice::Advice;
use crate::app::now;
use crate::app::stores::system_rng;
use crate::local::Face;
use crate::request::{Answer, Event, Failure};

/// How one code ended.
enum Ended {
    Paired(Box<(NetLink, PeerId, Address)>),
    /// Nothing more is tried: the people decide what is next.
    Over(Failure),
    /// The next code, after these words.
    Next(CodeFailure, Failure),
}

pub(super) async fn run(setup: Setup, mut face: Face) {
    let tell = setup.tell.clone();
    let end = show_codes(setup, &mut face).await;
    // The holder is gone where this is lost, and has told the face so.
    drop(
        tell.send(PairingNews::Ended {
            face,
            end: Box::new(end),
        })
        .await,
    );
}

async fn show_codes(setup: Setup, face: &mut Face) -> Result<Done, Failure> {
    let mut host = PairingHost::start(setup.listen.as_deref(), true)?;
    let mut renewals = Renewals::new();
    loop {
        let ended = one_code(&setup, &mut host, face).await?;
        let (kind, failure) = match ended {
            Ended::Paired(met) => {
                let (link, peer, address) = *met;
                return Ok(Done {
                    host,
                    link,
                    peer,
                    address,
                    dialled: false,
                });
            }
            Ended::Over(failure) => return Err(failure),
            Ended::Next(kind, failure) => (kind, failure),
        };
        let Failure {
            code,
            message,
            hint,
            ..
        } = failure;
        face.tell(Event::PairFailed {
            code,
            message,
            hint,
        })
        .map_err(|_| gone())?;
        if let NewCode::AfterKey { .. } = renewals.failed(kind) {
            face.tell(Event::NewCodeNeedsKey).map_err(|_| gone())?;
            wait_for_key(&mut host, face).await?;
            renewals.key_pressed();
        }
    }
}

async fn wait_for_key(host: &mut PairingHost, face: &mut Face) -> Result<(), Failure> {
    loop {
        match next(&mut host.events, face, Instant::now() + PEOPLE).await {
            Next::Answer(Answer::NewCode) => return Ok(()),
            Next::Answer(_) => {}
            // No code is on the screen: whoever comes is sent away.
            Next::Heard(Heard::Connected { link, .. }) => host.network.close(link).await,
            Next::Heard(_) => {}
            Next::Due => return Err(Advice::CodeExpired.into()),
            Next::Gone => return Err(gone()),
        }
    }
}

/// How far the one attempt is.
enum Attempt {
    WaitsM1(HostWaitsM1),
    WaitsM3(HostWaitsM3),
    /// The number is on both screens: the joiner's M5 and this person's yes are still to come, in either order.
    WaitsM5(HostWaitsM5, bool),
    WaitsYes(HostConfirms),
}

struct Session {
    link: NetLink,
    peer: PeerId,
    /// Where the joiner came from.
    address: Address,
    log: LogSecret,
    due: Instant,
    attempt: Option<Attempt>,
}

async fn one_code(
    setup: &Setup,
    host: &mut PairingHost,
    face: &mut Face,
) -> Result<Ended, Failure> {
    let invite = Invite::new(&mut system_rng());
    let mut life = CodeLife::new(now());
    let mut shown = show(&invite, &life, host, face, None).await?;
    let mut session: Option<Session> = None;
    loop {
        // Spent by an M3, the code itself is no longer what is waited for.
        let used = session.as_ref().is_some_and(|session| {
            matches!(
                session.attempt,
                Some(Attempt::WaitsM5(..) | Attempt::WaitsYes(_))
            )
        });
        let expires = instant_of(life.expires());
        let due = session.as_ref().map_or(expires, |session| {
            if used {
                session.due
            } else {
                session.due.min(expires)
            }
        });
        match next(&mut host.events, face, due).await {
            Next::Gone => return Err(gone()),
            Next::Due => {
                if used {
                    return Ok(Ended::Over(Advice::PairingTooSlow.into()));
                }
                if let Some(slow) = session.take_if(|session| session.due <= Instant::now()) {
                    host.network.close(slow.link).await;
                }
                if let Some(end) = life.end(now()) {
                    if let Some(open) = session.take() {
                        host.network.close(open.link).await;
                    }
                    return Ok(died(end));
                }
            }
            Next::Answer(Answer::SameNumber { yes }) => {
                let Some(current) = session.as_mut() else {
                    continue;
                };
                match (current.attempt.take(), yes) {
                    (Some(Attempt::WaitsM5(..) | Attempt::WaitsYes(_)), false) => {
                        host.network.close(current.link).await;
                        return Ok(Ended::Over(Advice::NumberDiffers.into()));
                    }
                    (Some(Attempt::WaitsM5(state, _)), true) => {
                        progress(face, "partner_confirms")?;
                        current.attempt = Some(Attempt::WaitsM5(state, true));
                    }
                    (Some(Attempt::WaitsYes(state)), true) => {
                        return finish(setup, host, face, current, state).await;
                    }
                    (attempt, _) => current.attempt = attempt,
                }
            }
            Next::Answer(_) => {}
            Next::Heard(Heard::Connected {
                link,
                peer,
                dialer,
                address,
            }) => {
                if dialer || session.is_some() {
                    host.network.close(link).await;
                    continue;
                }
                match life.attempt(now()) {
                    Err(end) => {
                        host.network.close(link).await;
                        return Ok(died(end));
                    }
                    Ok(by) => {
                        let who = (link, peer, address);
                        session = Some(begin(setup, host, &invite, who, instant_of(by)))
                    }
                }
            }
            Next::Heard(Heard::Frame { link, bytes }) => {
                let Some(current) = session.as_mut().filter(|session| session.link == link) else {
                    continue;
                };
                match step(host, face, &mut life, current, &bytes) {
                    Step::On => {}
                    Step::Free => {
                        host.network.close(link).await;
                        session = None;
                    }
                    Step::Ended(ended) => {
                        host.network.close(link).await;
                        return Ok(ended);
                    }
                    Step::Confirm(state) => {
                        return finish(setup, host, face, current, *state).await;
                    }
                    Step::Gone => return Err(gone()),
                }
            }
            Next::Heard(Heard::Closed { link, .. }) => {
                if session.as_ref().is_some_and(|session| session.link == link) {
                    if used {
                        return Ok(Ended::Over(Advice::PartnerSaidNo.into()));
                    }
                    // Stopped before M3: free. A frame over the limit is no bad Wi-Fi, but costs no guess either.
                    session = None;
                }
            }
            Next::Heard(Heard::Listening(_)) if session.is_none() => {
                shown = show(&invite, &life, host, face, Some(shown)).await?
            }
            Next::Heard(_) => {}
        }
    }
}

fn died(end: CodeEnd) -> Ended {
    let advice = match end {
        CodeEnd::Expired => Advice::CodeExpired,
        CodeEnd::TooManyAttempts => Advice::TooManyAttempts,
        CodeEnd::Spent => Advice::WrongCode,
    };
    Ended::Next(CodeFailure::Other, advice.into())
}

/// The code goes onto the screen, with where this device listens now; again only where that changed.
async fn show(
    invite: &Invite,
    life: &CodeLife,
    host: &PairingHost,
    face: &Face,
    before: Option<Vec<String>>,
) -> Result<Vec<String>, Failure> {
    let listening: Vec<Address> = host.network.listening().await;
    let listen: Vec<String> = listening.iter().map(ToString::to_string).collect();
    if before.as_ref() == Some(&listen) {
        return Ok(listen);
    }
    let bytes: Vec<&[u8]> = listen.iter().map(String::as_bytes).collect();
    let expires = crate::app::answers::time_of(life.expires());
    face.tell(Event::Code {
        code: invite.typed().shown().to_string(),
        paste: invite
            .paste(host.network.peer_id().as_bytes(), &bytes)
            .to_string(),
        listen: listen.clone(),
        expires,
    })
    .map_err(|_| gone())?;
    Ok(listen)
}

fn begin(
    setup: &Setup,
    host: &PairingHost,
    invite: &Invite,
    (link, peer, address): (NetLink, PeerId, Address),
    due: Instant,
) -> Session {
    let log = LogSecret::generate(&mut system_rng());
    let mine = host.network.peer_id();
    let channels = Channels {
        host: mine.as_bytes(),
        joiner: peer.as_bytes(),
    };
    let (state, m0) = amends_keys::pairing::host(invite, channels, setup.device(&log));
    // A link that will not take 35 bytes is closing: its end is told next.
    let _ = host.network.try_send(link, m0);
    Session {
        link,
        peer,
        address,
        log,
        due,
        attempt: Some(Attempt::WaitsM1(state)),
    }
}

enum Step {
    On,
    /// The attempt failed before M3: it costs nothing.
    Free,
    Ended(Ended),
    /// M5 came and this person had said yes already.
    Confirm(Box<HostConfirms>),
    Gone,
}

fn step(
    host: &PairingHost,
    face: &Face,
    life: &mut CodeLife,
    session: &mut Session,
    bytes: &[u8],
) -> Step {
    match session.attempt.take() {
        Some(Attempt::WaitsM1(state)) => match state.m1(bytes, &mut system_rng()) {
            Err(_) => Step::Free,
            Ok((state, m2)) => {
                let _ = host.network.try_send(session.link, m2);
                session.attempt = Some(Attempt::WaitsM3(state));
                if face.tell(Event::Found).is_err() {
                    Step::Gone
                } else {
                    Step::On
                }
            }
        },
        Some(Attempt::WaitsM3(state)) => {
            if let Err(end) = life.m3(now()) {
                return Step::Ended(died(end));
            }
            match state.m3(bytes) {
                Err(error) => {
                    let kind = match error {
                        amends_keys::pairing::PairingError::WrongCode => CodeFailure::WrongCode,
                        _ => CodeFailure::Other,
                    };
                    Step::Ended(Ended::Next(kind, exchange_failed(&error)))
                }
                Ok((state, m4)) => {
                    let _ = host.network.try_send(session.link, m4);
                    session.due = Instant::now() + PEOPLE;
                    let number = state.number().to_string();
                    let name = state.partner().name.as_str().to_owned();
                    session.attempt = Some(Attempt::WaitsM5(state, false));
                    if face.tell(Event::Number { number, name }).is_err() {
                        Step::Gone
                    } else {
                        Step::On
                    }
                }
            }
        }
        Some(Attempt::WaitsM5(state, yes)) => match state.m5(bytes) {
            Err(error) => Step::Ended(Ended::Over(exchange_failed(&error))),
            Ok(state) if yes => Step::Confirm(Box::new(state)),
            Ok(state) => {
                session.attempt = Some(Attempt::WaitsYes(state));
                Step::On
            }
        },
        // Nothing is due from the joiner after M5.
        Some(Attempt::WaitsYes(_)) | None => {
            Step::Ended(Ended::Over(Advice::PairingMalformed.into()))
        }
    }
}

/// Both said yes: the pair goes onto the disk, then M6 goes out.
async fn finish(
    setup: &Setup,
    host: &PairingHost,
    face: &Face,
    session: &mut Session,
    state: HostConfirms,
) -> Result<Ended, Failure> {
    progress(face, "finishing")?;
    let (paired, m6) = state
        .yes(&mut system_rng())
        .map_err(|error| exchange_failed(&error))?;
    let log = LogSecret::from_bytes(session.log.expose());
    setup.keep_pair(&paired, log, false).await?;
    // Lost, it leaves an unconfirmed pair, which pairing again replaces.
    let _ = host.network.send(session.link, m6).await;
    Ok(Ended::Paired(Box::new((
        session.link,
        session.peer,
        session.address,
    ))))
}

fn progress(face: &Face, stage: &str) -> Result<(), Failure> {
    face.tell(Event::Progress {
        stage: stage.to_owned(),
    })
    .map_err(|_| gone())
}
