//! Replies as the services write them, and the body that carries them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::StatusCode;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::Notify;

/// A reply before it is sent.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content_type: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: content_type.into(), headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        Self::new(status, "text/plain", text)
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A reply's body: bytes, then blanks if a fault asked for a huge one.
pub(crate) struct ReplyBody {
    bytes: Option<Bytes>,
    blanks: u64,
    _when_sent: Option<WhenSent>,
}

/// Notifies when the body has been handed over and is dropped.
pub(crate) struct WhenSent(pub(crate) Arc<Notify>);

impl Drop for WhenSent {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

static BLANKS: [u8; 16 * 1024] = [b' '; 16 * 1024];

impl ReplyBody {
    /// `bytes` followed by `blanks` blanks, which neither JSON nor XML minds. With
    /// blanks the length is not announced, so that only a reader's own bound stops it.
    pub(crate) fn new(bytes: Bytes, blanks: u64, when_sent: Option<WhenSent>) -> Self {
        Self { bytes: (!bytes.is_empty()).then_some(bytes), blanks, _when_sent: when_sent }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let bytes = self.bytes.take().or_else(|| {
            let mut chunk = Bytes::from_static(&BLANKS);
            chunk.truncate(usize::try_from(self.blanks).unwrap_or(usize::MAX));
            self.blanks -= chunk.len() as u64;
            (!chunk.is_empty()).then_some(chunk)
        });
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && self.blanks == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.blanks > 0 {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}
