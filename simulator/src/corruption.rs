//! Answers that are corrupted on their way to the client.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{CONTENT_LENGTH, ETAG, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Deserialize;
use tokio::net::TcpStream;

use crate::http::{Body, Dropped};

/// Body of an answer as it is sent.
pub(crate) type Outgoing = UnsyncBoxBody<Bytes, Dropped>;

/// Pause before each byte of a dripping body.
const DRIP_PAUSE: Duration = Duration::from_millis(250);
/// Pause before a reset, so that the first half of the body is sent by then.
const RESET_PAUSE: Duration = Duration::from_millis(50);
/// Number of spaces after a huge body, in bytes.
const HUGE: usize = 10 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;
/// Size of the body that an answer without one gets.
const BODY_SIZE: usize = 1024;

/// A corruption of an answer.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Corruption {
    /// The connection is reset in place of the answer.
    Reset,
    /// The connection is reset after half of the body.
    ResetInBody,
    /// The answer never comes, and the connection stays open.
    Never,
    /// The body comes byte by byte.
    Drip,
    /// The body is followed by ten megabytes of spaces, which JSON allows.
    Huge,
    /// The body is cut in half, and `Content-Length` is that of the half.
    Cut,
    /// The `ETag` is a weak one.
    WeakRevision,
}

/// The TCP connection of a call, below TLS.
pub(crate) struct Link(TcpStream);

impl Link {
    /// Returns `stream` and a second handle of the same connection.
    pub(crate) fn new(stream: TcpStream) -> io::Result<(TcpStream, Arc<Self>)> {
        let stream = stream.into_std()?;
        let same = stream.try_clone()?;
        Ok((TcpStream::from_std(stream)?, Arc::new(Self(TcpStream::from_std(same)?))))
    }

    /// Lets the connection end by a reset when it is closed.
    pub(crate) fn reset_on_close(&self) {
        // If this fails, the client sees an orderly end, which a test of resets notices.
        let _ = self.0.set_zero_linger();
    }
}

/// Returns the answer as it is sent, corrupted if a fault says so.
pub(crate) async fn deliver(response: Response<Body>, link: Arc<Link>) -> Response<Outgoing> {
    let (mut head, body) = response.into_parts();
    let Some(corruption) = head.extensions.remove::<Corruption>() else {
        return Response::from_parts(head, whole(body));
    };
    if let (Corruption::WeakRevision, Some(Ok(tag))) = (corruption, head.headers.get(ETAG).map(HeaderValue::to_str)) {
        if let Ok(weak) = format!("W/{tag}").parse() {
            head.headers.insert(ETAG, weak);
        }
        return Response::from_parts(head, whole(body));
    }
    let mut bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if bytes.is_empty() {
        head.status = StatusCode::OK;
        bytes = vec![b' '; BODY_SIZE].into();
    }
    let half = bytes.slice(..bytes.len() / 2);
    let (length, body) = match corruption {
        Corruption::ResetInBody => (bytes.len(), half_and_reset(half, link)),
        Corruption::Drip => (bytes.len(), dripping(bytes)),
        Corruption::Huge => (bytes.len() + HUGE, with_spaces(bytes)),
        Corruption::Cut => (half.len(), whole(Full::new(half))),
        // The first two are never sent, the third one has no ETag to weaken.
        Corruption::Reset | Corruption::Never | Corruption::WeakRevision => (bytes.len(), whole(Full::new(bytes))),
    };
    head.headers.insert(CONTENT_LENGTH, length.into());
    Response::from_parts(head, body)
}

fn whole(body: Body) -> Outgoing {
    body.map_err(|never| match never {}).boxed_unsync()
}

fn half_and_reset(half: Bytes, link: Arc<Link>) -> Outgoing {
    let reset = stream::once(async move {
        tokio::time::sleep(RESET_PAUSE).await;
        link.reset_on_close();
        Err(Dropped::Reset)
    });
    let sent = stream::once(async move { Ok(Frame::data(half)) });
    BodyExt::boxed_unsync(StreamBody::new(sent.chain(reset)))
}

fn dripping(bytes: Bytes) -> Outgoing {
    let drops = stream::unfold(bytes, |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(DRIP_PAUSE).await;
        let drop = rest.split_to(1);
        Some((Ok(Frame::data(drop)), rest))
    });
    BodyExt::boxed_unsync(StreamBody::new(drops))
}

fn with_spaces(bytes: Bytes) -> Outgoing {
    let spaces = Bytes::from(vec![b' '; CHUNK]);
    let more = stream::repeat(spaces).take(HUGE / CHUNK);
    let chunks = stream::once(async move { bytes }).chain(more);
    BodyExt::boxed_unsync(StreamBody::new(chunks.map(|chunk| Ok(Frame::data(chunk)))))
}
