//! Answers that are spoilt on their way to the client.

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

/// The body of an answer, as it leaves.
pub(crate) type Outgoing = UnsyncBoxBody<Bytes, Dropped>;

/// Between two bytes of a body that drips.
const DRIP: Duration = Duration::from_millis(250);
/// So that the first half of a body is on its way before the connection is reset.
const HALFWAY: Duration = Duration::from_millis(50);
/// Size of a body that goes on and on.
const HUGE: usize = 10 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;
/// An answer that has no body gets one of this size.
const SOME_BODY: usize = 1024;

/// How an answer is spoilt.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Spoilt {
    /// The connection is reset in its place.
    Reset,
    /// The connection is reset after half of its body.
    ResetInBody,
    /// It never comes, and the connection stays.
    Never,
    /// Its body comes byte by byte.
    Drip,
    /// Its body goes on for ten megabytes of spaces, which JSON would admit.
    Huge,
    /// Its body ends after half of it, as if that were all.
    Cut,
    /// Its revision is no strong one.
    WeakRevision,
}

/// The connection that a call came by, below TLS.
pub(crate) struct Link(TcpStream);

impl Link {
    /// To the other end of `stream`.
    pub(crate) fn to(stream: TcpStream) -> io::Result<(TcpStream, Arc<Self>)> {
        let stream = stream.into_std()?;
        let same = stream.try_clone()?;
        Ok((TcpStream::from_std(stream)?, Arc::new(Self(TcpStream::from_std(same)?))))
    }

    /// When the connection ends, it is by a reset.
    pub(crate) fn will_reset(&self) {
        // Without it the client is told of an orderly end, which a test of resets notices.
        let _ = self.0.set_zero_linger();
    }
}

/// The answer as it leaves.
pub(crate) async fn deliver(response: Response<Body>, link: Arc<Link>) -> Response<Outgoing> {
    let (mut head, body) = response.into_parts();
    let Some(spoilt) = head.extensions.remove::<Spoilt>() else {
        return Response::from_parts(head, whole(body));
    };
    if let (Spoilt::WeakRevision, Some(Ok(tag))) = (spoilt, head.headers.get(ETAG).map(HeaderValue::to_str)) {
        if let Ok(weak) = format!("W/{tag}").parse() {
            head.headers.insert(ETAG, weak);
        }
        return Response::from_parts(head, whole(body));
    }
    let mut bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if bytes.is_empty() {
        head.status = StatusCode::OK;
        bytes = vec![b' '; SOME_BODY].into();
    }
    let half = bytes.slice(..bytes.len() / 2);
    let (length, body) = match spoilt {
        Spoilt::ResetInBody => (bytes.len(), half_and_reset(half, link)),
        Spoilt::Drip => (bytes.len(), dripping(bytes)),
        Spoilt::Huge => (bytes.len() + HUGE, and_spaces(bytes)),
        Spoilt::Cut => (half.len(), whole(Full::new(half))),
        // Those have no body, or the one they had.
        Spoilt::Reset | Spoilt::Never | Spoilt::WeakRevision => (bytes.len(), whole(Full::new(bytes))),
    };
    head.headers.insert(CONTENT_LENGTH, length.into());
    Response::from_parts(head, body)
}

fn whole(body: Body) -> Outgoing {
    body.map_err(|never| match never {}).boxed_unsync()
}

fn half_and_reset(half: Bytes, link: Arc<Link>) -> Outgoing {
    let reset = stream::once(async move {
        tokio::time::sleep(HALFWAY).await;
        link.will_reset();
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
        tokio::time::sleep(DRIP).await;
        let drop = rest.split_to(1);
        Some((Ok(Frame::data(drop)), rest))
    });
    BodyExt::boxed_unsync(StreamBody::new(drops))
}

fn and_spaces(bytes: Bytes) -> Outgoing {
    let spaces = Bytes::from(vec![b' '; CHUNK]);
    let more = stream::repeat(spaces).take(HUGE / CHUNK);
    let chunks = stream::once(async move { bytes }).chain(more);
    BodyExt::boxed_unsync(StreamBody::new(chunks.map(|chunk| Ok(Frame::data(chunk)))))
}
