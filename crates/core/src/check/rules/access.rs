//! Rules about what rows give, and whom they forget.

use super::Rule;
use crate::finding::Severity;

pub(in crate::check) const SYSTEM_MASTERS: Rule = Rule {
    id: "system-masters",
    severity: Severity::Warn,
    summary: "a row gives `system:masters`",
    why: "Members of this group may do everything, whatever roles and bindings say; no binding can be removed to take it \
          back. The hardened policy refuses it.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Admin
    username: admin
    groups: [system:masters]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Admin
    username: admin
    groups: [administrators]
",
    repair: "Bind a group of your own to the ClusterRole `cluster-admin`, and keep `system:masters` for the break-glass \
             list.",
};

pub(in crate::check) const UNBOUND_GROUP: Rule = Rule {
    id: "unbound-group",
    severity: Severity::Warn,
    summary: "a group that no binding names",
    why: "It gives nothing: perhaps it is misspelt, or its binding was never made.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [taem]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Mend the name or create a RoleBinding or ClusterRoleBinding for it.",
};

pub(in crate::check) const ACCOUNT_WIDE: Rule = Rule {
    id: "account-wide",
    severity: Severity::Warn,
    summary: "`mapAccounts` lets a whole account in",
    why: "Every user and role of the account is let in under its ARN, without groups. It hides mistakes: whoever has a \
          row that does not match gets in all the same, without the groups of the row. And it hides the rows of \
          backends that are asked later.",
    before: "
mapRoles: |
  []
mapAccounts: |
  - \"444455556666\"
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::444455556666:role/Dev
    username: dev
    groups: [team]
",
    repair: "Map the roles that need access.",
};

pub(in crate::check) const FOREIGN_PARTITION: Rule = Rule {
    id: "foreign-partition",
    severity: Severity::Warn,
    summary: "a principal of another partition than the cluster's",
    why: "Credentials of one partition (`aws`, `aws-cn`, `aws-us-gov` …) are not valid in another. Such a caller is \
          refused before any row is looked at.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
  - rolearn: arn:aws-cn:iam::111122223333:role/Ops
    username: ops
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
  - rolearn: arn:aws:iam::111122223333:role/Ops
    username: ops
    groups: [team]
",
    repair: "Write the cluster's own partition, or remove the row.",
};

pub(in crate::check) const FOREIGN_ACCOUNT: Rule = Rule {
    id: "foreign-account",
    severity: Severity::Note,
    summary: "a principal of another account than the cluster's",
    why: "It works, and it may be meant. The administrators of that account decide who may assume the role.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::444455556666:role/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Nothing, if it is meant.",
};

pub(in crate::check) const NODE_ROW: Rule = Rule {
    id: "node-row",
    severity: Severity::Warn,
    summary: "a row for nodes that lacks a group or the username of nodes",
    why: "A node needs a username that begins with `system:node:` and the groups `system:bootstrappers` and \
          `system:nodes`. Without one of them it can't join or is not obeyed.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Node
    username: system:node:{{EC2PrivateDNSName}}
    groups: [system:nodes]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Node
    username: system:node:{{EC2PrivateDNSName}}
    groups: [system:bootstrappers, system:nodes]
",
    repair: "Add what is missing. Windows nodes also need `eks:kube-proxy-windows`.",
};

pub(in crate::check) const NODE_ROLE_MISSING: Rule = Rule {
    id: "node-role-missing",
    severity: Severity::Block,
    summary: "no row lets the role of running nodes in",
    why: "The nodes can't renew their session: they become NotReady within minutes, and new ones never join.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Node
    username: system:node:{{EC2PrivateDNSName}}
    groups: [system:bootstrappers, system:nodes]
",
    repair: "Add the row of the example with the role's ARN, without path.",
};

pub(in crate::check) const CALLER_LOCKED_OUT: Rule = Rule {
    id: "caller-locked-out",
    severity: Severity::Warn,
    summary: "no row lets you in",
    why: "With this document you could not repair it any more, unless you have another way in: the right of the \
          cluster's creator, an access entry, the break-glass list.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Admin
    username: admin
    groups: [administrators]
",
    repair: "Add a row for yourself, or make sure of another way in.",
};
