//! Reads and writes the ConfigMap `kube-system/aws-auth`.
//!
//! [`AwsAuthStore::write_if_unchanged`] is the only way in which this project
//! writes aws-auth: it names the object and the version that was read, and only
//! the keys that change. It never replaces the object and never deletes it.

mod edit;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

pub(crate) use self::edit::pause;
pub use self::edit::{Attempt, Derived, EditError, Edited, edit_until};
use crate::api_error::{ApiError, Right};
use crate::exchange::{JSON, Question, ask, escaped};
use crate::limits;

pub(crate) const NAMESPACE: &str = "kube-system";
const NAME: &str = "aws-auth";
pub(crate) const COLLECTION: &str = "/api/v1/namespaces/kube-system/configmaps";
const OBJECT: &str = "/api/v1/namespaces/kube-system/configmaps/aws-auth";
/// RFC 7386: what is not named stays as it is, `null` removes.
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";

/// aws-auth at one moment.
#[derive(Debug, Clone, PartialEq)]
pub enum Current {
    /// It does not exist.
    Absent,
    /// It exists.
    Stored(Box<Stored>),
}

/// aws-auth as kube-apiserver has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The keys of `data`.
    pub data: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What tells it from another object that once had its name.
    pub uid: String,
    /// The version Kubernetes gave it; empty in the answer to a dry run of a creation.
    pub resource_version: String,
    /// The whole object.
    pub manifest: Value,
}

/// The keys that an edit touches, each with its new text; `None` removes one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Keys of `data`.
    pub data: BTreeMap<String, Option<String>>,
    /// Annotations.
    pub annotations: BTreeMap<String, Option<String>>,
}

/// How something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// Who writes, in the words of `managedFields`; at most 128 characters.
    pub field_manager: String,
    /// Let kube-apiserver check everything and write nothing (`--dry-run=server`).
    pub dry_run: bool,
    /// How long it may take, retries included; [`limits::LONGEST_EDIT`] at most.
    pub timeout: Duration,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { field_manager: "kube-iam".to_owned(), dry_run: false, timeout: limits::EDIT }
    }
}

impl WriteOptions {
    /// When its time is up.
    pub(crate) fn ends(&self) -> Instant {
        Instant::now() + self.timeout.min(limits::LONGEST_EDIT)
    }

    /// The query of a request that writes.
    pub(crate) fn query(&self) -> String {
        let dry_run = if self.dry_run { "&dryRun=All" } else { "" };
        format!("fieldManager={}{dry_run}", escaped(&self.field_manager))
    }
}

/// What became of one write.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is written; the object as it is now, or with a dry run as it would be.
    Written(Box<Stored>),
    /// Somebody else has changed it, or replaced it, since it was read.
    Conflict,
    /// It was absent when it was read, and somebody else has created it since.
    AlreadyExists,
    /// Somebody else has deleted it since it was read.
    Gone,
    /// Nobody knows; reading it will tell.
    Ambiguous(ApiError),
}

/// The ConfigMap `kube-system/aws-auth` of one cluster.
#[derive(Clone)]
pub struct AwsAuthStore {
    client: Client,
}

impl AwsAuthStore {
    /// The aws-auth that this client leads to; nothing is asked yet.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Reads aws-auth, by one GET that sees every write before it.
    ///
    /// # Errors
    /// [`ApiError`] if there is no answer, or none about aws-auth.
    pub async fn read(&self) -> Result<Current, ApiError> {
        self.read_within(limits::ANSWER).await
    }

    async fn read_within(&self, within: Duration) -> Result<Current, ApiError> {
        let question = Question { method: Method::GET, uri: OBJECT.to_owned(), body: None, right: right("get") };
        match ask(&self.client, question, within.min(limits::ANSWER), limits::OBJECT_BYTES).await {
            // Without a version a write could not be bound to what was read.
            Ok(bytes) => match Stored::parse(&bytes)? {
                stored if stored.uid.is_empty() || stored.resource_version.is_empty() => {
                    Err(ApiError::Malformed("aws-auth has no `uid` and `resourceVersion`".to_owned()))
                }
                stored => Ok(Current::Stored(Box::new(stored))),
            },
            Err(ApiError::NotFound(_)) => Ok(Current::Absent),
            Err(error) => Err(error),
        }
    }

    /// Writes the touched keys if aws-auth is still what `current` says, by one
    /// request. What is absent is created.
    ///
    /// # Errors
    /// [`ApiError`] if it is certain that nothing was written, for another reason
    /// than those of [`Answer`]. Without a request: [`ApiError::TooLarge`].
    pub async fn write_if_unchanged(
        &self,
        current: &Current,
        touched: &Touched,
        options: &WriteOptions,
    ) -> Result<Answer, ApiError> {
        check_size(current, touched)?;
        let question = match current {
            Current::Absent => creation(touched, options),
            Current::Stored(stored) => patch(stored, touched, options),
        };
        let answer = ask(&self.client, question, options.timeout.min(limits::WRITE), limits::OBJECT_BYTES).await;
        match answer.and_then(|bytes| Stored::parse(&bytes)) {
            Ok(stored) => Ok(Answer::Written(Box::new(stored))),
            Err(ApiError::Conflict(_)) => Ok(Answer::Conflict),
            Err(ApiError::AlreadyExists(_)) => Ok(Answer::AlreadyExists),
            Err(ApiError::NotFound(_)) => Ok(Answer::Gone),
            Err(error) if error.is_ambiguous() => Ok(Answer::Ambiguous(error)),
            Err(error) => Err(error),
        }
    }
}

fn right(verb: &'static str) -> Right {
    // A creation is allowed or not without regard to the name.
    let name = (verb != "create").then(|| NAME.to_owned());
    Right { verb, resource: "configmaps", namespace: Some(NAMESPACE.to_owned()), name }
}

fn creation(touched: &Touched, options: &WriteOptions) -> Question {
    let set = |keys: &BTreeMap<String, Option<String>>| -> Map<String, Value> {
        keys.iter().filter_map(|(key, text)| Some((key.clone(), text.clone()?.into()))).collect()
    };
    let mut metadata = json_map(&[("name", NAME), ("namespace", NAMESPACE)]);
    let annotations = set(&touched.annotations);
    if !annotations.is_empty() {
        metadata.insert("annotations".to_owned(), annotations.into());
    }
    let manifest = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": set(&touched.data) });
    let uri = format!("{COLLECTION}?{}", options.query());
    Question { method: Method::POST, uri, body: Some((JSON, manifest)), right: right("create") }
}

fn patch(stored: &Stored, touched: &Touched, options: &WriteOptions) -> Question {
    // With the version kube-apiserver refuses what was made for another state, and
    // with the uid also what was made for another object.
    let mut metadata = json_map(&[("uid", &stored.uid), ("resourceVersion", &stored.resource_version)]);
    if !touched.annotations.is_empty() {
        metadata.insert("annotations".to_owned(), json!(touched.annotations));
    }
    let mut patch = Map::from_iter([("metadata".to_owned(), metadata.into())]);
    if !touched.data.is_empty() {
        patch.insert("data".to_owned(), json!(touched.data));
    }
    let uri = format!("{OBJECT}?{}", options.query());
    Question { method: Method::PATCH, uri, body: Some((MERGE_PATCH, patch.into())), right: right("patch") }
}

fn json_map(texts: &[(&str, &str)]) -> Map<String, Value> {
    texts.iter().map(|(key, text)| ((*key).to_owned(), (*text).into())).collect()
}

/// Kubernetes counts the bytes of all values, not those of the keys.
fn check_size(current: &Current, touched: &Touched) -> Result<(), ApiError> {
    let set = touched.data.values().flatten().map(String::len).sum::<usize>();
    let kept = match current {
        Current::Absent => 0,
        Current::Stored(stored) => {
            let kept = stored.data.iter().filter(|(key, _)| !touched.data.contains_key(*key));
            kept.map(|(_, text)| text.len()).sum::<usize>() + stored.binary_bytes()
        }
    };
    match set + kept {
        0..=limits::DATA_BYTES => Ok(()),
        bytes => Err(ApiError::TooLarge(format!(
            "aws-auth would hold {bytes} bytes, and a ConfigMap holds {} at most",
            limits::DATA_BYTES
        ))),
    }
}

impl Stored {
    fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        let malformed = |error| ApiError::malformed("aws-auth", &error);
        let manifest: Value = serde_json::from_slice(bytes).map_err(malformed)?;
        let object: ConfigMap = serde_json::from_value(manifest.clone()).map_err(malformed)?;
        let metadata = object.metadata;
        Ok(Self {
            data: object.data.unwrap_or_default(),
            annotations: metadata.annotations.unwrap_or_default(),
            labels: metadata.labels.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            manifest,
        })
    }

    /// Whether every touched key is as the edit leaves it.
    fn holds(&self, touched: &Touched) -> bool {
        let agree = |wanted: &BTreeMap<String, Option<String>>, found: &BTreeMap<String, String>| {
            wanted.iter().all(|(key, text)| found.get(key) == text.as_ref())
        };
        agree(&touched.data, &self.data) && agree(&touched.annotations, &self.annotations)
    }

    /// The bytes that the values of `binaryData` stand for.
    fn binary_bytes(&self) -> usize {
        let values = self.manifest.get("binaryData").and_then(Value::as_object).into_iter().flat_map(Map::values);
        // Base64: four characters for three bytes, with padding at the end.
        let length = |text: &str| text.trim_end_matches('=').len() * 3 / 4;
        values.filter_map(Value::as_str).map(length).sum()
    }
}

impl Current {
    /// Whether every touched key is as the edit leaves it.
    fn holds(&self, touched: &Touched) -> bool {
        matches!(self, Self::Stored(stored) if stored.holds(touched))
    }
}
