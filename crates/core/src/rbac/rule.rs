//! Roles and their rules.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::reference::{RbacKind, RbacRef};
use super::request::{Request, ResourceRequest, text};

/// A ClusterRole, or a Role of some namespace. Its texts are shared with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Where it lives; a ClusterRole lives nowhere.
    pub namespace: Option<Arc<str>>,
    /// Its name.
    pub name: Arc<str>,
    /// What it allows.
    pub rules: Vec<Rule>,
    /// Whether a controller writes the rules, out of those of other ClusterRoles.
    pub is_aggregated: bool,
}

impl Role {
    /// What it is called.
    pub fn reference(&self) -> RbacRef {
        RbacRef {
            kind: if self.namespace.is_some() { RbacKind::Role } else { RbacKind::ClusterRole },
            namespace: self.namespace.as_deref().map(String::from),
            name: String::from(&*self.name),
        }
    }

    pub(super) fn key(&self) -> (Option<&str>, &str) {
        (self.namespace.as_deref(), &self.name)
    }
}

/// A rule of a role. A request is allowed if all that the rule says of it fits; `*` as
/// verb, API group, resource or path fits all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Rule {
    /// Verbs.
    pub verbs: Vec<Arc<str>>,
    /// API groups; empty text is the core group.
    pub api_groups: Vec<Arc<str>>,
    /// Resources: `pods`, `pods/log`, or `*/log` for this subresource of any resource.
    pub resources: Vec<Arc<str>>,
    /// Names of objects; without any, all objects.
    pub resource_names: Vec<Arc<str>>,
    /// Paths that are no object's; one with a `*` at its end fits whatever begins so.
    /// Only a ClusterRoleBinding gives them.
    pub non_resource_urls: Vec<Arc<str>>,
}

impl Rule {
    /// Whether it allows a request, in a namespace where it holds.
    pub fn allows(&self, request: &Request) -> bool {
        match request {
            Request::Resource(asked) => {
                fits(&self.verbs, &asked.verb)
                    && fits(&self.api_groups, &asked.group)
                    && self.resources.iter().any(|resource| resource_fits(resource, asked))
                    && self.name_fits(text(asked.name.as_ref()))
            }
            Request::Path { verb, path } => {
                fits(&self.verbs, verb) && self.non_resource_urls.iter().any(|url| path_fits(url, path))
            }
        }
    }

    /// A request without a name, such as a list, fits no list of names. (Unless it holds
    /// an empty one, which kube-apiserver does not prevent.)
    fn name_fits(&self, name: &str) -> bool {
        self.resource_names.is_empty() || self.resource_names.iter().any(|allowed| **allowed == *name)
    }
}

const ALL: &str = "*";

fn fits(allowed: &[Arc<str>], asked: &str) -> bool {
    allowed.iter().any(|text| **text == *ALL || **text == *asked)
}

fn resource_fits(allowed: &str, asked: &ResourceRequest) -> bool {
    let subresource = text(asked.subresource.as_ref());
    let exactly = match subresource {
        "" => allowed == asked.resource,
        _ => allowed.strip_prefix(asked.resource.as_str()).and_then(|rest| rest.strip_prefix('/')) == Some(subresource),
    };
    allowed == ALL || exactly || !subresource.is_empty() && allowed.strip_prefix("*/") == Some(subresource)
}

/// Any number of `*` at the end are as good as one.
fn path_fits(allowed: &str, path: &str) -> bool {
    allowed == path || allowed.ends_with('*') && path.starts_with(allowed.trim_end_matches('*'))
}
