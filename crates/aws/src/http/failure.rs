//! Why a call got no complete reply.

use std::error::Error as StdError;

use http_body_util::LengthLimitError;
use hyper_util::client::legacy::Error as ClientError;

use super::RootsError;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call got no complete reply.
#[derive(Debug, thiserror::Error)]
pub enum HttpFailure {
    /// The trusted certificates are unusable.
    #[error("TLS can't be set up")]
    Roots(#[from] RootsError),
    /// No connection: name, route, refusal, proxy.
    #[error("could not connect")]
    Connect(#[source] BoxError),
    /// The certificate or the handshake is not right.
    #[error("the TLS handshake failed")]
    Tls(#[source] BoxError),
    /// No complete reply in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke, or what came is not HTTP.
    #[error("the connection broke")]
    Closed(#[source] BoxError),
    /// The body is longer than its bound.
    #[error("the reply is too large")]
    TooLarge,
}

impl HttpFailure {
    pub(super) fn from_client(error: ClientError) -> Self {
        if !error.is_connect() {
            return Self::Closed(error.into());
        }
        if find::<rustls::Error>(&error).is_some() {
            return Self::Tls(error.into());
        }
        let timed_out =
            find::<std::io::Error>(&error).is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut);
        if timed_out { Self::Timeout } else { Self::Connect(error.into()) }
    }

    pub(super) fn from_body(error: BoxError) -> Self {
        if error.is::<LengthLimitError>() { Self::TooLarge } else { Self::Closed(error) }
    }
}

/// Finds an error of type `E` among the causes, also inside an [`std::io::Error`].
pub(crate) fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = inside.and_then(|inside| find::<E>(inside)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The causes of an error in one line, each said once.
pub(crate) fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if texts.last().is_none_or(|last| !last.ends_with(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}
