//! One edit of aws-auth, tried until it is written.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::debug;

use super::{Answer, AwsAuthStore, Current, Stored, Touched, WriteOptions};
use crate::ApiError;
use crate::limits;
use crate::pause::random;

/// What an edit is derived from.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// aws-auth as it was read for this attempt.
    pub current: &'a Current,
    /// The edit may be there already: an earlier write has had no answer. What is
    /// found to be as the edit wants it is then its own work, not a duplicate.
    pub maybe_written: bool,
}

/// What is to be done with aws-auth as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Derived {
    /// Nothing: it is as the edit wants it.
    Unchanged,
    /// Write these keys.
    Write(Touched),
}

/// How an edit ended well.
#[derive(Debug, Clone, PartialEq)]
pub enum Edited {
    /// There was nothing to write.
    Unchanged(Current),
    /// It is written. aws-auth as it is now, or with a dry run as it would be.
    Written(Box<Stored>),
}

/// Why an edit was not made.
#[derive(Debug, thiserror::Error)]
pub enum EditError<E> {
    /// It could not be derived from aws-auth as it is; nothing is written by the
    /// attempt that this was part of.
    #[error("the edit can't be made")]
    Derive(#[source] E),
    /// kube-apiserver could not be asked, or refused; nothing is written.
    #[error("aws-auth is not changed")]
    Api(#[source] ApiError),
    /// Others changed aws-auth before each attempt; nothing is written.
    #[error("aws-auth is not changed: others changed it before each of {attempts} attempts within {} s", timeout.as_secs())]
    Conflicts {
        /// How often it was tried.
        attempts: u32,
        /// For how long.
        timeout: Duration,
    },
    /// kube-apiserver did not say what became of the last write.
    #[error("it is not known whether aws-auth is changed")]
    Unknown(#[source] ApiError),
}

impl<E> EditError<E> {
    /// What to do about it, except where `derive` knows better.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Derive(_) => None,
            Self::Api(error) => error.hint(),
            Self::Conflicts { .. } => Some("try again with a longer `--timeout`".to_owned()),
            Self::Unknown(_) => Some("repeat the command: what is there already is not written twice".to_owned()),
        }
    }
}

/// Derives an edit from aws-auth and writes it, again and again while others
/// change aws-auth in between, until `options.timeout`.
///
/// `start` is aws-auth as it was read before; `None` reads it. `derive` is asked
/// anew for each state of aws-auth and must not have effects.
///
/// A server that does not answer the first read ends it at once; one that has
/// answered before is waited for. After a write without an answer aws-auth is read:
/// if it holds what was written, that is success.
///
/// # Errors
/// [`EditError`]. Whatever it is: either all of the edit is written, or nothing.
pub async fn edit_until<E>(
    store: &AwsAuthStore,
    start: Option<Current>,
    options: &WriteOptions,
    mut derive: impl FnMut(&Attempt<'_>) -> Result<Derived, E>,
) -> Result<Edited, EditError<E>> {
    let mut retry = Retry { ends: options.ends(), attempts: 0, obstacle: None, in_doubt: None };
    let mut current = match start {
        Some(current) => current,
        None => match store.read_within(options.timeout).await {
            Ok(current) => current,
            Err(error @ ApiError::Throttled { .. }) => retry.read(store, Some(error), options.timeout).await?,
            Err(error) => return Err(EditError::Api(error)),
        },
    };
    loop {
        if retry.in_doubt.as_ref().is_some_and(|doubt| current.holds(&doubt.touched)) {
            return Ok(edited(current));
        }
        let attempt = Attempt { current: &current, maybe_written: retry.in_doubt.is_some() };
        let touched = match derive(&attempt).map_err(EditError::Derive)? {
            Derived::Unchanged if attempt.maybe_written => return Ok(edited(current)),
            Derived::Unchanged => return Ok(Edited::Unchanged(current)),
            Derived::Write(touched) => touched,
        };
        let write = WriteOptions { timeout: retry.remaining(), ..options.clone() };
        if write.timeout.is_zero() {
            return Err(retry.ended(options.timeout));
        }
        let obstacle = match store.write_if_unchanged(&current, &touched, &write).await {
            Ok(Answer::Written(stored)) => return Ok(Edited::Written(stored)),
            Ok(Answer::Conflict | Answer::AlreadyExists | Answer::Gone) => None,
            Ok(Answer::Ambiguous(error)) => {
                if !options.dry_run {
                    retry.in_doubt = Some(Doubt { touched, error: error.clone() });
                }
                Some(error)
            }
            Err(error) if error.is_passing() => Some(error),
            // An earlier write may still be there.
            Err(error) if retry.in_doubt.is_none() => return Err(EditError::Api(error)),
            Err(error) => return Err(EditError::Unknown(error)),
        };
        current = retry.read(store, obstacle, options.timeout).await?;
    }
}

fn edited(current: Current) -> Edited {
    match current {
        Current::Stored(stored) => Edited::Written(stored),
        Current::Absent => Edited::Unchanged(Current::Absent),
    }
}

/// The attempts of one edit.
struct Retry {
    ends: Instant,
    attempts: u32,
    /// What the last attempt failed of; `None` is a conflict.
    obstacle: Option<ApiError>,
    in_doubt: Option<Doubt>,
}

/// A write that has had no answer.
struct Doubt {
    touched: Touched,
    error: ApiError,
}

impl Retry {
    fn remaining(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// Whoever is in doubt about the last write has a little more time, to find out.
    fn remaining_to_read(&self) -> Duration {
        let last_look = if self.in_doubt.is_some() { limits::LAST_LOOK } else { Duration::ZERO };
        (self.ends + last_look).saturating_duration_since(Instant::now())
    }

    /// Pauses, and then reads aws-auth for the next attempt: the later it is read
    /// before it is written, the rarer are conflicts.
    async fn read<E>(
        &mut self,
        store: &AwsAuthStore,
        obstacle: Option<ApiError>,
        timeout: Duration,
    ) -> Result<Current, EditError<E>> {
        self.obstacle = obstacle;
        loop {
            self.attempts += 1;
            let asked_for = self.obstacle.as_ref().and_then(ApiError::retry_after).unwrap_or_default();
            // Whoever has little time left tries more often: newcomers, whose pauses
            // are short, must not starve those who have waited.
            let pause = pause(self.attempts).min(self.remaining() / 8).max(asked_for);
            if pause + limits::FIRST_PAUSE >= self.remaining_to_read() {
                return Err(self.ended(timeout));
            }
            debug!(attempts = self.attempts, ?pause, obstacle = ?self.obstacle, "aws-auth is read again");
            sleep(pause).await;
            match store.read_within(self.remaining_to_read()).await {
                Ok(current) => return Ok(current),
                Err(error) if error.is_passing() => self.obstacle = Some(error),
                Err(error) => {
                    self.obstacle = Some(error);
                    return Err(self.ended(timeout));
                }
            }
        }
    }

    /// Why there are no more attempts.
    fn ended<E>(&mut self, timeout: Duration) -> EditError<E> {
        match (self.in_doubt.take(), self.obstacle.take()) {
            (Some(doubt), _) => EditError::Unknown(doubt.error),
            (None, Some(error)) => EditError::Api(error),
            (None, None) => EditError::Conflicts { attempts: self.attempts, timeout },
        }
    }
}

/// A pause at random, up to a longest that doubles with each attempt: so that those
/// who have met once don't meet again.
pub(crate) fn pause(attempts: u32) -> Duration {
    let doubled = limits::FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    doubled.min(limits::RETRY_PAUSE).mul_f64(random())
}
