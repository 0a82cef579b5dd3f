//! The exchange that makes a pair (PROTOCOL section 1), over a host of its own with a throw-away identity. It runs as a task
//! beside the holder's loop, which it asks to keep what must be on the disk before the next message goes out.
//!
//! When M6 has come the first session runs over the same link, and confirms the pair to the host.

mod host;
mod joiner;

use std::time::Duration;

use amends_keys::identity::{LogSecret, PersonName, StaticSecret};
use amends_keys::invite::TriedCodes;
use amends_keys::pairing::{Device, Paired, PairingError};
use amends_network::{Address, Config, Event as Heard, Events, LinkId as NetLink, Network, PeerId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::stores::system_rng;
use super::{App, meeting, now};
use crate::advice::Advice;
use crate::local::Face;
use crate::request::{Answer, Event, Failure, Response};

/// How long the two people may take to compare the numbers.
const PEOPLE: Duration = Duration::from_secs(300);
/// How long the first session may take before it is left to a later meeting.
const FIRST_SESSION: Duration = Duration::from_secs(10);

/// Which part this device has.
pub(super) enum Role {
    /// It shows the code.
    Host,
    /// It has the code.
    Joiner {
        /// As it was typed or pasted.
        code: String,
        /// Where the host is, where somebody said so.
        peer: Option<String>,
    },
}

/// What the task asks of the holder, and tells it.
pub(crate) enum PairingNews {
    /// Keep the codes that were tried, then say so.
    KeepTried {
        tried: Vec<u8>,
        kept: oneshot::Sender<Result<(), Failure>>,
    },
    /// Keep the pair, then say so.
    KeepPair {
        paired: Box<Paired>,
        log: LogSecret,
        confirmed: bool,
        kept: oneshot::Sender<Result<(), Failure>>,
    },
    /// It is over.
    Ended {
        face: Face,
        end: Box<Result<Done, Failure>>,
    },
}

/// A pair was made and kept; the link on which that was is still open.
pub(crate) struct Done {
    host: PairingHost,
    link: NetLink,
    peer: PeerId,
    /// Where the other device was dialled, or came from.
    address: Address,
    dialled: bool,
}

/// A pairing that goes on.
pub(crate) enum Pairing {
    /// The exchange.
    #[expect(dead_code, reason = "it is held to be ended")]
    Exchange(Exchange),
    /// The first session.
    FirstSession {
        face: Face,
        carrier: u64,
        link: NetLink,
        until: Instant,
    },
}

impl Pairing {
    pub(super) fn due(&self) -> Option<Instant> {
        match self {
            Self::Exchange(_) => None,
            Self::FirstSession { until, .. } => Some(*until),
        }
    }
}

/// The task of an exchange, which ends with what holds it: nothing of it is kept before M6.
pub(crate) struct Exchange(JoinHandle<()>);

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The throw-away host.
pub(crate) struct PairingHost {
    pub(crate) network: Network,
    pub(crate) events: Events,
}

impl PairingHost {
    fn start(listen: Option<&str>, announce: bool) -> Result<Self, Failure> {
        let mut identity = zeroize::Zeroizing::new([0u8; 32]);
        rand_core::Rng::fill_bytes(&mut system_rng(), identity.as_mut());
        let mut config = Config::pairing(*identity);
        config.listen = meeting::listen_of(listen)?;
        config.announce = announce;
        let (network, events) =
            amends_network::start(config).map_err(|error| meeting::start_failed(&error))?;
        Ok(Self { network, events })
    }
}

/// What the exchange has from the holder.
struct Setup {
    static_secret: StaticSecret,
    name: PersonName,
    listen: Option<String>,
    tried: TriedCodes,
    tell: mpsc::Sender<PairingNews>,
}

impl Setup {
    /// This device with a log of its own for this one attempt: a new incarnation.
    fn device(&self, log: &LogSecret) -> Device {
        Device {
            static_secret: self.static_secret.clone(),
            log_key: log.public(),
            name: self.name.clone(),
        }
    }

    async fn ask(
        &self,
        news: PairingNews,
        kept: oneshot::Receiver<Result<(), Failure>>,
    ) -> Result<(), Failure> {
        if self.tell.send(news).await.is_err() {
            return Err(Advice::HolderEnding.into());
        }
        kept.await
            .unwrap_or_else(|_| Err(Advice::HolderEnding.into()))
    }

    async fn keep_pair(
        &self,
        paired: &Paired,
        log: LogSecret,
        confirmed: bool,
    ) -> Result<(), Failure> {
        let (kept, answer) = oneshot::channel();
        self.ask(
            PairingNews::KeepPair {
                paired: Box::new(paired.clone()),
                log,
                confirmed,
                kept,
            },
            answer,
        )
        .await
    }

    async fn keep_tried(&self) -> Result<(), Failure> {
        let (kept, answer) = oneshot::channel();
        self.ask(
            PairingNews::KeepTried {
                tried: self.tried.to_bytes(),
                kept,
            },
            answer,
        )
        .await
    }
}

/// What happens next in an exchange.
enum Next {
    Heard(Heard),
    Answer(Answer),
    /// The time came.
    Due,
    /// Whoever asked for it went away, or the network did.
    Gone,
}

async fn next(events: &mut Events, face: &mut Face, due: Instant) -> Next {
    tokio::select! {
        heard = events.next() => heard.map_or(Next::Gone, Next::Heard),
        answer = face.answer() => answer.map_or(Next::Gone, Next::Answer),
        () = tokio::time::sleep_until(due) => Next::Due,
    }
}

/// The instant of a time of the machine's clock.
fn instant_of(at: i64) -> Instant {
    let wait = u64::try_from(at.saturating_sub(now())).unwrap_or(0);
    Instant::now() + Duration::from_millis(wait)
}

fn gone() -> Failure {
    Advice::Stopped.into()
}

/// What a person is told of a failed exchange.
fn exchange_failed(error: &PairingError) -> Failure {
    match error {
        PairingError::WrongCode => Advice::WrongCode,
        PairingError::OwnKey => Advice::PairedWithSelf,
        PairingError::OtherHost => Advice::HostNotFound { seconds: 0 },
        PairingError::Version { got, .. } | PairingError::Suite { got, .. } => {
            Advice::PairingVersion {
                theirs: u64::from(*got),
            }
        }
        _ => Advice::PairingMalformed,
    }
    .into()
}

impl App {
    pub(super) fn begin_pairing(&mut self, face: Face, role: Role, listen: Option<String>) {
        match self.pairing_setup(listen) {
            Err(failure) => face.end(Response::Failed(failure)),
            Ok(setup) => {
                let task = match role {
                    Role::Host => tokio::spawn(host::run(setup, face)),
                    Role::Joiner { code, peer } => {
                        tokio::spawn(joiner::run(setup, face, code, peer))
                    }
                };
                self.pairing = Some(Pairing::Exchange(Exchange(task)));
            }
        }
    }

    fn pairing_setup(&self, listen: Option<String>) -> Result<Setup, Failure> {
        if self.pairing.is_some() {
            return Err(Advice::PairingGoesOn.into());
        }
        if let Some(replica) = &self.replica
            && replica.is_confirmed()
        {
            return Err(Advice::AlreadyPaired {
                partner: self.partner_name(),
            }
            .into());
        }
        // A memory that cannot be read forgets; the host counts guesses too.
        let tried = self
            .open
            .tried_codes()?
            .and_then(|bytes| TriedCodes::from_bytes(&bytes).ok())
            .unwrap_or_default();
        Ok(Setup {
            static_secret: self.open.device.static_secret.clone(),
            name: self.open.device.name.clone(),
            listen,
            tried,
            tell: self.tell_news.clone(),
        })
    }

    pub(super) async fn pairing_news(&mut self, news: PairingNews) -> Result<(), Failure> {
        match news {
            PairingNews::KeepTried { tried, kept } => {
                drop(kept.send(self.open.keep_tried_codes(&tried)));
                Ok(())
            }
            PairingNews::KeepPair {
                paired,
                log,
                confirmed,
                kept,
            } => {
                let done = self.keep_pair(&paired, log, confirmed).await;
                drop(kept.send(done));
                Ok(())
            }
            PairingNews::Ended { face, end } => {
                self.pairing = None;
                match *end {
                    Err(failure) => face.end(Response::Failed(failure)),
                    Ok(Done {
                        host,
                        link,
                        peer,
                        address,
                        dialled,
                    }) => {
                        let carrier = self.adopt(host.network.clone(), host.events);
                        self.begin_session(&host.network, link, peer, address, dialled);
                        let until = Instant::now() + FIRST_SESSION;
                        self.pairing = Some(Pairing::FirstSession {
                            face,
                            carrier,
                            link,
                            until,
                        });
                    }
                }
                Ok(())
            }
        }
    }

    /// The pair goes onto the disk; what was before it, unconfirmed, is gone.
    async fn keep_pair(
        &mut self,
        paired: &Paired,
        log: LogSecret,
        confirmed: bool,
    ) -> Result<(), Failure> {
        self.close_doors(true).await;
        self.open.keep_pair(paired, log, confirmed)?;
        self.pair = self.open.pair()?;
        self.replica = self.open.replica()?;
        self.searchable.forget();
        Ok(())
    }

    /// Both devices hold the pair and each other's first record, or time is up.
    pub(super) async fn look_at_pairing(&mut self) -> Result<(), Failure> {
        let over = match &self.pairing {
            Some(Pairing::FirstSession { link, until, .. }) => {
                let met = self
                    .sessions
                    .id_of(*link)
                    .zip(self.replica.as_ref())
                    .is_some_and(|(id, replica)| {
                        let meeting = replica.meeting(id);
                        meeting.have_all && meeting.partner_has_all
                    });
                met || *until <= Instant::now() || !self.sessions.has(*link)
            }
            _ => false,
        };
        if !over {
            return Ok(());
        }
        if let Some(Pairing::FirstSession { face, carrier, .. }) = self.pairing.take() {
            self.let_carrier_go(carrier).await;
            let partner = self.partner_name();
            if self
                .replica
                .as_ref()
                .is_some_and(amends_replica::Replica::is_confirmed)
            {
                let _ = face.tell(Event::Paired { partner });
                face.end(Response::Done);
            } else {
                face.end(Response::Failed(Advice::PairUnconfirmed { partner }.into()));
            }
            if self.options.stays {
                self.start_meeting().await?;
            }
        }
        Ok(())
    }
}
