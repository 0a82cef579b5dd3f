//! What a page sends does not stay in memory: a passphrase comes this way.
//!
//! hyper reads what comes into a buffer, gives out headers and body as they lie there, and wipes nothing. It looks for more while
//! a request is answered, in case the browser goes away. Its buffers are as small here as they can be, so that what is left of this
//! one is too little by then: either headers and body hold it no longer, and it is read into from its beginning, which
//! [`Unkept`] wipes first; or hyper takes another, and the first, which then is theirs alone, is wiped by [`answer`].

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::Listener;
use futures::TryStreamExt;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use zeroize::{Zeroize, Zeroizing};

use super::carry::BRINGS;
use super::peer::Mine;

/// The least that hyper takes. Our own page's heads have some hundred bytes.
const BUFFER: usize = 8192;

/// Answers whoever comes, until it is stopped.
pub(super) async fn serve(mut listener: Mine, router: Router) {
    loop {
        let (stream, _) = listener.accept().await;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .max_buf_size(BUFFER)
                .serve_connection(TokioIo::new(stream), service);
            // What became of a connection concerns nobody but its other end.
            drop(connection.await);
        });
    }
}

/// Answers a request, and wipes its body then. Files that a page brings are left out: they are long, and hold no passphrase.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    if BRINGS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let pieces = Pieces::default();
    let request = request.map(|body| pieces.copied(body));
    next.run(request).await
}

/// The pieces of a body as hyper gave them, wiped when this goes, where nobody else holds them any more: until a request is
/// answered its headers do.
#[derive(Default)]
struct Pieces(Arc<Mutex<Vec<Bytes>>>);

impl Pieces {
    /// The same body, in copies that wipe themselves.
    fn copied(&self, body: Body) -> Body {
        let kept = Arc::clone(&self.0);
        Body::from_stream(body.into_data_stream().map_ok(move |piece| {
            let copy = Zeroizing::new(piece.to_vec());
            all(&kept).push(piece);
            Bytes::from_owner(copy)
        }))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        for piece in all(&self.0).drain(..) {
            if let Ok(mut piece) = piece.try_into_mut() {
                piece.as_mut().zeroize();
            }
        }
    }
}

fn all(pieces: &Mutex<Vec<Bytes>>) -> MutexGuard<'_, Vec<Bytes>> {
    pieces.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that wipes where it is about to read.
pub(super) struct Unkept(pub(super) TcpStream);

impl AsyncRead for Unkept {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buf.initialize_unfilled().fill(0);
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Unkept {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
