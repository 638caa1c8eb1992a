//! Who is let in by one document, under each authenticator.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};

use super::who::is_alive;
use super::{Authenticator, Deciding, Mappings, Who};
use crate::arn::Arn;
use crate::aws_auth::{MappingRow, Principal, Section, SsoPermissionSet};
use crate::ids::AccountId;
use crate::yaml::Mark;

type FixedState = foldhash::fast::FixedState;

/// What somebody gets, as patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant<'a> {
    /// Section of the row.
    pub section: Section,
    /// Where the row begins; accounts have no place.
    pub mark: Option<Mark>,
    /// The username's pattern, unless the row has none or it depends on the
    /// authenticator. Without one kube-iam gives the canonical ARN, others give
    /// an empty username.
    pub username: Option<&'a str>,
    /// Patterns of the groups; only those that are sure, where rows or
    /// authenticators disagree.
    pub groups: Cow<'a, [String]>,
}

impl<'a> Grant<'a> {
    pub(crate) fn of(row: &'a MappingRow) -> Self {
        Self {
            section: row.section,
            mark: Some(row.mark),
            username: row.username.as_deref().filter(|text| !text.is_empty()),
            groups: Cow::Borrowed(&row.groups),
        }
    }

    /// What is sure when either of two grants may be given.
    fn and(self, other: &Self) -> Self {
        if self.username == other.username && self.groups == other.groups {
            return self;
        }
        let theirs: HashSet<&String, FixedState> = other.groups.iter().collect();
        let groups = self.groups.iter().filter(|group| theirs.contains(group)).cloned().collect();
        Self {
            username: self.username.filter(|name| Some(*name) == other.username),
            groups: Cow::Owned(groups),
            ..self
        }
    }
}

/// One row, whole or not.
#[derive(Debug, Clone, Copy)]
enum Line<'a> {
    Whole(&'a MappingRow),
    /// A row with a value of the wrong type. kube-iam drops it; the Go
    /// authenticator keeps it without that value, in place of earlier rows.
    Half(Section, &'a Principal),
}

/// Username and groups of a row.
type Rest<'a> = (Option<&'a str>, &'a [String]);

impl<'a> Line<'a> {
    fn section(self) -> Section {
        match self {
            Self::Whole(row) => row.section,
            Self::Half(section, _) => section,
        }
    }

    fn principal(self) -> &'a Principal {
        match self {
            Self::Whole(row) => &row.principal,
            Self::Half(_, principal) => principal,
        }
    }

    /// All of it but the place.
    fn content(self) -> (Section, &'a Principal, Option<Rest<'a>>) {
        let rest = match self {
            Self::Whole(row) => Some((row.username.as_deref(), row.groups.as_slice())),
            Self::Half(..) => None,
        };
        (self.section(), self.principal(), rest)
    }

    fn answer(self) -> Answer<'a> {
        match self {
            Self::Whole(row) => Answer::Row(Grant::of(row)),
            Self::Half(..) => Answer::Half,
        }
    }
}

/// The rows about somebody, in the order written. Hardly anybody has two.
#[derive(Debug, Clone)]
struct Lines<'a> {
    first: Line<'a>,
    more: Vec<Line<'a>>,
}

impl<'a> Lines<'a> {
    fn iter(&self) -> impl DoubleEndedIterator<Item = Line<'a>> + Clone {
        core::iter::once(self.first).chain(self.more.iter().copied())
    }
}

/// What the rows about somebody come to.
enum Answer<'a> {
    Nobody,
    /// A row matches whose user is not to be relied on.
    Half,
    Row(Grant<'a>),
}

/// One document, made ready to be asked. A section that can't be read lets
/// nobody in, nor does a row with a value of the wrong type: kube-iam may still
/// serve what it read before, but that is not in the document.
#[derive(Debug, Clone)]
pub struct Judge<'a> {
    lines: HashMap<Who<'a>, Lines<'a>, FixedState>,
    accounts: HashSet<AccountId, FixedState>,
    /// Permission sets whose role in some account has a row of its own.
    provisioned: HashSet<SsoPermissionSet, FixedState>,
}

impl<'a> Judge<'a> {
    /// Takes in a document; linear in its rows.
    pub fn new(mappings: &'a Mappings) -> Self {
        let rows = mappings.readable().map(|(_, rows)| rows.mappings.len()).sum();
        let lines = HashMap::with_capacity_and_hasher(rows, FixedState::default());
        let mut judge = Self { lines, accounts: HashSet::default(), provisioned: HashSet::default() };
        for (section, rows) in mappings.readable() {
            // Problems have places of their own: in the order of the text, the
            // last row of a principal is the one that counts.
            let whole = rows.mappings.iter().map(|row| (row.mark, Line::Whole(row)));
            let half = |(mark, principal)| (mark, Line::Half(section, principal));
            let halves = rows.problems.iter().filter_map(|p| Some(half((p.mark, p.principal.as_ref()?))));
            match rows.problems.is_empty() {
                true => whole.for_each(|(_, line)| judge.insert(line)),
                false => {
                    let mut lines: Vec<_> = whole.chain(halves).collect();
                    lines.sort_by_key(|(mark, _)| *mark);
                    lines.into_iter().for_each(|(_, line)| judge.insert(line));
                }
            }
            judge.accounts.extend(&rows.accounts);
        }
        judge
    }

    fn insert(&mut self, line: Line<'a>) {
        let who = Who::of_principal(line.principal());
        if let Line::Whole(_) = line {
            self.provisioned.extend(who.permission_set());
        }
        match self.lines.entry(who) {
            Entry::Occupied(mut lines) => lines.get_mut().more.push(line),
            Entry::Vacant(place) => {
                place.insert(Lines { first: line, more: Vec::new() });
            }
        }
    }

    /// What a principal gets, if let in. While it is unknown who decides: only
    /// what all three give.
    pub fn lets_in(&self, deciding: Deciding, principal: &Arn) -> Option<Grant<'a>> {
        self.grant(deciding, Who::of(principal))
    }

    pub(crate) fn grant(&self, deciding: Deciding, who: Who<'_>) -> Option<Grant<'a>> {
        match deciding {
            Deciding::Known(authenticator) => self.grant_under(authenticator, who),
            Deciding::Unknown => {
                // EKS gives what the Go program gives.
                let ours = self.grant_under(Authenticator::KubeIam, who)?;
                Some(ours.and(&self.grant_under(Authenticator::AwsIamAuthenticator, who)?))
            }
            Deciding::NotConsulted => None,
        }
    }

    fn grant_under(&self, authenticator: Authenticator, who: Who<'_>) -> Option<Grant<'a>> {
        let mut answer = self.answer(authenticator, who);
        if let (Answer::Nobody, Authenticator::KubeIam, Some(set)) = (&answer, authenticator, who.permission_set()) {
            answer = self.answer(authenticator, Who::Holders(&set));
        }
        match answer {
            Answer::Row(grant) => Some(grant),
            Answer::Half => None,
            Answer::Nobody => self.accounts.contains(&who.account()).then_some(Grant {
                section: Section::MapAccounts,
                mark: None,
                username: None,
                groups: Cow::Borrowed(&[]),
            }),
        }
    }

    /// The last row wins, rows of mapRoles before those of mapUsers.
    fn answer(&self, authenticator: Authenticator, who: Who<'_>) -> Answer<'a> {
        let Some(lines) = self.lines.get(&who) else { return Answer::Nobody };
        let reads = |line: &Line<'a>| {
            let whole = matches!(line, Line::Whole(_)) || authenticator != Authenticator::KubeIam;
            whole && is_alive(line.principal(), authenticator)
        };
        let last_first = lines.iter().rev().filter(reads);
        let mut users = last_first.clone().filter(|line| line.section() != Section::MapRoles);
        match (last_first.clone().find(|line| line.section() == Section::MapRoles), authenticator) {
            (Some(line), _) => line.answer(),
            (None, Authenticator::KubeIam) => users.next().map_or(Answer::Nobody, Line::answer),
            (None, Authenticator::AwsIamAuthenticator | Authenticator::Eks) => by_chance(users),
        }
    }

    /// Everybody whom a row is about, in no particular order.
    pub(crate) fn principals(&self) -> impl Iterator<Item = Who<'a>> {
        self.lines.keys().copied()
    }

    /// The whole rows about somebody, in the order written.
    pub(crate) fn rows<'s>(&'s self, who: Who<'s>) -> impl Iterator<Item = &'a MappingRow> + use<'s, 'a> {
        let whole = |line| match line {
            Line::Whole(row) => Some(row),
            Line::Half(..) => None,
        };
        self.lines.get(&who).into_iter().flat_map(Lines::iter).filter_map(whole)
    }

    /// Whether any row is about somebody, matching or not.
    pub(crate) fn mentions(&self, who: Who<'_>) -> bool {
        self.lines.contains_key(&who)
    }

    /// Whether another document says the same about somebody, wherever it says it.
    pub(crate) fn has_same_rows(&self, other: &Judge<'_>, who: Who<'_>) -> bool {
        let mine = self.lines.get(&who).into_iter().flat_map(Lines::iter);
        mine.map(Line::content).eq(other.lines.get(&who).into_iter().flat_map(Lines::iter).map(Line::content))
    }

    /// Whether a row about a permission set may reach nobody, because the role
    /// that was provisioned for it has a row of its own.
    pub(crate) fn is_overlaid(&self, who: Who<'_>) -> bool {
        matches!(who, Who::Holders(set) if self.provisioned.contains(set))
    }

    /// Whether a row can match callers at all.
    pub(crate) fn is_alive(row: &MappingRow, deciding: Deciding) -> bool {
        match deciding {
            Deciding::Known(authenticator) => is_alive(&row.principal, authenticator),
            Deciding::Unknown => Authenticator::ALL.into_iter().all(|one| is_alive(&row.principal, one)),
            Deciding::NotConsulted => false,
        }
    }

    pub(crate) fn accounts(&self) -> &HashSet<AccountId, FixedState> {
        &self.accounts
    }
}

/// The Go authenticator keeps users by their spelling and compares them without
/// regard to letter case: of several spellings any may answer.
fn by_chance<'a>(last_first: impl Iterator<Item = Line<'a>>) -> Answer<'a> {
    let mut spellings: HashSet<&Principal, FixedState> = HashSet::default();
    let mut answer = Answer::Nobody;
    for line in last_first.filter(|line| spellings.insert(line.principal())) {
        answer = match (answer, line.answer()) {
            (Answer::Nobody, first) => first,
            (Answer::Row(all), Answer::Row(grant)) => Answer::Row(all.and(&grant)),
            _ => Answer::Half,
        };
    }
    answer
}
