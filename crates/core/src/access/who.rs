//! Who may do something.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::scene::principal;
use super::{Doubt, Name, Scene, Way};
use crate::authenticator::Deciding;
use crate::aws_auth::Section;
use crate::rbac::{Allowed, Chain, Request, Subject};

type FixedState = foldhash::fast::FixedState;

/// The group of everybody who has logged in, which kube-apiserver adds.
pub(super) const AUTHENTICATED: &str = "system:authenticated";

/// Who may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoCan<'a> {
    /// IAM principals, by the rows that let them in.
    pub principals: Vec<Holder<'a>>,
    /// Subjects that no row gives: other users and groups, and service accounts.
    pub subjects: Vec<Allowed<'a>>,
    /// What was not read and may let in others.
    pub doubts: Vec<Doubt<'a>>,
}

/// An IAM principal that may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder<'a> {
    /// An ARN, an account, or `sso/PARTITION/ACCOUNT/NAME`.
    pub principal: String,
    /// As whom it gets in.
    pub way: Way,
    /// What grants it.
    pub chains: Vec<Chain<'a>>,
    /// Why it is not certain; nothing if it is.
    pub doubt: Option<Doubt<'a>>,
}

/// The subjects that may do something, to be looked up.
struct Index<'s, 'a> {
    groups: HashMap<&'s str, &'s Allowed<'a>, FixedState>,
    usernames: HashMap<String, &'s Allowed<'a>, FixedState>,
    all: &'s [Allowed<'a>],
}

impl<'s, 'a> Index<'s, 'a> {
    fn new(all: &'s [Allowed<'a>]) -> Self {
        let mut index = Self { groups: HashMap::default(), usernames: HashMap::default(), all };
        for allowed in all {
            match (&allowed.subject, allowed.subject.username()) {
                (Subject::Group(group), _) => drop(index.groups.insert(group, allowed)),
                (_, Some(username)) => drop(index.usernames.insert(username.into_owned(), allowed)),
                (_, None) => {}
            }
        }
        index
    }

    /// The subjects that somebody is for sure; those it gets by its row come first.
    fn held(&self, way: &Way) -> Vec<&'s Allowed<'a>> {
        let username = way.username.known().and_then(|name| self.usernames.get(name));
        let groups = way.groups.iter().filter_map(Name::known).chain([AUTHENTICATED]);
        let mut held: Vec<&Allowed<'_>> = username.into_iter().copied().collect();
        for allowed in groups.filter_map(|group| self.groups.get(group).copied()) {
            if !held.iter().any(|other| core::ptr::eq(*other, allowed)) {
                held.push(allowed);
            }
        }
        held
    }

    fn perhaps_held(&self, way: &Way) -> Option<(&'s Allowed<'a>, String)> {
        if way.is_known() {
            return None;
        }
        self.all.iter().find_map(|allowed| Some((allowed, way.could_be(&allowed.subject)?.text().into_owned())))
    }
}

impl<'a> Scene<'a> {
    /// Who may do something. The group `system:masters` is always among the subjects
    /// unless a row gives it.
    pub fn who_can(&self, request: &Request) -> WhoCan<'a> {
        let answer = self.policy.who_can(request);
        let index = Index::new(&answer.allowed);
        let mut given: HashSet<&Subject, FixedState> = HashSet::default();
        let mut principals = Vec::new();
        for (name, ways) in self.everybody() {
            let held: Vec<_> = ways.iter().map(|way| way.as_ref().map(|way| index.held(way))).collect();
            for allowed in held.iter().flatten().flatten() {
                given.insert(&allowed.subject);
            }
            principals.extend(holder(&index, name, ways, &held));
        }
        principals.sort_unstable_by(|a, b| {
            (a.way.section, a.way.line, &a.principal).cmp(&(b.way.section, b.way.line, &b.principal))
        });
        let everybody = |subject: &Subject| matches!(subject, Subject::Group(group) if **group == *AUTHENTICATED);
        let subjects =
            answer.allowed.iter().filter(|allowed| everybody(&allowed.subject) || !given.contains(&allowed.subject));
        let doubts = self.doubts(None).into_iter().chain(answer.missing.into_iter().map(Doubt::Rbac)).collect();
        WhoCan { principals, subjects: subjects.cloned().collect(), doubts }
    }

    /// All principals and accounts that a row is about, as whom they get in.
    pub(super) fn everybody(&self) -> impl Iterator<Item = (String, Vec<Option<Way>>)> {
        let by_row = self.judge.principals().map(|who| (principal(who), self.ways(who, None)));
        let consulted = self.deciding != Deciding::NotConsulted;
        let accounts = self.judge.accounts().iter().filter(move |_| consulted).map(|account| {
            let username = Name::ArnIn(*account);
            let way = Way { section: Section::MapAccounts, line: None, username, groups: Vec::new() };
            (account.to_string(), [Some(way)].into())
        });
        by_row.chain(accounts).filter(|(_, ways)| ways.iter().any(Option::is_some))
    }
}

/// Somebody who may do it for sure, or perhaps.
fn holder<'s, 'a>(
    index: &Index<'s, 'a>,
    principal: String,
    ways: Vec<Option<Way>>,
    held: &[Option<Vec<&'s Allowed<'a>>>],
) -> Option<Holder<'a>> {
    let first = held.iter().position(|held| held.as_ref().is_some_and(|held| !held.is_empty()));
    let everywhere = held.iter().all(|held| held.as_ref().is_some_and(|held| !held.is_empty()));
    let mut ways = ways.into_iter().enumerate().filter_map(|(at, way)| Some((at, way?)));
    if let Some(first) = first {
        let (_, way) = ways.find(|(at, _)| *at == first)?;
        let allowed = held.get(first).cloned().flatten().unwrap_or_default();
        let chains = allowed.iter().flat_map(|allowed| allowed.chains.iter().cloned()).collect();
        let doubt = (!everywhere).then_some(Doubt::Authenticator);
        return Some(Holder { principal, way, chains, doubt });
    }
    ways.find_map(|(_, way)| {
        let (allowed, name) = index.perhaps_held(&way)?;
        let doubt = Some(Doubt::Pattern { name, subject: allowed.subject.clone() });
        Some(Holder { principal: principal.clone(), way, chains: allowed.chains.clone(), doubt })
    })
}
