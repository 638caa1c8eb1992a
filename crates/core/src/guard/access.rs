//! Who loses what: the caller, the last administrator, the nodes.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::standing::{NodeRights, Standing, could_be};
use super::text::{self, block, place};
use super::{Caller, Change, Lost};
use crate::authenticator::{Authenticator, Deciding, Grant, Judge, Who};
use crate::aws_auth::MappingRow;
use crate::finding::Finding;

/// The one rule that the roles of live nodes can decide.
pub(super) const NODE_ROLE: &str = "node-role";

const DUPLICATES: &str = "keep one row per principal; of several the last one wins";

/// What a change takes from the caller, under one view.
struct CallerLoss<'a> {
    who: Who<'a>,
    before: Option<Grant<'a>>,
    after: Option<Grant<'a>>,
    /// The row that would have kept it, if another one hides it.
    hidden: Option<&'a MappingRow>,
}

/// Whether the caller keeps what they have.
pub(super) fn caller<'a>(change: &Change<'a>, lost: &mut Lost<'a>) -> Option<Finding> {
    let caller = change.facts.caller.as_ref()?;
    let (mut under, mut first) = (Vec::new(), None);
    for &view in change.views() {
        let candidates = candidates(change, caller, view);
        if let Some(loss) = caller_loss(change, caller, view, &candidates) {
            candidates.into_iter().for_each(|who| lost.insert(who));
            under.push(view);
            first.get_or_insert(loss);
        }
    }
    first.map(|loss| caller_finding(&loss, text::under(change.facts.deciding, &under)))
}

/// Whom the caller may be: their ARN, or else everybody whose row could have
/// made the user that Kubernetes knows.
fn candidates<'a>(change: &Change<'a>, caller: &'a Caller, view: Deciding) -> Vec<Who<'a>> {
    let could = |who: &Who<'a>| change.before.grant(view, *who).is_some_and(|grant| could_be(&grant, caller));
    match &caller.arn {
        Some(arn) => vec![Who::of(arn)],
        None => change.before.principals().filter(could).collect(),
    }
}

fn caller_loss<'a>(
    change: &Change<'a>,
    caller: &Caller,
    view: Deciding,
    candidates: &[Who<'a>],
) -> Option<CallerLoss<'a>> {
    let standings = |who: &Who<'a>| {
        let (before, after) = (change.before.grant(view, *who), change.after.grant(view, *who));
        // A caller without a row gets in by another way, such as the creator of
        // an EKS cluster does. A row takes that way's place, an account doesn't.
        let another_way = before.is_none() && after.as_ref().is_none_or(|grant| grant.mark.is_none());
        match (another_way, &before) {
            (true, _) => (change.admins.of_caller(caller), change.admins.of_caller(caller)),
            (false, None) => (change.admins.of_caller(caller), change.admins.standing(after.as_ref())),
            (false, Some(_)) => (change.admins.standing(before.as_ref()), change.admins.standing(after.as_ref())),
        }
    };
    let before = candidates.iter().map(|who| standings(who).0).max()?;
    let after = candidates.iter().map(|who| standings(who).1).max()?;
    let who = *candidates.iter().find(|who| standings(who).0 == before)?;
    (after < before).then(|| CallerLoss {
        who,
        before: change.before.grant(view, who),
        after: change.after.grant(view, who),
        hidden: hidden(change, view, who, before),
    })
}

/// The row that would keep somebody's standing after the change, if none hid it.
fn hidden<'a>(change: &Change<'a>, view: Deciding, who: Who<'a>, before: Standing) -> Option<&'a MappingRow> {
    let rows = change.after.rows(who).filter(|row| Judge::is_alive(row, view));
    rows.filter(|row| change.admins.standing(Some(&Grant::of(row))) >= before).last()
}

fn caller_finding(loss: &CallerLoss<'_>, under: &str) -> Finding {
    let CallerLoss { who, before, after, hidden } = loss;
    let now = match before {
        Some(grant) => format!("now {} maps you", place(grant.section, grant.mark)),
        None => "now you get in without a row".to_string(),
    };
    let (rule, message, hint) = match (hidden, after) {
        (Some(hidden), _) => {
            let by = after.as_ref().map(|grant| place(grant.section, grant.mark));
            (
                "caller-demoted-by-duplicate",
                format!(
                    "you would lose rights: of the rows about {who}, {} hides {}{under}",
                    by.as_deref().unwrap_or("one that is only half read"),
                    place(hidden.section, Some(hidden.mark)),
                ),
                DUPLICATES,
            )
        }
        (None, None) => (
            "caller-loses-access",
            format!("you would be locked out: nothing would let {who} in any more{under}; {now}"),
            "keep a row for your own principal, or let somebody else make this change",
        ),
        (None, Some(_)) => (
            "caller-loses-admin",
            format!("you would no longer be an administrator as {who}{under}; {now}"),
            "keep your own groups, or let another administrator make this change",
        ),
    };
    let at = after.as_ref().map(|grant| (grant.section, grant.mark));
    block(rule, at, message, hint)
}

/// Whether an administrator is left.
pub(super) fn last_admin<'a>(change: &Change<'a>, lost: &mut Lost<'a>) -> Option<Finding> {
    let (mut under, mut first) = (Vec::new(), None);
    for &view in change.views() {
        if change.facts.break_glass && view == Deciding::Known(Authenticator::KubeIam) {
            continue;
        }
        let falls = |who: &Who<'a>| {
            let before = standing(change, &change.before, view, *who);
            before.is_admin() && standing(change, &change.after, view, *who) < before
        };
        let gone: Vec<_> = change.changed.iter().copied().filter(falls).collect();
        if gone.is_empty() || highest(change, &change.after, view) >= highest(change, &change.before, view) {
            continue;
        }
        gone.iter().for_each(|who| lost.insert(*who));
        under.push(view);
        first.get_or_insert_with(|| {
            let grant = |who: &Who<'a>| change.before.grant(view, *who).map(|grant| (grant.section, grant.mark));
            let mut places: Vec<_> = gone.iter().filter_map(|who| grant(who).map(|at| (at, *who))).collect();
            places.sort_by_key(|(at, _)| *at);
            places
        });
    }
    let gone = first?;
    let ((section, mark), who) = *gone.first()?;
    let last = match gone.len() {
        1 => format!("{who} is the last"),
        count => format!("{count} would go at once, {who} the first of them"),
    };
    let row = place(section, mark);
    let under = text::under(change.facts.deciding, &under);
    let known = if change.facts.admins.is_some() { "" } else { "; only `system:masters` could be taken into account" };
    Some(block(
        "last-admin",
        None,
        format!("no administrator would be left: {last}{under}; now {row} maps it{known}"),
        match change.facts.deciding {
            Deciding::Known(Authenticator::AwsIamAuthenticator) => "map another administrator first",
            Deciding::Known(Authenticator::Eks) => "map another administrator first, or give one an access entry",
            _ => "map another administrator first, or give kube-iam a break-glass file",
        },
    ))
}

/// Administrators whose row another one hides: nobody means that, even where
/// other administrators are left.
pub(super) fn hidden_admins<'a>(change: &Change<'a>, lost: &mut Lost<'a>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for &who in &change.changed {
        let (mut under, mut first) = (Vec::new(), None);
        for &view in change.views().iter().filter(|_| !lost.principals.contains(&who)) {
            let before = standing(change, &change.before, view, who);
            if !before.is_admin() || standing(change, &change.after, view, who) >= before {
                continue;
            }
            if let Some(row) = hidden(change, view, who, before) {
                under.push(view);
                first.get_or_insert((row, change.after.grant(view, who)));
            }
        }
        let Some((row, grant)) = first else { continue };
        lost.insert(who);
        let under = text::under(change.facts.deciding, &under);
        let at = grant.map(|grant| (grant.section, grant.mark));
        let by = at.map_or_else(|| String::from("one that is only half read"), |(section, mark)| place(section, mark));
        let row = place(row.section, Some(row.mark));
        let message = format!("{who} would no longer be an administrator: {by} hides {row}{under}");
        findings.push(block("admin-demoted-by-duplicate", at, message, DUPLICATES));
    }
    findings
}

/// What somebody is under a document.
fn standing(change: &Change<'_>, judge: &Judge<'_>, view: Deciding, who: Who<'_>) -> Standing {
    match change.admins.standing(judge.grant(view, who).as_ref()) {
        Standing::Admin if judge.is_overlaid(who) => Standing::PerhapsAdmin,
        standing => standing,
    }
}

/// The highest standing that anybody has.
fn highest(change: &Change<'_>, judge: &Judge<'_>, view: Deciding) -> Standing {
    let mut highest = Standing::Out;
    for who in judge.principals() {
        highest = highest.max(standing(change, judge, view, who));
        if highest == Standing::Admin {
            break;
        }
    }
    highest
}

/// Whether live nodes keep their role's rights. While the role of a node is
/// unknown it may be any.
pub(super) fn node_roles<'a>(change: &Change<'a>, lost: &mut Lost<'a>) -> Vec<Finding> {
    let nodes = change.facts.nodes.as_deref();
    let mut live: HashMap<Who<'a>, Vec<&'a str>, foldhash::fast::FixedState> = HashMap::default();
    for node in nodes.unwrap_or_default() {
        if let Some(role) = &node.role {
            live.entry(Who::of(role)).or_default().push(&node.name);
        }
    }
    let unknown = nodes.is_none_or(|nodes| nodes.iter().any(|node| node.role.is_none()));
    let suspects = change.changed.iter().copied().filter(|who| unknown && !live.contains_key(who));
    let concerned = live.iter().map(|(who, names)| (*who, names.as_slice())).chain(suspects.map(|who| (who, &[][..])));
    let mut findings = Vec::new();
    for (who, names) in concerned {
        if let Some(finding) = node_role(change, who, names) {
            lost.insert(who);
            findings.push(finding);
        }
    }
    findings
}

fn node_role(change: &Change<'_>, who: Who<'_>, names: &[&str]) -> Option<Finding> {
    let (mut under, mut first) = (Vec::new(), None);
    for &view in change.views() {
        let before = change.before.grant(view, who);
        let after = change.after.grant(view, who);
        let missing = NodeRights::of(before.as_ref()).without(NodeRights::of(after.as_ref()), names);
        if !missing.is_empty() {
            under.push(view);
            first.get_or_insert((missing, after));
        }
    }
    let (missing, after) = first?;
    let missing = if after.is_some() { missing.join(", ") } else { String::from("its mapping") };
    let nodes = match names.len() {
        0 => match change.facts.nodes.iter().flatten().filter(|node| node.role.is_none()).count() {
            0 => String::from("whether nodes run under it is not known"),
            1 => String::from("the role of a node is not known"),
            count => format!("the roles of {count} nodes are not known"),
        },
        1 => format!("a node runs under it: {}", text::list(names)),
        count => format!("{count} nodes run under it: {}", text::list(names)),
    };
    let under = text::under(change.facts.deciding, &under);
    let at = after.map(|grant| (grant.section, grant.mark));
    let message = format!("node role {who} would lose {missing}{under}, and {nodes}");
    Some(block(NODE_ROLE, at, message, "remove the nodes first; they can't reach the API server without it"))
}
