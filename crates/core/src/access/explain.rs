//! What a principal may do, link by link.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::who::AUTHENTICATED;
use super::{Doubt, Name, Scene, Way};
use crate::arn::Arn;
use crate::authenticator::Who;
use crate::change::canonical;
use crate::listing::Listed;
use crate::rbac::{Binding, Bound, MASTERS, NotJudged, Policy, Requester, Subject, not_judged};

/// What a principal may do, and what is missing on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation<'a> {
    /// The principal as STS reports it of callers, a session taken for its role.
    pub canonical: String,
    /// All rows about it, whatever comes of them.
    pub rows: Vec<Listed>,
    /// As whom it gets in, under each authenticator that may decide; nothing where it
    /// does not.
    pub ways: Vec<Option<Way>>,
    /// What is bound to its names, for the first of the ways.
    pub links: Vec<GroupLink<'a>>,
    /// What is not known.
    pub doubts: Vec<Doubt<'a>>,
    /// What else may grant something, and is not judged here.
    pub not_judged: Vec<NotJudged>,
}

/// Where a name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The username of the row.
    Username,
    /// A group of the row.
    Group,
    /// A group that kube-apiserver adds.
    Added,
}

/// A name of a user, and what is bound to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLink<'a> {
    /// Where the name comes from.
    pub origin: Origin,
    /// The name.
    pub name: Name,
    /// The bindings that name it. For a name that only a login tells they are those
    /// that may.
    pub bound: Vec<Bound<'a>>,
}

impl GroupLink<'_> {
    /// Whether it needs no binding.
    pub fn is_masters(&self) -> bool {
        self.origin == Origin::Group && self.name.known() == Some(MASTERS)
    }
}

impl<'a> Scene<'a> {
    /// What a principal may do, link by link. `listed` are the rows of aws-auth.
    pub fn explain(&self, arn: &Arn, listed: Vec<Listed>) -> Explanation<'a> {
        let who = Who::of(arn);
        let ways = self.ways(who, Some(arn));
        let mut doubts = self.doubts(Some(who));
        if ways.len() > 1 {
            doubts.insert(0, Doubt::Authenticator);
        }
        let way = ways.iter().flatten().next();
        let links = way.map(|way| links(self.policy, way)).unwrap_or_default();
        let not_judged = not_judged(&way.map_or_else(Requester::anonymous, Way::requester));
        Explanation { canonical: canonical(arn).to_string(), rows: listed, ways, links, doubts, not_judged }
    }
}

fn links<'a>(policy: &'a Policy, way: &Way) -> Vec<GroupLink<'a>> {
    let username = (Origin::Username, way.username.clone());
    let groups = way.groups.iter().map(|group| (Origin::Group, group.clone()));
    let added = (Origin::Added, Name::Known(AUTHENTICATED.into()));
    let names = core::iter::once(username).chain(groups).chain([added]);
    names.map(|(origin, name)| GroupLink { bound: bound(policy, origin, &name), origin, name }).collect()
}

/// The bindings that name a user or a group, or may.
fn bound<'a>(policy: &'a Policy, origin: Origin, name: &Name) -> Vec<Bound<'a>> {
    if let Some(known) = name.known() {
        let requester = match origin {
            Origin::Username => Requester { username: known.into(), groups: Vec::new() },
            Origin::Group | Origin::Added => Requester { username: String::new(), groups: [known.into()].into() },
        };
        return policy.bound(&requester);
    }
    let could = |subject: &Subject| match (origin, subject) {
        (Origin::Username, Subject::Group(_)) => false,
        (Origin::Username, _) => subject.username().is_some_and(|username| name.could_be(&username)),
        (_, Subject::Group(group)) => name.could_be(group),
        (_, _) => false,
    };
    let of = |binding: &'a Binding| {
        let subject = binding.subjects.iter().find(|subject| could(subject))?;
        Some(Bound { binding, subject, role: policy.given(binding) })
    };
    policy.bindings().iter().filter_map(of).collect()
}
