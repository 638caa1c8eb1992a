//! What kube-apiserver is, and which resources it serves.

use http::Method;
use kube::Client;
use kube_iam_core::access::Resources;
use serde_json::Value;

use crate::api_error::{ApiError, Right};
use crate::exchange::{JSON, Question, ask_for};
use crate::limits;

/// The aggregated form of discovery, one document for all groups (Kubernetes 1.27 and later).
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

fn question(path: &'static str) -> Question {
    let right = Right { verb: "get", resource: path, namespace: None, name: None };
    Question { method: Method::GET, uri: path.to_owned(), body: None, right }
}

/// Reads which resources there are, beside those that every cluster has. Everybody who
/// has logged in may, unless an administrator has changed that.
///
/// # Errors
/// [`ApiError`]; it is [`ApiError::Malformed`] where kube-apiserver does not know the
/// aggregated form.
pub async fn resources(client: &Client) -> Result<Resources, ApiError> {
    let mut resources = Resources::known();
    for path in ["/api", "/apis"] {
        let document = ask_for(client, question(path), AGGREGATED, limits::ANSWER, limits::DISCOVERY_BYTES).await?;
        resources.read(&document).map_err(|error| ApiError::Malformed(error.to_string()))?;
    }
    Ok(resources)
}

/// Whether it is one of EKS, which puts its name into the version: `v1.33.1-eks-595af52`.
///
/// # Errors
/// [`ApiError`] if it does not tell its version.
pub async fn is_eks(client: &Client) -> Result<bool, ApiError> {
    let bytes = ask_for(client, question("/version"), JSON, limits::ANSWER, limits::STATUS_BYTES).await?;
    let version: Value = serde_json::from_slice(&bytes).map_err(|error| ApiError::malformed("a version", &error))?;
    let text = version.get("gitVersion").and_then(Value::as_str);
    text.map(|text| text.contains("-eks-")).ok_or_else(|| ApiError::Malformed("it has no `gitVersion`".to_owned()))
}

#[cfg(test)]
mod tests {
    use http::{Request, Response, header};
    use kube::client::Body;
    use kube_iam_core::access::Asked;
    use serde_json::json;
    use tower_test::mock;

    use super::*;

    /// A client of a server that is asked for these paths, and answers so.
    fn client(script: Vec<(&'static str, Value)>) -> Client {
        let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
        tokio::spawn(async move {
            for (path, body) in script {
                let (request, reply) = server.next_request().await.unwrap();
                assert_eq!(request.uri().path(), path);
                assert!(!request.headers()[header::ACCEPT].is_empty());
                reply.send_response(Response::new(Body::from(body.to_string().into_bytes())));
            }
        });
        Client::new(service, "default")
    }

    #[tokio::test]
    async fn resources_are_found_by_any_of_their_names() {
        let list = |items: Value| json!({ "kind": "APIGroupDiscoveryList", "items": items });
        let widget = json!({
            "resource": "widgets", "scope": "Cluster", "singularResource": "widget", "shortNames": ["wd"],
            "responseKind": {}, "verbs": [],
        });
        let group = json!([{ "metadata": { "name": "example.com" }, "versions": [{ "version": "v1", "resources": [widget] }] }]);
        let read = resources(&client(vec![("/api", list(json!([]))), ("/apis", list(group))])).await.unwrap();
        for name in ["widgets", "widget", "wd", "widgets.example.com"] {
            let asked = Asked::parse("get", name, None).unwrap();
            assert!(asked.is_known(&read) && !asked.is_known(&Resources::known()), "{name}");
        }
        let old = resources(&client(vec![("/api", json!({ "kind": "APIVersions" }))])).await;
        assert!(matches!(old, Err(ApiError::Malformed(_))), "{old:?}");
    }

    #[tokio::test]
    async fn eks_is_known_by_its_version() {
        let version = |text: &str| client(vec![("/version", json!({ "gitVersion": text }))]);
        assert_eq!(is_eks(&version("v1.33.1-eks-595af52")).await, Ok(true));
        assert_eq!(is_eks(&version("v1.35.0")).await, Ok(false));
        assert!(is_eks(&client(vec![("/version", json!({}))])).await.is_err());
    }
}
