//! The ConfigMap `kube-system/kube-iam-status`, in which each replica of the server keeps
//! a key of its own.
//!
//! No replica writes the key of another but to remove it once its owner is silent: they
//! never write one key to different ends, and so a merge patch needs no version.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use http::Method;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube_iam_core::ports::{BoxFuture, StatusStore, StoreFailure};
use serde_json::{Map, Value, json};

use crate::api_error::{ApiError, Right};
use crate::exchange::{JSON, Question, ask};
use crate::limits;
use crate::store::{COLLECTION, MERGE_PATCH, NAMESPACE};

const NAME: &str = "kube-iam-status";
const OBJECT: &str = "/api/v1/namespaces/kube-system/configmaps/kube-iam-status";

/// The status ConfigMap of one cluster. The rights needed are `get` to read it, `patch`
/// to write it, and `create` on ConfigMaps if it is absent.
pub struct StatusMap {
    client: Client,
}

impl StatusMap {
    /// The one that this client leads to; nothing is asked yet.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Its keys, by one GET; none if it does not exist.
    ///
    /// # Errors
    /// [`ApiError`] if there is no answer, or none about it.
    pub async fn keys(&self) -> Result<BTreeMap<String, String>, ApiError> {
        let question = Question { method: Method::GET, uri: OBJECT.to_owned(), body: None, right: right("get") };
        match ask(&self.client, question, limits::ANSWER, limits::OBJECT_BYTES).await {
            Ok(bytes) => {
                let object: ConfigMap =
                    serde_json::from_slice(&bytes).map_err(|error| ApiError::malformed(NAME, &error))?;
                Ok(object.data.unwrap_or_default())
            }
            Err(ApiError::NotFound(_)) => Ok(BTreeMap::new()),
            Err(error) => Err(error),
        }
    }

    /// Patches it, or creates it if it is absent; patches again if somebody else was
    /// faster.
    async fn set(&self, touched: &BTreeMap<String, Option<String>>) -> Result<(), ApiError> {
        match self.send(patch(touched)).await {
            Err(ApiError::NotFound(_)) => {}
            answer => return answer,
        }
        match self.send(creation(touched)).await {
            Err(ApiError::AlreadyExists(_)) => self.send(patch(touched)).await,
            answer => answer,
        }
    }

    async fn send(&self, question: Question) -> Result<(), ApiError> {
        ask(&self.client, question, limits::STATUS_WRITE, limits::OBJECT_BYTES).await.map(drop)
    }
}

impl StatusStore for StatusMap {
    fn read(&self) -> BoxFuture<'_, Result<BTreeMap<String, String>, StoreFailure>> {
        Box::pin(async { self.keys().await.map_err(|error| failure(&error)) })
    }

    fn write<'a>(&'a self, touched: &'a BTreeMap<String, Option<String>>) -> BoxFuture<'a, Result<(), StoreFailure>> {
        Box::pin(async move { self.set(touched).await.map_err(|error| failure(&error)) })
    }
}

fn failure(error: &ApiError) -> StoreFailure {
    match error.is_passing() {
        true => StoreFailure::Away(error.to_string()),
        false => StoreFailure::Refused(error.to_string()),
    }
}

fn creation(touched: &BTreeMap<String, Option<String>>) -> Question {
    let data: Map<String, Value> =
        touched.iter().filter_map(|(key, text)| Some((key.clone(), text.clone()?.into()))).collect();
    let manifest = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": NAME, "namespace": NAMESPACE },
        "data": data,
    });
    write(Method::POST, COLLECTION, (JSON, manifest), "create")
}

fn patch(touched: &BTreeMap<String, Option<String>>) -> Question {
    write(Method::PATCH, OBJECT, (MERGE_PATCH, json!({ "data": touched })), "patch")
}

fn write(method: Method, path: &str, body: (&'static str, Value), verb: &'static str) -> Question {
    Question { method, uri: format!("{path}?fieldManager=kube-iam"), body: Some(body), right: right(verb) }
}

fn right(verb: &'static str) -> Right {
    // A creation is allowed or not without regard to the name.
    let name = (verb != "create").then(|| NAME.to_owned());
    Right { verb, resource: "configmaps", namespace: Some(NAMESPACE.to_owned()), name }
}
