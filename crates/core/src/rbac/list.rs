//! Lists of RBAC objects, read from kube-apiserver's JSON page by page.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use hashbrown::HashSet;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::binding::{Binding, RoleRef, Subject};
use super::reference::{RbacKind, RbacRef};
use super::rule::{Role, Rule};
use super::{API_VERSION, FixedState};
use crate::json::Object;
use crate::limits;
use crate::shown::{excerpt, printable};

/// The objects of one kind, as far as they were read.
#[derive(Debug, Clone)]
pub struct List {
    pub(super) kind: RbacKind,
    /// The only namespace that is listed, if it is not all of them.
    pub(super) namespace: Option<Arc<str>>,
    pub(super) roles: Vec<Role>,
    pub(super) bindings: Vec<Binding>,
    pub(super) problems: Vec<Problem>,
    /// Why it is not complete; nothing if it is.
    pub(super) unread: Option<Arc<str>>,
    /// Every text once: rules consist of few different ones.
    texts: HashSet<Arc<str>, FixedState>,
    /// Texts in rules and subjects, each time they are used.
    used: usize,
    /// Whether it holds an object of which nobody can tell which one it is.
    has_nameless: bool,
}

/// An object that Kubernetes, or we, can't take as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The object. Its name is empty if it can't be read.
    pub object: RbacRef,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is longer than [`limits::RBAC_OBJECT_BYTES`], and was not read.
    TooLarge,
    /// With it, the list would have more than [`limits::RBAC_LIST_TEXTS`]; it was not kept.
    NoRoom,
    /// It is not what Kubernetes calls an object of its kind, for this reason.
    Malformed(String),
    /// The binding gives something of this kind, which is no role. It gives nothing.
    RoleKind(String),
    /// A subject is of this kind, which nobody is.
    SubjectKind(String),
    /// The role that the binding gives does not exist. It gives nothing.
    Dangling(RbacRef),
}

impl Fault {
    /// Whether it is unknown what the object grants.
    pub fn hides(&self) -> bool {
        match self {
            Self::TooLarge | Self::NoRoom | Self::Malformed(_) => true,
            Self::RoleKind(_) | Self::SubjectKind(_) | Self::Dangling(_) => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "it is longer than {} bytes", limits::RBAC_OBJECT_BYTES),
            Self::NoRoom => write!(f, "the list has more than {} texts", limits::RBAC_LIST_TEXTS),
            Self::Malformed(why) => write!(f, "it can't be read: {}", excerpt(why)),
            Self::RoleKind(kind) => write!(f, "it gives a `{}`, which is no role", excerpt(kind)),
            Self::SubjectKind(kind) => write!(f, "nobody is a `{}`", excerpt(kind)),
            Self::Dangling(role) => write!(f, "{role}, which it gives, does not exist"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.fault)
    }
}

/// Why a page of a list can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It is no JSON, or not that of a list.
    #[error("the list can't be read: {0}")]
    Malformed(String),
    /// It is a list of something else.
    #[error("a {wanted} of {API_VERSION} was asked for, and `{found}` came")]
    Kind {
        /// The kind that was asked for.
        wanted: &'static str,
        /// The kind that came.
        found: String,
    },
}

impl List {
    /// A list of all objects of a kind, of which nothing has been read.
    pub fn of(kind: RbacKind) -> Self {
        Self {
            kind,
            namespace: None,
            roles: Vec::new(),
            bindings: Vec::new(),
            problems: Vec::new(),
            unread: Some("not all of it was asked for".into()),
            texts: HashSet::default(),
            used: 0,
            has_nameless: false,
        }
    }

    /// The same, of one namespace.
    pub fn in_namespace(kind: RbacKind, namespace: &str) -> Self {
        Self { namespace: Some(namespace.into()), ..Self::of(kind) }
    }

    /// The kind that is listed.
    pub fn kind(&self) -> RbacKind {
        self.kind
    }

    /// The only namespace that is listed; none are all of them.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// How many objects were read, those with problems included.
    pub fn len(&self) -> usize {
        self.roles.len() + self.bindings.len() + self.problems.len()
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bindings that were read.
    pub fn into_bindings(self) -> Vec<Binding> {
        self.bindings
    }

    /// What is wrong with objects of it. Whether roles exist is not looked at here.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Says why the rest of it can't be read. What was read stays.
    pub fn stop(&mut self, why: &str) {
        self.unread = Some(why.into());
    }

    /// Takes a page, as kube-apiserver writes it (`RoleList` and so on), and says
    /// where the next one begins; without one, the list is complete. An object that
    /// can't be read becomes a problem. The caller bounds the page.
    ///
    /// # Errors
    /// [`ListError`] if it is no page of such a list; nothing is taken then.
    pub fn read(&mut self, page: &[u8]) -> Result<Option<String>, ListError> {
        let malformed = |error: serde_json::Error| ListError::Malformed(excerpt(&error.to_string()).into());
        let Object(raw): Object<RawList<'_>> = serde_json::from_slice(page).map_err(malformed)?;
        let wanted = match self.kind {
            RbacKind::ClusterRole => "ClusterRoleList",
            RbacKind::Role => "RoleList",
            RbacKind::ClusterRoleBinding => "ClusterRoleBindingList",
            RbacKind::RoleBinding => "RoleBindingList",
        };
        if raw.kind != wanted || raw.api_version != API_VERSION {
            return Err(ListError::Kind { wanted, found: excerpt(&raw.kind).into() });
        }
        for item in raw.items.unwrap_or_default() {
            self.take(item.get());
        }
        let next = raw.metadata.and_then(|Object(meta)| meta.next).filter(|token| !token.is_empty());
        self.unread = match (&next, self.has_nameless) {
            (Some(_), _) => Some("its last pages were not read".into()),
            (None, true) => Some("it holds an object that can't be read, not even its name".into()),
            (None, false) => None,
        };
        Ok(next)
    }

    fn take(&mut self, item: &str) {
        let taken = match item.len() {
            0..=limits::RBAC_OBJECT_BYTES if self.kind.is_binding() => self.take_binding(item),
            0..=limits::RBAC_OBJECT_BYTES => self.take_role(item),
            _ => Err(Fault::TooLarge),
        };
        if let Err(fault) = taken {
            let named = serde_json::from_str::<Named<'_>>(item).ok().and_then(|named| named.metadata);
            let (namespace, name) = named.map(|meta| (meta.namespace, meta.name)).unwrap_or_default();
            let namespace = namespace.or_else(|| Some(Cow::Borrowed(self.namespace.as_deref()?)));
            let object = RbacRef {
                kind: self.kind,
                namespace: self.kind.is_namespaced().then(|| namespace.unwrap_or_default().into_owned()),
                name: name.unwrap_or_default().into_owned(),
            };
            self.has_nameless |= fault.hides() && (object.name.is_empty() || object.namespace.as_deref() == Some(""));
            self.problems.push(Problem { object, fault });
        }
    }

    fn take_role(&mut self, item: &str) -> Result<(), Fault> {
        let Object(raw): Object<RawRole<'_>> = serde_json::from_str(item).map_err(Fault::malformed)?;
        let rules = raw.rules.unwrap_or_default();
        self.make_room(rules.iter().map(|Object(rule)| rule.texts()).sum())?;
        let (namespace, name) = self.placed(&raw.metadata.0)?;
        let rules = rules.into_iter().map(|Object(rule)| self.rule(&rule)).collect();
        self.roles.push(Role { namespace, name, rules, is_aggregated: raw.aggregation_rule.is_some() });
        Ok(())
    }

    fn take_binding(&mut self, item: &str) -> Result<(), Fault> {
        let Object(raw): Object<RawBinding<'_>> = serde_json::from_str(item).map_err(Fault::malformed)?;
        let listed = raw.subjects.unwrap_or_default();
        self.make_room(listed.len())?;
        let (namespace, name) = self.placed(&raw.metadata.0)?;
        let Object(role) = raw.role_ref;
        let role = match &*role.kind {
            "ClusterRole" => RoleRef::ClusterRole(self.shared(&role.name)),
            "Role" => RoleRef::Role(self.shared(&role.name)),
            other => return Err(Fault::RoleKind(excerpt(other).into())),
        };
        let mut subjects = Vec::with_capacity(listed.len());
        let mut odd = None;
        for Object(subject) in &listed {
            match self.subject(subject, namespace.as_ref()) {
                Some(subject) => subjects.push(subject),
                None => odd = odd.or(Some(&subject.kind)),
            }
        }
        let binding = Binding { namespace, name, role, subjects };
        if let Some(kind) = odd {
            let fault = Fault::SubjectKind(excerpt(kind).into());
            self.problems.push(Problem { object: binding.reference(), fault });
        }
        self.bindings.push(binding);
        Ok(())
    }

    /// Kinds are compared with their letter case, as kube-apiserver does.
    fn subject(&mut self, subject: &RawSubject<'_>, namespace: Option<&Arc<str>>) -> Option<Subject> {
        let name = self.shared(&subject.name);
        match &*subject.kind {
            "Group" => Some(Subject::Group(name)),
            "User" => Some(Subject::User(name)),
            "ServiceAccount" => {
                let own = subject.namespace.as_deref().filter(|own| !own.is_empty());
                let namespace = match (own, namespace) {
                    (Some(own), _) => self.shared(own),
                    (None, Some(namespace)) => Arc::clone(namespace),
                    (None, None) => self.shared(""),
                };
                Some(Subject::ServiceAccount { namespace, name })
            }
            _ => None,
        }
    }

    fn rule(&mut self, raw: &RawRule<'_>) -> Rule {
        let mut texts = |list: &Texts<'_>| list.iter().flatten().map(|Text(text)| self.shared(text)).collect();
        Rule {
            verbs: texts(&raw.verbs),
            api_groups: texts(&raw.api_groups),
            resources: texts(&raw.resources),
            resource_names: texts(&raw.resource_names),
            non_resource_urls: texts(&raw.non_resource_urls),
        }
    }

    /// Namespace and name of an object, which must have what its kind has.
    fn placed(&mut self, meta: &Meta<'_>) -> Result<(Option<Arc<str>>, Arc<str>), Fault> {
        let given = |text: &Option<Cow<'_, str>>| text.as_deref().filter(|text| !text.is_empty()).map(String::from);
        let (namespace, name) = (given(&meta.namespace), given(&meta.name));
        let name = name.ok_or_else(|| Fault::Malformed("it has no name".into()))?;
        if namespace.is_some() != self.kind.is_namespaced() {
            return Err(Fault::Malformed("it has no namespace, or its kind has none".into()));
        }
        if self.namespace.is_some() && self.namespace.as_deref() != namespace.as_deref() {
            return Err(Fault::Malformed("it is of another namespace".into()));
        }
        Ok((namespace.map(|namespace| self.shared(&namespace)), self.shared(&name)))
    }

    fn make_room(&mut self, texts: usize) -> Result<(), Fault> {
        let used = self.used.saturating_add(texts);
        if used > limits::RBAC_LIST_TEXTS {
            return Err(Fault::NoRoom);
        }
        self.used = used;
        Ok(())
    }

    fn shared(&mut self, text: &str) -> Arc<str> {
        Arc::clone(self.texts.get_or_insert_with(text, |text| text.into()))
    }
}

impl Fault {
    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
    fn malformed(error: serde_json::Error) -> Self {
        Self::Malformed(printable(&error.to_string()).chars().take(limits::EXCERPT_CHARS).collect())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawList<'a> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    metadata: Option<Object<ListMeta>>,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
}

#[derive(Deserialize, Default)]
struct Meta<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    namespace: Option<Cow<'a, str>>,
}

/// Any object, as far as it takes to name it.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    metadata: Option<Meta<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRole<'a> {
    #[serde(borrow)]
    metadata: Object<Meta<'a>>,
    #[serde(borrow)]
    rules: Option<Vec<Object<RawRule<'a>>>>,
    aggregation_rule: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

type Texts<'a> = Option<Vec<Text<'a>>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRule<'a> {
    #[serde(borrow)]
    verbs: Texts<'a>,
    #[serde(borrow)]
    api_groups: Texts<'a>,
    #[serde(borrow)]
    resources: Texts<'a>,
    #[serde(borrow)]
    resource_names: Texts<'a>,
    #[serde(borrow, rename = "nonResourceURLs")]
    non_resource_urls: Texts<'a>,
}

impl RawRule<'_> {
    /// How many it has; a rule without any is not free either.
    fn texts(&self) -> usize {
        let lists = [&self.verbs, &self.api_groups, &self.resources, &self.resource_names, &self.non_resource_urls];
        lists.into_iter().flatten().map(Vec::len).sum::<usize>() + lists.len()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBinding<'a> {
    #[serde(borrow)]
    metadata: Object<Meta<'a>>,
    #[serde(borrow)]
    role_ref: Object<RawRoleRef<'a>>,
    #[serde(borrow)]
    subjects: Option<Vec<Object<RawSubject<'a>>>>,
}

#[derive(Deserialize)]
struct RawRoleRef<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct RawSubject<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Option<Cow<'a, str>>,
}
