//! Whether a principal may do something.

use alloc::vec::Vec;

use super::{Doubt, Scene, Way};
use crate::arn::Arn;
use crate::authenticator::Who;
use crate::rbac::{Answer, Chain, NotJudged, Request, Requester, not_judged};

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is granted.
    Yes,
    /// Nothing grants it, and all that could is known.
    No,
    /// Nothing that is known grants it for sure, but something may.
    Unknown,
}

impl Verdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether a principal may do something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanI<'a> {
    /// The answer.
    pub verdict: Verdict,
    /// As whom the principal gets in, under each authenticator that may decide; nothing
    /// where it does not.
    pub ways: Vec<Option<Way>>,
    /// What grants it, if the answer is yes.
    pub chains: Vec<Chain<'a>>,
    /// Why the answer is unknown.
    pub doubts: Vec<Doubt<'a>>,
    /// What else may grant it, and is not judged here.
    pub not_judged: Vec<NotJudged>,
}

/// What one way of getting in comes to.
struct Judged<'a> {
    verdict: Verdict,
    chains: Vec<Chain<'a>>,
    doubts: Vec<Doubt<'a>>,
}

impl<'a> Scene<'a> {
    /// Whether a principal may do something. The ARN may be that of a session: its name
    /// is then taken for what it is, and else may be any.
    pub fn can_i(&self, arn: &Arn, request: &Request) -> CanI<'a> {
        let who = Who::of(arn);
        let ways = self.ways(who, Some(arn));
        let judged: Vec<_> = ways.iter().map(|way| self.judged(who, way.as_ref(), request)).collect();
        let (mut chains, mut doubts) = (Vec::new(), Vec::new());
        let all = |wanted| judged.iter().all(|one| one.verdict == wanted);
        let verdict = match (all(Verdict::Yes), all(Verdict::No)) {
            (true, _) => Verdict::Yes,
            (_, true) => Verdict::No,
            (false, false) => Verdict::Unknown,
        };
        if verdict == Verdict::Unknown && judged.iter().any(|one| one.verdict != Verdict::Unknown) {
            doubts.push(Doubt::Authenticator);
        }
        for one in judged {
            doubts.extend(one.doubts);
            match verdict {
                Verdict::Yes if chains.is_empty() => chains = one.chains,
                _ => {}
            }
        }
        let mut once: Vec<Doubt<'a>> = Vec::with_capacity(doubts.len());
        doubts.into_iter().for_each(|doubt| {
            if !once.contains(&doubt) {
                once.push(doubt);
            }
        });
        let requester = ways.iter().flatten().next().map(Way::requester);
        let not_judged = not_judged(&requester.unwrap_or_else(Requester::anonymous));
        CanI { verdict, ways, chains, doubts: once, not_judged }
    }

    fn judged(&self, who: Who<'_>, way: Option<&Way>, request: &Request) -> Judged<'a> {
        let mut doubts = self.doubts(Some(who));
        if let Some(way) = way {
            match self.policy.can(&way.requester(), request) {
                Answer::Granted(chains) => return Judged { verdict: Verdict::Yes, chains, doubts: Vec::new() },
                Answer::Unknown(missing) => doubts.extend(missing.into_iter().map(Doubt::Rbac)),
                Answer::NotGranted => {}
            }
            if !way.is_known() {
                doubts.extend(self.policy.who_can(request).allowed.into_iter().filter_map(|allowed| {
                    let name = way.could_be(&allowed.subject)?;
                    Some(Doubt::Pattern { name: name.text().into_owned(), subject: allowed.subject })
                }));
            }
        }
        let verdict = if doubts.is_empty() { Verdict::No } else { Verdict::Unknown };
        Judged { verdict, chains: Vec::new(), doubts }
    }
}
