//! Watches: what changes in a collection, as it changes.

use std::future::Future;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kube::Client;
use kube::api::{WatchEvent, WatchParams};
use kube::client::Body;
use kube::core::{Request, Status};
use tokio::time::{Instant, timeout, timeout_at};

use crate::pause::random;
use crate::{ReadError, limits};

/// Reads one line of a watch.
pub(crate) type Parse<T> = fn(&[u8]) -> serde_json::Result<WatchEvent<T>>;

/// A watch that has begun.
pub(crate) struct Watch<T> {
    lines: Lines,
    began: Instant,
    /// When it ends even if kube-apiserver forgets to end it.
    ends: Instant,
    parse: Parse<T>,
}

/// One change of an object.
pub(crate) enum Change<T> {
    /// The object as it is now.
    Present(T),
    /// The object as it was when it was deleted.
    Gone(T),
}

impl<T> Watch<T> {
    /// Starts to watch a collection from a version on.
    pub(crate) async fn start(
        client: &Client,
        collection: &str,
        parameters: WatchParams,
        since: &str,
        parse: Parse<T>,
    ) -> Result<Self, ReadError> {
        let length = limits::WATCH + limits::WATCH_JITTER.mul_f64(random());
        let seconds = u32::try_from(length.as_secs()).unwrap_or(u32::MAX);
        // Bookmarks are on by default: they show that the connection lives.
        let request = Request::new(collection).watch(&parameters.timeout(seconds), since);
        let body = in_time(ask(client, request)).await?;
        let began = Instant::now();
        Ok(Self { lines: Lines::new(body), began, ends: began + length + limits::ANSWER, parse })
    }

    /// The next change; `None` at the end of the watch.
    pub(crate) async fn next(&mut self) -> Result<Option<Change<T>>, ReadError> {
        loop {
            let deadline = self.ends.min(Instant::now() + limits::SILENCE);
            let Ok(line) = timeout_at(deadline, self.lines.next()).await else {
                return Ok(None);
            };
            let Some(line) = line? else { return Ok(None) };
            let event = (self.parse)(&line).map_err(|error| ReadError::malformed("an event", &error))?;
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => return Ok(Some(Change::Present(object))),
                WatchEvent::Deleted(object) => return Ok(Some(Change::Gone(object))),
                WatchEvent::Bookmark(_) => {}
                WatchEvent::Error(status) => {
                    let code = http::StatusCode::from_u16(status.code).unwrap_or_default();
                    return Err(ReadError::refused(code, &status.message));
                }
            }
        }
    }

    /// Whether it lasted longer than one that something ends at once.
    pub(crate) fn was_steady(&self) -> bool {
        self.began.elapsed() >= limits::STEADY
    }
}

pub(crate) async fn in_time<T>(answer: impl Future<Output = Result<T, ReadError>>) -> Result<T, ReadError> {
    timeout(limits::ANSWER, answer).await.unwrap_or(Err(ReadError::Timeout))
}

/// Sends a request; the body of its answer if that is a success.
pub(crate) async fn ask(
    client: &Client,
    request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<Body, ReadError> {
    let request = request.map_err(|error| ReadError::Malformed(error.to_string()))?;
    let (head, body) =
        client.send(request.map(Body::from)).await.map_err(|error| ReadError::transport(&error))?.into_parts();
    if head.status.is_success() {
        return Ok(body);
    }
    // Proxies answer with pages of their own, which say less than the status.
    let bytes = read(body, limits::STATUS_BYTES).await.unwrap_or_default();
    let message = serde_json::from_slice::<Status>(&bytes).map(|status| status.message).unwrap_or_default();
    Err(ReadError::refused(head.status, &message))
}

/// A body as a whole.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Vec<u8>, ReadError> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(ReadError::TooLarge),
        Err(error) => Err(ReadError::transport(error.as_ref())),
    }
}

/// A body as lines, one for each event of a watch.
struct Lines {
    body: Body,
    /// What has arrived and is not yet a line.
    begun: Vec<u8>,
    /// How much of `begun` is known to hold no line feed.
    searched: usize,
}

impl Lines {
    fn new(body: Body) -> Self {
        Self { body, begun: Vec::new(), searched: 0 }
    }

    /// The next line; `None` when the body has ended. A line without an end was cut
    /// off and says nothing.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        loop {
            if let Some(line) = self.complete()? {
                return Ok(Some(line));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(ReadError::transport(&error)),
                Some(Ok(frame)) => self.begun.extend(frame.into_data().unwrap_or_default()),
            }
        }
    }

    fn complete(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        let end = self.begun.iter().skip(self.searched).position(|byte| *byte == b'\n');
        let end = end.map(|position| self.searched + position);
        self.searched = self.begun.len();
        if end.unwrap_or(self.begun.len()) > limits::OBJECT_BYTES {
            return Err(ReadError::TooLarge);
        }
        let Some(end) = end else { return Ok(None) };
        let rest = self.begun.split_off(end + 1);
        self.searched = 0;
        Ok(Some(std::mem::replace(&mut self.begun, rest)))
    }
}
