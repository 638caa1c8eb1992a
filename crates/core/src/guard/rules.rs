//! The rules by name, for help, docs and overrides.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use super::access::NODE_ROLE;
use crate::finding::{Finding, Severity};

/// One rule of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name, which findings carry and an override names. It never changes.
    pub id: &'static str,
    /// The most that a finding of it weighs.
    pub severity: Severity,
    /// What it finds, in one line.
    pub summary: &'static str,
    /// Why that matters.
    pub why: &'static str,
}

const fn rule_of(id: &'static str, severity: Severity, summary: &'static str, why: &'static str) -> Rule {
    Rule { id, severity, summary, why }
}

/// All rules, those that block first.
pub const RULES: &[Rule] = &[
    rule_of(
        "caller-loses-access",
        Severity::Block,
        "you would no longer be let in",
        "Whoever removes their own row can't put it back. kube-apiserver may honour the old answer for two more \
         minutes, so the loss shows only when the terminal with the old text is closed.",
    ),
    rule_of(
        "caller-loses-admin",
        Severity::Block,
        "you would no longer be an administrator",
        "A demoted administrator can't undo the demotion. A row for the creator of an EKS cluster does the same: it \
         takes the place of the rights that the creator has without any row.",
    ),
    rule_of(
        "caller-demoted-by-duplicate",
        Severity::Block,
        "another row about you hides the one that makes you an administrator",
        "Of several rows about one principal only the last counts, and their groups do not add up. A row that was \
         meant to add a group takes all others away.",
    ),
    rule_of(
        "last-admin",
        Severity::Block,
        "no administrator would be left",
        "Without a principal in `system:masters`, or in a group or under a username bound to `cluster-admin`, nobody \
         can repair aws-auth from inside the cluster. An administrator in the break-glass file of kube-iam counts.",
    ),
    rule_of(
        "admin-demoted-by-duplicate",
        Severity::Block,
        "another row hides the one that makes somebody an administrator",
        "Of several rows about one principal only the last counts, so a second row is no way to add a group. Whoever \
         is meant to lose rights is demoted in the row that gives them.",
    ),
    rule_of(
        NODE_ROLE,
        Severity::Block,
        "a node role that may have live nodes would lose its mapping, username or groups",
        "The kubelets of a role that is no longer mapped are turned away, and their nodes become NotReady with all \
         pods on them; under another username a kubelet may not touch its own node. Node groups may share a role, so \
         removing one group is no reason to remove the row. Where nodes or their roles can't be read, every node role \
         is taken to be in use.",
    ),
    rule_of(
        "section-unreadable",
        Severity::Block,
        "a section could no longer be read",
        "The Go authenticator and EKS treat a section with a syntax error as empty: everybody in it is out at once. \
         kube-iam keeps serving the rows it read before, but not for ever.",
    ),
    rule_of(
        "row-unreadable",
        Severity::Block,
        "a row could not be read",
        "kube-iam leaves such a row out. The Go authenticator keeps what it can read of one with a value of the wrong \
         type, so that it may give groups without a username, in place of an earlier row of the same principal. The \
         finding blocks where another authenticator than kube-iam may decide, and else warns.",
    ),
    rule_of(
        "only-kube-iam-matches",
        Severity::Block,
        "a row matches callers only where kube-iam decides",
        "AWS reports the caller's role without its path and without a permission set. The Go authenticator and EKS \
         compare rows literally, so such a row lets nobody in there. The finding blocks when the row stands for the \
         caller, the last administrator or a node role that would be locked out, and else warns.",
    ),
    rule_of(
        "grants-access",
        Severity::Warn,
        "a row that has no effect now would let somebody in",
        "A repair can be a grant: whoever a dead row names has had no access so far, and perhaps should not get any. \
         The same holds for a row that was hidden by another, and for a whole section that could not be read.",
    ),
    rule_of(
        "grants-masters",
        Severity::Warn,
        "somebody would newly be in `system:masters`",
        "Members of that group pass every authorization check, and no role or binding can take anything from them. A \
         group that is bound to `cluster-admin` does the same and can be unbound.",
    ),
    rule_of(
        "grants-admin",
        Severity::Warn,
        "somebody would newly be an administrator",
        "The row gives a group or username that a ClusterRoleBinding gives `cluster-admin`, or a pattern that may become \
         one at the login. It need not look like much: the name of the group says nothing about what it may do.",
    ),
    rule_of(
        "grants-account",
        Severity::Warn,
        "a whole account would be let in",
        "Everybody in the account who has credentials becomes an authenticated user, under the ARN as username. Every \
         binding to `system:authenticated` holds for them.",
    ),
    rule_of(
        "not-consulted",
        Severity::Warn,
        "nobody reads aws-auth in this cluster",
        "In authentication mode `API` EKS looks at access entries only. A change to aws-auth has no effect there.",
    ),
    rule_of(
        "unchecked",
        Severity::Note,
        "something could not be checked",
        "Without knowing who you are, it is not checked whether you lock yourself out. Without the bindings, only \
         `system:masters` counts as administrator. Without the nodes or their roles, every node role that loses its \
         mapping is taken for one in use. Without knowing which authenticator decides, a change is judged under each of \
         them, and the worst verdict stands. A file tells none of these. Silence means that all was checked.",
    ),
];

/// Why a name is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rule of the guard; known are {known}", known = Known)]
pub struct UnknownRule(pub String);

/// The names of all rules.
struct Known;

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rule) in RULES.iter().enumerate() {
            let before = if index == 0 { "" } else { ", " };
            write!(f, "{before}`{}`", rule.id)?;
        }
        Ok(())
    }
}

/// The rule of a name.
pub fn rule(id: &str) -> Result<&'static Rule, UnknownRule> {
    RULES.iter().find(|rule| rule.id == id).ok_or_else(|| UnknownRule(id.to_string()))
}

/// The findings that refuse a change, apart from those whose rule is named. A
/// name that is no rule is an error: a slip must not override anything.
pub fn blocked<'a>(findings: &'a [Finding], overrides: &[&str]) -> Result<Vec<&'a Finding>, UnknownRule> {
    overrides.iter().try_for_each(|id| rule(id).map(|_| ()))?;
    let refuses = |finding: &&Finding| finding.severity == Severity::Block && !overrides.contains(&finding.rule);
    Ok(findings.iter().filter(refuses).collect())
}
