//! The lock-out guard: what a change to aws-auth takes away, and from whom.
//!
//! Only what gets worse counts. A document without an administrator may be
//! edited freely; one that loses its last administrator may not. While it is
//! unknown which authenticator decides, a change is judged under each of them
//! and under what all of them agree on, and the worst verdict stands.

mod access;
mod grants;
mod rules;
mod standing;
mod text;

pub use rules::{RULES, Rule, UnknownRule, blocked, rule};

use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::HashSet;

use crate::arn::Arn;
use crate::authenticator::{Authenticator, Deciding, Judge, Mappings, Who};
use crate::aws_auth::{MappingRow, Principal, Rows, Section, SsoPermissionSet};
use crate::finding::Finding;
use standing::Administrators;

/// What is known about the cluster and about who asks for the change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Who makes the change; nothing if nobody could tell.
    pub caller: Option<Caller>,
    /// Who is bound to `cluster-admin`; nothing if it could not be read.
    pub admins: Option<Admins>,
    /// The nodes that are there; nothing if they could not be read.
    pub nodes: Option<Vec<LiveNode>>,
    /// Which authenticator decides.
    pub deciding: Deciding,
    /// Whether kube-iam's break-glass file names an administrator.
    pub break_glass: bool,
}

/// Who makes a change, as AWS and as Kubernetes know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The ARN as STS reports it, if the caller is an IAM principal.
    pub arn: Option<Arn>,
    /// The username of the SelfSubjectReview.
    pub username: String,
    /// Its groups.
    pub groups: Vec<String>,
}

/// Subjects of ClusterRoleBindings to `cluster-admin`. The group
/// `system:masters` counts whether it is listed or not: kube-apiserver lets it
/// do everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admins {
    /// Groups.
    pub groups: Vec<String>,
    /// Usernames.
    pub usernames: Vec<String>,
}

/// A Node object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveNode {
    /// Its name.
    pub name: String,
    /// The role that its instance runs under, if that could be found out.
    pub role: Option<Arn>,
}

type FixedSet<T> = HashSet<T, foldhash::fast::FixedState>;

/// A change under judgement.
struct Change<'a> {
    before: Judge<'a>,
    after: Judge<'a>,
    texts: (&'a Mappings, &'a Mappings),
    facts: &'a Facts,
    admins: Administrators<'a>,
    /// Principals whose rows are others than before: nobody else's rights
    /// change, apart from those that accounts give.
    changed: Vec<Who<'a>>,
}

/// Principals that a change locks out.
#[derive(Default)]
struct Lost<'a> {
    principals: FixedSet<Who<'a>>,
    permission_sets: FixedSet<SsoPermissionSet>,
}

impl<'a> Lost<'a> {
    fn insert(&mut self, who: Who<'a>) {
        self.permission_sets.extend(who.permission_set());
        self.principals.insert(who);
    }

    /// Whether a row is about one of them.
    fn concerns(&self, principal: &Principal) -> bool {
        let set = matches!(principal, Principal::Sso(set) if self.permission_sets.contains(set));
        set || self.principals.contains(&Who::of_principal(principal))
    }
}

impl<'a> Change<'a> {
    fn new(old: &'a Mappings, new: &'a Mappings, facts: &'a Facts) -> Self {
        let (before, after) = (Judge::new(old), Judge::new(new));
        let mut changed: Vec<Who<'a>> = Vec::new();
        for section in [Section::MapRoles, Section::MapUsers] {
            changed.extend(differing(old.section(section).as_ref().ok(), new.section(section).as_ref().ok()));
        }
        // A row that merely moved changes nothing.
        let mut seen: FixedSet<Who<'a>> = FixedSet::default();
        changed.retain(|who| seen.insert(*who) && !before.has_same_rows(&after, *who));
        let admins = Administrators::new(facts.admins.as_ref());
        Self { before, after, texts: (old, new), facts, admins, changed }
    }

    /// The views to judge under. EKS is taken to read as the Go program does.
    fn views(&self) -> &'static [Deciding] {
        const OURS: Deciding = Deciding::Known(Authenticator::KubeIam);
        const GO: Deciding = Deciding::Known(Authenticator::AwsIamAuthenticator);
        match self.facts.deciding {
            Deciding::Known(Authenticator::KubeIam) => &[OURS],
            Deciding::Known(Authenticator::AwsIamAuthenticator | Authenticator::Eks) => &[GO],
            Deciding::Unknown => &[OURS, GO, Deciding::Unknown],
            Deciding::NotConsulted => &[],
        }
    }

    /// Whether another authenticator than kube-iam may decide.
    fn others_may_decide(&self) -> bool {
        self.facts.deciding != Deciding::Known(Authenticator::KubeIam)
    }
}

/// Principals of the rows that two texts do not share: nearly all rows stand in
/// the same order in both, before and behind the place that was changed.
fn differing<'a>(old: Option<&'a Rows>, new: Option<&'a Rows>) -> impl Iterator<Item = Who<'a>> {
    let problems = |rows: Option<&'a Rows>| rows.map(|rows| rows.problems.as_slice()).unwrap_or_default();
    let (old_problems, new_problems) = (problems(old), problems(new));
    let unread = old_problems.iter().chain(new_problems).filter_map(|problem| problem.principal.as_ref());
    let rows = |rows: Option<&'a Rows>| rows.map(|rows| rows.mappings.as_slice()).unwrap_or_default();
    let (old, new) = (rows(old), rows(new));
    let same = |(a, b): &(&MappingRow, &MappingRow)| {
        a.principal == b.principal && a.username == b.username && a.groups == b.groups
    };
    let head = old.iter().zip(new).take_while(same).count();
    let (old, new) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let middle = move |rows: &'a [MappingRow]| rows.iter().take(rows.len() - tail).map(|row| &row.principal);
    middle(old).chain(middle(new)).chain(unread).map(Who::of_principal)
}

/// Judges a change. The findings come in a fixed order, blocks first; marks are
/// places in the document after the change.
pub fn assess(before: &Mappings, after: &Mappings, facts: &Facts) -> Vec<Finding> {
    if facts.deciding == Deciding::NotConsulted {
        return Vec::from([text::not_consulted()]);
    }
    let change = Change::new(before, after, facts);
    let (mut findings, mut lost) = (Vec::new(), Lost::default());
    findings.extend(access::caller(&change, &mut lost));
    findings.extend(access::last_admin(&change, &mut lost));
    findings.extend(access::hidden_admins(&change, &mut lost));
    findings.extend(access::node_roles(&change, &mut lost));
    findings.extend(grants::unreadable_sections(&change));
    findings.extend(grants::unreadable_rows(&change));
    findings.extend(grants::only_kube_iam_rows(&change, &lost));
    findings.extend(grants::granted(&change));
    findings.extend(grants::accounts(&change));
    findings.extend(text::unchecked(facts));
    findings.sort_by_key(|finding| (finding.severity, finding.section, finding.mark));
    findings
}

/// Whether a verdict may be another one as soon as the roles of nodes are known.
pub fn hangs_on_roles(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.rule == access::NODE_ROLE)
}

#[cfg(test)]
mod tests;
