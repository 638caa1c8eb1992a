//! What every principal may do, in the cluster and in each namespace.

use alloc::borrow::ToOwned as _;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use super::scene::principal;
use super::who::AUTHENTICATED;
use super::{Doubt, Name, Scene, Way};
use crate::arn::Arn;
use crate::authenticator::Who;
use crate::aws_auth::Section;
use crate::rbac::{Bound, CLUSTER_ADMIN, Given, MASTERS, RbacKind, Requester, RoleRef};

/// What everybody may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights<'a> {
    /// A line for each principal and place.
    pub rights: Vec<Right>,
    /// What is not known.
    pub doubts: Vec<Doubt<'a>>,
}

/// What a principal may do in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// An ARN, an account, `sso/PARTITION/ACCOUNT/NAME`, or `system:authenticated` for
    /// everybody who gets in.
    pub principal: String,
    /// The section of the row that lets it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<Section>,
    /// The line in the section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The username, or its pattern.
    pub username: String,
    /// The groups, or their patterns.
    pub groups: Vec<String>,
    /// The namespace; nothing for the whole cluster.
    pub namespace: Option<String>,
    /// The roles that are bound, as `clusterrole/view` or `role/reader`; one that does
    /// not exist has `(missing)` behind it, one that was not read `(unread)`.
    pub roles: Vec<String>,
    /// In one word, by the names of these roles: `masters`, `cluster-admin`, `admin`,
    /// `edit`, `view`, `custom`, or `nothing`; with `+custom` if there are others
    /// beside, with `?` if not all is known.
    pub access: String,
}

/// The roles that Kubernetes brings for people, most powerful first (kubernetes.io,
/// Using RBAC Authorization, "User-facing roles").
const WELL_KNOWN: [&str; 4] = [CLUSTER_ADMIN, "admin", "edit", "view"];

/// What is bound in one place.
#[derive(Default)]
struct Place {
    roles: BTreeSet<String>,
    well_known: Option<usize>,
    has_custom: bool,
    is_masters: bool,
    is_uncertain: bool,
}

impl Place {
    fn take(&mut self, bound: &Bound<'_>) {
        let reference = bound.binding.role_reference();
        let name = alloc::format!("{}/{}", reference.kind.name().to_ascii_lowercase(), reference.name);
        match bound.role {
            Given::Dangling => drop(self.roles.insert(name + " (missing)")),
            Given::Unread(_) => {
                self.is_uncertain = true;
                self.roles.insert(name + " (unread)");
            }
            Given::Found(_) => drop(self.roles.insert(name)),
        }
        let known = match &bound.binding.role {
            RoleRef::ClusterRole(name) => WELL_KNOWN.iter().position(|known| **known == **name),
            RoleRef::Role(_) => None,
        };
        match (bound.role, known) {
            (Given::Dangling, _) => {}
            (_, Some(rank)) => self.well_known = Some(self.well_known.map_or(rank, |best| best.min(rank))),
            (_, None) => self.has_custom = true,
        }
    }

    fn access(&self) -> String {
        let known = self.well_known.and_then(|rank| WELL_KNOWN.get(rank)).copied();
        let mut word = match (self.is_masters, known, self.has_custom) {
            (true, ..) => "masters".to_owned(),
            (_, Some(known), true) => alloc::format!("{known}+custom"),
            (_, Some(known), false) => known.to_owned(),
            (_, None, true) => "custom".to_owned(),
            (_, None, false) => "nothing".to_owned(),
        };
        if self.is_uncertain {
            word.push('?');
        }
        word
    }
}

impl<'a> Scene<'a> {
    /// What every principal may do, or one, in the cluster and each namespace, or one of
    /// them. What everybody who gets in may do has lines of its own.
    pub fn list(&self, only: Option<&Arn>, namespace: Option<&str>) -> Rights<'a> {
        let one = only.map(|arn| (principal(Who::of(arn)), self.ways(Who::of(arn), Some(arn))));
        let all = one.is_none().then(|| self.everybody()).into_iter().flatten();
        let mut everybody: Vec<_> = one.into_iter().chain(all).collect();
        everybody.sort_by_cached_key(|(principal, ways)| {
            let place = ways.iter().flatten().next().map(|way| (way.section, way.line));
            (place, principal.clone())
        });
        let mut rights: Vec<Right> = Vec::new();
        for (principal, ways) in everybody {
            rights.extend(self.rights(&principal, &ways));
        }
        let added = Way {
            section: Section::MapRoles,
            line: None,
            username: Name::Known(String::new()),
            groups: [Name::Known(AUTHENTICATED.into())].into(),
        };
        let added = self.rights_of(AUTHENTICATED, &added, false).into_iter();
        rights.extend(added.map(|right| Right { section: None, ..right }).filter(|right| right.access != "nothing"));
        rights.retain(|right| {
            namespace.is_none() || right.namespace.is_none() || right.namespace.as_deref() == namespace
        });
        let unread = [RbacKind::ClusterRoleBinding, RbacKind::RoleBinding];
        let unread = unread.into_iter().filter_map(|kind| {
            let namespace = namespace.filter(|_| kind.is_namespaced());
            let why = self.policy.unread(kind, namespace)?;
            Some(Doubt::Rbac(crate::rbac::Missing::Bindings { kind, namespace: namespace.map(String::from), why }))
        });
        let doubts = self.doubts(only.map(Who::of)).into_iter().chain(unread).collect();
        Rights { rights, doubts }
    }

    fn rights(&self, principal: &str, ways: &[Option<Way>]) -> Vec<Right> {
        let Some(way) = ways.iter().flatten().next() else { return Vec::new() };
        self.rights_of(principal, way, ways.len() > 1 || !way.is_known())
    }

    fn rights_of(&self, principal: &str, way: &Way, is_uncertain: bool) -> Vec<Right> {
        let mut requester: Requester = way.requester();
        if principal != AUTHENTICATED {
            requester.groups.retain(|group| group != AUTHENTICATED);
        }
        let mut places: BTreeMap<Option<&str>, Place> = BTreeMap::new();
        if requester.groups.iter().any(|group| group == MASTERS) {
            places.entry(None).or_default().is_masters = true;
        }
        let bound = self.policy.bound(&requester);
        for bound in &bound {
            places.entry(bound.binding.namespace.as_deref()).or_default().take(bound);
        }
        if places.is_empty() {
            places.insert(None, Place::default());
        }
        let unread = |namespace: Option<&str>| {
            self.policy.unread(RbacKind::ClusterRoleBinding, None).is_some()
                || namespace.is_some() && self.policy.unread(RbacKind::RoleBinding, namespace).is_some()
        };
        let no_room = self.policy.unread(RbacKind::RoleBinding, None).is_some();
        let right = |(namespace, mut place): (Option<&str>, Place)| {
            let is_nothing = place.roles.is_empty() && !place.is_masters;
            place.is_uncertain |= !place.is_masters && unread(namespace) || is_uncertain || is_nothing && no_room;
            Right {
                principal: principal.into(),
                section: Some(way.section),
                line: way.line,
                username: way.username.text().into_owned(),
                groups: way.groups.iter().map(|group| group.text().into_owned()).collect(),
                namespace: namespace.map(ToString::to_string),
                access: place.access(),
                roles: place.roles.into_iter().collect(),
            }
        };
        places.into_iter().map(right).collect()
    }
}
