//! What is asked, in kubectl's words: resources by any of their names.

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;

use crate::json::Object;
use crate::rbac::{Request, ResourceRequest};
use crate::shown::excerpt;

/// A kind of object that kube-apiserver serves.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Resource {
    group: String,
    plural: String,
    singular: String,
    short: Vec<String>,
    is_namespaced: bool,
}

/// Kinds of objects, those of greater right first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources(Vec<Resource>);

/// Why an answer does not tell which resources there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no list of API groups: {0}")]
pub struct ResourcesError(String);

/// Kubernetes' own resources: group, plural, singular, short names.
type Known = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// Those in a namespace (`kubectl api-resources`, Kubernetes 1.35).
const NAMESPACED: &[Known] = &[
    ("", "bindings", "binding", &[]),
    ("", "configmaps", "configmap", &["cm"]),
    ("", "endpoints", "endpoints", &["ep"]),
    ("", "events", "event", &["ev"]),
    ("", "limitranges", "limitrange", &["limits"]),
    ("", "persistentvolumeclaims", "persistentvolumeclaim", &["pvc"]),
    ("", "pods", "pod", &["po"]),
    ("", "podtemplates", "podtemplate", &[]),
    ("", "replicationcontrollers", "replicationcontroller", &["rc"]),
    ("", "resourcequotas", "resourcequota", &["quota"]),
    ("", "secrets", "secret", &[]),
    ("", "serviceaccounts", "serviceaccount", &["sa"]),
    ("", "services", "service", &["svc"]),
    ("apps", "controllerrevisions", "controllerrevision", &[]),
    ("apps", "daemonsets", "daemonset", &["ds"]),
    ("apps", "deployments", "deployment", &["deploy"]),
    ("apps", "replicasets", "replicaset", &["rs"]),
    ("apps", "statefulsets", "statefulset", &["sts"]),
    ("authorization.k8s.io", "localsubjectaccessreviews", "localsubjectaccessreview", &[]),
    ("autoscaling", "horizontalpodautoscalers", "horizontalpodautoscaler", &["hpa"]),
    ("batch", "cronjobs", "cronjob", &["cj"]),
    ("batch", "jobs", "job", &[]),
    ("coordination.k8s.io", "leases", "lease", &[]),
    ("discovery.k8s.io", "endpointslices", "endpointslice", &[]),
    ("events.k8s.io", "events", "event", &["ev"]),
    ("networking.k8s.io", "ingresses", "ingress", &["ing"]),
    ("networking.k8s.io", "networkpolicies", "networkpolicy", &["netpol"]),
    ("policy", "poddisruptionbudgets", "poddisruptionbudget", &["pdb"]),
    ("rbac.authorization.k8s.io", "rolebindings", "rolebinding", &[]),
    ("rbac.authorization.k8s.io", "roles", "role", &[]),
];

/// Those of the cluster.
const CLUSTER: &[Known] = &[
    ("", "componentstatuses", "componentstatus", &["cs"]),
    ("", "namespaces", "namespace", &["ns"]),
    ("", "nodes", "node", &["no"]),
    ("", "persistentvolumes", "persistentvolume", &["pv"]),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "mutatingwebhookconfiguration", &[]),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "validatingwebhookconfiguration", &[]),
    ("apiextensions.k8s.io", "customresourcedefinitions", "customresourcedefinition", &["crd", "crds"]),
    ("apiregistration.k8s.io", "apiservices", "apiservice", &[]),
    ("authentication.k8s.io", "selfsubjectreviews", "selfsubjectreview", &[]),
    ("authentication.k8s.io", "tokenreviews", "tokenreview", &[]),
    ("authorization.k8s.io", "selfsubjectaccessreviews", "selfsubjectaccessreview", &[]),
    ("authorization.k8s.io", "selfsubjectrulesreviews", "selfsubjectrulesreview", &[]),
    ("authorization.k8s.io", "subjectaccessreviews", "subjectaccessreview", &[]),
    ("certificates.k8s.io", "certificatesigningrequests", "certificatesigningrequest", &["csr"]),
    ("networking.k8s.io", "ingressclasses", "ingressclass", &[]),
    ("node.k8s.io", "runtimeclasses", "runtimeclass", &[]),
    ("rbac.authorization.k8s.io", "clusterrolebindings", "clusterrolebinding", &[]),
    ("rbac.authorization.k8s.io", "clusterroles", "clusterrole", &[]),
    ("scheduling.k8s.io", "priorityclasses", "priorityclass", &["pc"]),
    ("storage.k8s.io", "csidrivers", "csidriver", &[]),
    ("storage.k8s.io", "csinodes", "csinode", &[]),
    ("storage.k8s.io", "storageclasses", "storageclass", &["sc"]),
    ("storage.k8s.io", "volumeattachments", "volumeattachment", &[]),
];

#[derive(Deserialize)]
struct RawGroups {
    kind: String,
    #[serde(default)]
    items: Vec<Object<RawGroup>>,
}

#[derive(Deserialize)]
struct RawGroup {
    metadata: Option<Object<RawName>>,
    #[serde(default)]
    versions: Vec<Object<RawVersion>>,
}

#[derive(Deserialize)]
struct RawName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct RawVersion {
    #[serde(default)]
    resources: Vec<Object<RawResource>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawResource {
    resource: String,
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    short_names: Vec<String>,
}

impl Resources {
    /// Those that every cluster has.
    pub fn known() -> Self {
        let resource = |(group, plural, singular, short): &Known, is_namespaced| Resource {
            group: (*group).to_owned(),
            plural: (*plural).to_owned(),
            singular: (*singular).to_owned(),
            short: short.iter().map(ToString::to_string).collect(),
            is_namespaced,
        };
        let namespaced = NAMESPACED.iter().map(|known| resource(known, true));
        Self(namespaced.chain(CLUSTER.iter().map(|known| resource(known, false))).collect())
    }

    /// Adds what an aggregated discovery document tells (kubernetes.io, "The Kubernetes
    /// API", "Discovery API"). The caller bounds it.
    ///
    /// # Errors
    /// [`ResourcesError`] if it is none.
    pub fn read(&mut self, document: &[u8]) -> Result<(), ResourcesError> {
        let malformed = |error: serde_json::Error| ResourcesError(excerpt(&error.to_string()).into());
        let Object(groups): Object<RawGroups> = serde_json::from_slice(document).map_err(malformed)?;
        if groups.kind != "APIGroupDiscoveryList" {
            return Err(ResourcesError(excerpt(&groups.kind).into()));
        }
        for Object(group) in groups.items {
            let name = group.metadata.map(|Object(meta)| meta.name).unwrap_or_default();
            for Object(resource) in group.versions.into_iter().flat_map(|Object(version)| version.resources) {
                self.0.push(Resource {
                    group: name.clone(),
                    plural: resource.resource,
                    singular: resource.singular_resource,
                    short: resource.short_names,
                    is_namespaced: resource.scope == "Namespaced",
                });
            }
        }
        Ok(())
    }

    /// The resource of a name, in any group or in one: by its plural, or else by its
    /// singular, or else by a short name.
    fn find(&self, name: &str, group: Option<&str>) -> Option<&Resource> {
        let name = name.to_ascii_lowercase();
        let named: [&dyn Fn(&Resource) -> bool; 3] =
            [&|resource| resource.plural == name, &|resource| resource.singular == name, &|resource| {
                resource.short.contains(&name)
            }];
        let of_group = |resource: &&Resource| group.is_none_or(|group| resource.group == group);
        named.into_iter().find_map(|named| self.0.iter().filter(of_group).find(|resource| named(resource)))
    }
}

/// What is asked, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    verb: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Path(String),
    Resource { resource: String, group: Option<String>, subresource: Option<String>, name: Option<String> },
}

/// Why words ask nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskedError {
    /// No verb, or a slash where a resource must be.
    #[error("`{}` is neither a resource, such as `pods/log` or `deployments.apps`, nor a path, such as `/healthz`", excerpt(.0))]
    Resource(String),
    /// A verb that is none.
    #[error("a verb is a word, such as `get`")]
    Verb,
    /// A path has no named objects.
    #[error("`{}` is a path, which has no object with a name", excerpt(.0))]
    NameOfPath(String),
}

impl Asked {
    /// Takes the words apart: a verb, `RESOURCE[.GROUP][/SUBRESOURCE]` or a path, and
    /// the name of an object.
    ///
    /// # Errors
    /// [`AskedError`] if they ask nothing.
    pub fn parse(verb: &str, what: &str, name: Option<&str>) -> Result<Self, AskedError> {
        if verb.is_empty() {
            return Err(AskedError::Verb);
        }
        if what.starts_with('/') {
            return match name {
                None => Ok(Self { verb: verb.to_owned(), what: What::Path(what.to_owned()) }),
                Some(_) => Err(AskedError::NameOfPath(what.to_owned())),
            };
        }
        let (resource, subresource) = match what.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (what, None),
        };
        let (resource, group) = match resource.split_once('.') {
            Some((resource, group)) => (resource, Some(without_version(group).to_owned())),
            None => (resource, None),
        };
        if resource.is_empty() || subresource.as_deref() == Some("") {
            return Err(AskedError::Resource(what.to_owned()));
        }
        let name = name.map(str::to_owned);
        Ok(Self {
            verb: verb.to_owned(),
            what: What::Resource { resource: resource.to_owned(), group, subresource, name },
        })
    }

    /// Whether it is about a resource that is among these, or about none of them.
    pub fn is_known(&self, resources: &Resources) -> bool {
        match &self.what {
            What::Path(_) => true,
            What::Resource { resource, group, .. } => {
                resource == "*" || resources.find(resource, group.as_deref()).is_some()
            }
        }
    }

    /// The request that it asks about. A resource that is not known stays as it was
    /// typed; one that lives in no namespace is not asked for in one.
    pub fn request(&self, resources: &Resources, namespace: Option<&str>) -> Request {
        let verb = self.verb.clone();
        let (resource, group, subresource, name) = match &self.what {
            What::Path(path) => return Request::Path { verb, path: path.clone() },
            What::Resource { resource, group, subresource, name } => (resource, group, subresource, name),
        };
        let found = resources.find(resource, group.as_deref());
        // A namespace as an object is asked for in itself, as kube-apiserver does.
        let is_namespace = found.is_some_and(|found| found.plural == "namespaces" && found.group.is_empty());
        let namespace = match found {
            Some(_) if is_namespace => name.clone(),
            Some(found) if !found.is_namespaced => None,
            _ => namespace.map(str::to_owned),
        };
        Request::Resource(ResourceRequest {
            verb,
            group: found.map_or_else(|| group.clone().unwrap_or_default(), |found| found.group.clone()),
            resource: found.map_or_else(|| resource.clone(), |found| found.plural.clone()),
            subresource: subresource.clone(),
            namespace,
            name: name.clone(),
        })
    }
}

/// The group of `deployments.v1.apps`, where kubectl allows a version before it.
fn without_version(group: &str) -> &str {
    match group.split_once('.') {
        Some((version, rest)) if is_version(version) => rest,
        None if is_version(group) => "",
        _ => group,
    }
}

/// Whether it looks like `v1` or `v2beta1`.
fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}
