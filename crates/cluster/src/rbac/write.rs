//! Creates roles and bindings.

use http::Method;
use kube::Client;
use kube_iam_core::rbac::RbacRef;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::content::replaced;
use super::{RbacObject, collection, path, read, right};
use crate::api_error::ApiError;
use crate::exchange::{JSON, Question, ask};
use crate::limits;
use crate::store::{WriteOptions, pause};

/// What became of an object that shall exist.
#[derive(Debug, Clone, PartialEq)]
pub enum Creation {
    /// It was created; with a dry run, it would be.
    Created,
    /// It existed, and gives the same rights to the same subjects.
    Exists,
    /// One of this name existed that gives other rights, or to others. It is left as
    /// it is.
    Differs {
        /// The one that exists.
        existing: Value,
    },
}

/// How far a creation of several objects came.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The objects that were dealt with, in the order given.
    pub done: Vec<(RbacRef, Creation)>,
    /// The first that could not be created; those after it were not tried.
    pub failed: Option<(RbacRef, ApiError)>,
}

/// Creates those of the objects that don't exist, one after the other; changes none.
/// Repeating it completes what has failed in the middle.
pub async fn create_missing(client: &Client, objects: &[RbacObject], options: &WriteOptions) -> Created {
    let ends = options.ends();
    let mut created = Created { done: Vec::new(), failed: None };
    for (position, object) in objects.iter().enumerate() {
        let outcome = match position {
            0..limits::RBAC_OBJECTS => Ensuring { client, object, options, ends }.create().await,
            _ => Err(ApiError::TooMany { what: "RBAC objects", most: limits::RBAC_OBJECTS }),
        };
        match outcome {
            Ok(creation) => created.done.push((object.reference().clone(), creation)),
            Err(error) => {
                created.failed = Some((object.reference().clone(), error));
                break;
            }
        }
    }
    created
}

/// What is there of an object that shall exist.
#[derive(Debug)]
pub enum Found {
    /// There is none of this name.
    Missing,
    /// It gives the same rights to the same subjects.
    Exists,
    /// It gives other rights, or to others.
    Differs,
    /// It is a role that is not to be created, but bound, and there is none.
    NoRole,
    /// It may not be read, or not now.
    Unknown(ApiError),
}

/// Looks for objects, and for the roles that they bind and that are not among them.
/// Of the first [`limits::RBAC_OBJECTS`].
pub async fn look_for(client: &Client, objects: &[RbacObject]) -> Vec<(RbacRef, Found)> {
    let mut found = Vec::new();
    for object in objects.iter().take(limits::RBAC_OBJECTS) {
        let outcome = match read(client, object.reference()).await {
            Ok(Some(existing)) if object.gives_the_same_as(&existing) => Found::Exists,
            Ok(Some(_)) => Found::Differs,
            Ok(None) => Found::Missing,
            Err(error) => Found::Unknown(error),
        };
        found.push((object.reference().clone(), outcome));
        let Some(role) = object.bound_role() else { continue };
        let mut named = found.iter().map(|(name, _)| name).chain(objects.iter().map(RbacObject::reference));
        if !named.any(|name| *name == role) && matches!(read(client, &role).await, Ok(None)) {
            found.push((role, Found::NoRole));
        }
    }
    found
}

/// What became of an object that shall be as given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// It was created; with a dry run, it would be.
    Created,
    /// It existed and gave other rights, or to others; now it is as given. Its labels
    /// and annotations are kept.
    Replaced,
    /// It existed as given, and was not written.
    Unchanged,
}

/// Creates an object, or gives an existing one its rights and subjects.
///
/// # Errors
/// [`ApiError`]. The role of a binding can't be changed: [`ApiError::Invalid`].
pub async fn replace_rbac(
    client: &Client,
    object: &RbacObject,
    options: &WriteOptions,
) -> Result<Replacement, ApiError> {
    Ensuring { client, object, options, ends: options.ends() }.replace().await
}

/// One object that shall exist.
struct Ensuring<'a> {
    client: &'a Client,
    object: &'a RbacObject,
    options: &'a WriteOptions,
    ends: Instant,
}

/// What became of one request.
enum Answer {
    Done,
    /// It has to be looked at again, for this reason.
    Again(ApiError),
}

impl Ensuring<'_> {
    async fn create(&self) -> Result<Creation, ApiError> {
        let mut attempts = 0;
        let mut maybe_created = false;
        loop {
            let unseen = match read(self.client, self.object.reference()).await {
                Ok(Some(existing)) => {
                    return Ok(match self.object.gives_the_same_as(&existing) {
                        true if maybe_created => Creation::Created,
                        true => Creation::Exists,
                        false => Creation::Differs { existing },
                    });
                }
                Ok(None) => None,
                // Who may not look may still be allowed to create.
                Err(error @ ApiError::Forbidden { .. }) => Some(error),
                Err(error) => return Err(error),
            };
            match (self.post().await?, unseen) {
                (Answer::Done, _) => return Ok(Creation::Created),
                // It can't be compared.
                (Answer::Again(ApiError::AlreadyExists(_)), Some(error)) => return Err(error),
                (Answer::Again(reason), _) => {
                    maybe_created |= reason.is_ambiguous();
                    self.pause(&mut attempts, reason).await?;
                }
            }
        }
    }

    async fn replace(&self) -> Result<Replacement, ApiError> {
        let mut attempts = 0;
        loop {
            let answer = match read(self.client, self.object.reference()).await? {
                Some(existing) if self.object.gives_the_same_as(&existing) => return Ok(Replacement::Unchanged),
                Some(existing) => (self.put(existing).await?, Replacement::Replaced),
                None => (self.post().await?, Replacement::Created),
            };
            match answer {
                (Answer::Done, replacement) => return Ok(replacement),
                (Answer::Again(reason), _) => self.pause(&mut attempts, reason).await?,
            }
        }
    }

    async fn post(&self) -> Result<Answer, ApiError> {
        let reference = self.object.reference();
        self.write(
            Method::POST,
            &collection(reference.kind, reference.namespace.as_deref()),
            self.object.manifest().clone(),
            "create",
        )
        .await
    }

    /// With the resource version that was read: it replaces that, or nothing.
    async fn put(&self, existing: Value) -> Result<Answer, ApiError> {
        let reference = self.object.reference();
        let manifest = replaced(reference.kind, existing, self.object.manifest());
        self.write(Method::PUT, &path(reference), manifest, "update").await
    }

    async fn write(&self, method: Method, path: &str, manifest: Value, verb: &'static str) -> Result<Answer, ApiError> {
        let uri = format!("{path}?{}", self.options.query());
        let right = right(self.object.reference(), verb);
        let question = Question { method, uri, body: Some((JSON, manifest)), right };
        let within = self.ends.saturating_duration_since(Instant::now()).min(limits::WRITE);
        match ask(self.client, question, within, limits::OBJECT_BYTES).await {
            Ok(_) => Ok(Answer::Done),
            Err(error @ (ApiError::AlreadyExists(_) | ApiError::Conflict(_))) => Ok(Answer::Again(error)),
            // Deleted since it was read; a creation finds nothing missing but its namespace.
            Err(error @ ApiError::NotFound(_)) if verb == "update" => Ok(Answer::Again(error)),
            Err(error) if error.is_passing() => Ok(Answer::Again(error)),
            Err(error) => Err(error),
        }
    }

    /// The pause before the next attempt; the reason for it, if no time is left.
    async fn pause(&self, attempts: &mut u32, reason: ApiError) -> Result<(), ApiError> {
        *attempts += 1;
        let pause = pause(*attempts).max(reason.retry_after().unwrap_or_default());
        if Instant::now() + pause >= self.ends {
            return Err(reason);
        }
        sleep(pause).await;
        Ok(())
    }
}
