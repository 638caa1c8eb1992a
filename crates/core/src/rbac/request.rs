//! What may be asked: who, and what.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::node_instance::NODE_USERNAME_PREFIX;

/// Who makes a request, as an authenticator and kube-apiserver see him.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requester {
    /// The username. A service account has one too, `system:serviceaccount:NAMESPACE:NAME`.
    pub username: String,
    /// All groups, also those that kube-apiserver adds.
    pub groups: Vec<String>,
}

const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";

impl Requester {
    /// Somebody whom an authenticator has given a username and groups; kube-apiserver
    /// adds `system:authenticated` unless it is among them, or its opposite is.
    pub fn authenticated(username: impl Into<String>, groups: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut groups: Vec<String> = groups.into_iter().map(Into::into).collect();
        if !groups.iter().any(|group| group == AUTHENTICATED || group == UNAUTHENTICATED) {
            groups.push(AUTHENTICATED.into());
        }
        Self { username: username.into(), groups }
    }

    /// A service account, with the groups that its tokens carry (kubernetes.io,
    /// Authenticating, "Service account tokens").
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let groups = ["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")];
        Self::authenticated(service_account_username(namespace, name), groups)
    }

    /// Somebody whom nobody knows, where kube-apiserver lets him ask at all.
    pub fn anonymous() -> Self {
        Self { username: "system:anonymous".into(), groups: [UNAUTHENTICATED.into()].into() }
    }

    /// Whether the Node authorizer takes it for a kubelet (kubernetes.io, Using Node
    /// Authorization).
    pub fn is_node(&self) -> bool {
        self.username.starts_with(NODE_USERNAME_PREFIX) && self.groups.iter().any(|group| group == "system:nodes")
    }
}

/// The username of a service account.
pub(super) fn service_account_username(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

/// What is asked of kube-apiserver.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// Something about objects.
    Resource(ResourceRequest),
    /// Something about a path that is no object's, such as `/healthz`.
    Path {
        /// The method in lower case.
        verb: String,
        /// The path.
        path: String,
    },
}

/// A request about objects, in the words of a SubjectAccessReview. All texts are
/// compared exactly; an empty one is as good as none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ResourceRequest {
    /// Verb, such as `get`.
    pub verb: String,
    /// API group; empty is the core group.
    pub group: String,
    /// Resource in the plural, such as `pods`.
    pub resource: String,
    /// Subresource, such as `log`.
    pub subresource: Option<String>,
    /// Namespace; none for what has none, and for all namespaces at once.
    pub namespace: Option<String>,
    /// Name of the object; lists and creations have none.
    pub name: Option<String>,
}

impl ResourceRequest {
    /// The resource as rules name it: `pods`, or `pods/log`.
    pub(super) fn combined(&self) -> String {
        match text(self.subresource.as_ref()) {
            "" => self.resource.clone(),
            subresource => format!("{}/{subresource}", self.resource),
        }
    }
}

impl Request {
    /// The namespace it is about; none is the cluster.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Resource(asked) => asked.namespace.as_deref().filter(|namespace| !namespace.is_empty()),
            Self::Path { .. } => None,
        }
    }
}

/// A text that may be missing, as Kubernetes compares it.
pub(super) fn text(text: Option<&String>) -> &str {
    text.map(String::as_str).unwrap_or_default()
}
