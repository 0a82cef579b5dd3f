//! One stream a connection: the libp2p behaviour that opens it, takes it and gives it out.
//!
//! The side that dialled opens the stream, the other takes exactly one. Whatever else is opened is refused, and a
//! connection that has no stream in time is closed. Nothing else is spoken: no identify, no ping.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::PeerId;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo};
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::handler::{
    ConnectionEvent, ConnectionHandler, ConnectionHandlerEvent, FullyNegotiatedInbound,
    FullyNegotiatedOutbound, SubstreamProtocol,
};
use libp2p::swarm::{
    CloseConnection, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, Stream,
    StreamProtocol, StreamUpgradeError, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use tokio::time::{Sleep, sleep};

/// What became of a connection's stream; one for each connection that lives long enough.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one a connection, moved twice")]
pub(crate) enum StreamEvent {
    Opened {
        connection: ConnectionId,
        peer: PeerId,
        stream: Stream,
    },
    Failed {
        connection: ConnectionId,
        reason: NoStream,
    },
}

/// Why there is no stream. The connection is closed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoStream {
    /// The other side does not speak our protocol.
    NotSpoken,
    /// It neither opened nor answered in time.
    TooSlow,
    /// The negotiation broke.
    Broken,
}

pub(crate) struct Streams {
    protocol: StreamProtocol,
    /// How long the stream may take, from the connection on.
    wait: Duration,
    waiting: VecDeque<ToSwarm<StreamEvent, Infallible>>,
}

impl Streams {
    pub(crate) fn new(protocol: StreamProtocol, wait: Duration) -> Self {
        Self {
            protocol,
            wait,
            waiting: VecDeque::new(),
        }
    }

    fn handler(&self, dialer: bool) -> Handler {
        Handler {
            protocol: self.protocol.clone(),
            wait: self.wait,
            dialer,
            state: if dialer { State::Open } else { State::Expect },
            late: Box::pin(sleep(self.wait)),
            waiting: VecDeque::new(),
        }
    }
}

impl NetworkBehaviour for Streams {
    type ConnectionHandler = Handler;
    type ToSwarm = StreamEvent;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(false))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(true))
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {
            Ok(stream) => {
                self.waiting
                    .push_back(ToSwarm::GenerateEvent(StreamEvent::Opened {
                        connection,
                        peer,
                        stream,
                    }));
            }
            Err(reason) => {
                self.waiting
                    .push_back(ToSwarm::GenerateEvent(StreamEvent::Failed {
                        connection,
                        reason,
                    }));
                let connection = CloseConnection::One(connection);
                self.waiting.push_back(ToSwarm::CloseConnection {
                    peer_id: peer,
                    connection,
                });
            }
        }
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.waiting.pop_front() {
            Some(event) => Poll::Ready(event),
            None => Poll::Pending,
        }
    }
}

/// Where a connection is on the way to its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The stream is to be asked for.
    Open,
    /// The stream was asked for, or is waited for.
    Expect,
    /// It is there, or never will be.
    Done,
}

pub(crate) struct Handler {
    protocol: StreamProtocol,
    wait: Duration,
    dialer: bool,
    state: State,
    late: Pin<Box<Sleep>>,
    waiting: VecDeque<Result<Stream, NoStream>>,
}

impl Handler {
    fn settle(&mut self, outcome: Result<Stream, NoStream>) {
        // A second stream is dropped here, which resets it.
        if self.state != State::Done {
            self.state = State::Done;
            self.waiting.push_back(outcome);
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = Result<Stream, NoStream>;
    type InboundProtocol = OneStream;
    type OutboundProtocol = OneStream;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<OneStream> {
        let open = !self.dialer && self.state != State::Done;
        let upgrade = OneStream(open.then(|| self.protocol.clone()));
        SubstreamProtocol::new(upgrade, ()).with_timeout(self.wait)
    }

    /// Until the stream is there, this keeps the connection; then the stream itself does.
    fn connection_keep_alive(&self) -> bool {
        self.state != State::Done || !self.waiting.is_empty()
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Self::ToBehaviour>> {
        if self.state != State::Done && self.late.as_mut().poll(cx).is_ready() {
            self.settle(Err(NoStream::TooSlow));
        }
        if let Some(outcome) = self.waiting.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(outcome));
        }
        if self.state == State::Open {
            self.state = State::Expect;
            let upgrade = OneStream(Some(self.protocol.clone()));
            let protocol = SubstreamProtocol::new(upgrade, ()).with_timeout(self.wait);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, OneStream, OneStream>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol, ..
            })
            | ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol, ..
            }) => {
                self.settle(Ok(protocol));
            }
            ConnectionEvent::DialUpgradeError(failed) => self.settle(Err(match failed.error {
                StreamUpgradeError::NegotiationFailed => NoStream::NotSpoken,
                StreamUpgradeError::Timeout => NoStream::TooSlow,
                StreamUpgradeError::Apply(never) => match never {},
                StreamUpgradeError::Io(_) => NoStream::Broken,
            })),
            _ => {}
        }
    }
}

/// Takes the stream as it is, where one may be taken; otherwise speaks no protocol at all.
#[derive(Debug, Clone)]
pub(crate) struct OneStream(Option<StreamProtocol>);

impl UpgradeInfo for OneStream {
    type Info = StreamProtocol;
    type InfoIter = std::option::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.clone().into_iter()
    }
}

impl InboundUpgrade<Stream> for OneStream {
    type Output = Stream;
    type Error = Infallible;
    type Future = Ready<Result<Stream, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}

impl OutboundUpgrade<Stream> for OneStream {
    type Output = Stream;
    type Error = Infallible;
    type Future = Ready<Result<Stream, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}
