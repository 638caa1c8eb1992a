//! Rules about usernames, groups and their placeholders.

use super::Rule;
use crate::finding::Severity;

pub(in crate::check) const WRONG_TYPE: Rule = Rule {
    id: "wrong-type",
    severity: Severity::Block,
    summary: "a value has not the kind that its key needs",
    why: "YAML takes `5` for a number and `yes`, `no`, `on`, `off`, `y` and `n` for yes/no words; groups must be a list. \
          kube-iam drops the row. The Go authenticator keeps it half read: somebody may get groups without a name, or a \
          name without groups.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: team
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Put texts in quotes and groups in a list. `check --fix` quotes numbers and yes/no words; the row comes \
             alive then, so that it is shown as a grant and asks.",
};

pub(in crate::check) const USERNAME_MISSING: Rule = Rule {
    id: "username-missing",
    severity: Severity::Warn,
    summary: "a row without a username",
    why: "kube-iam gives the canonical ARN for a name. The Go authenticator answers an empty one: plain calls work, \
          aggregated APIs such as `kubectl top` say Unauthorized, and the audit log names nobody.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Add a username.",
};

pub(in crate::check) const RESERVED_USERNAME: Rule = Rule {
    id: "reserved-username",
    severity: Severity::Warn,
    summary: "a username with a prefix that belongs to Kubernetes or EKS",
    why: "Names that begin with `system:` are those of components of Kubernetes, and bindings give them rights; EKS keeps \
          `eks:`, `aws:`, `amazon:` and `iam:` for itself. Only nodes need one: `system:node:` with the groups of nodes.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: system:kube-scheduler
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Choose a name without such a prefix.",
};

pub(in crate::check) const SESSION_CHOSEN: Rule = Rule {
    id: "session-chosen",
    severity: Severity::Warn,
    summary: "callers choose a whole group or username themselves",
    why: "Whoever assumes a role chooses the session name. In a group it lets callers choose their rights; as the whole \
          username it lets one person appear as another.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [\"team-{{SessionName}}\"]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: \"dev:{{SessionName}}\"
    groups: [team]
",
    repair: "Write groups out, and give a username a prefix of its own.",
};

pub(in crate::check) const PLACEHOLDER_UNQUOTED: Rule = Rule {
    id: "placeholder-unquoted",
    severity: Severity::Block,
    summary: "a value that begins with `{{` is not in quotes",
    why: "YAML takes a brace for the begin of a map. The Go authenticator drops the whole section, kube-iam the row.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: {{SessionName}}
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: \"{{SessionName}}\"
    groups: [team]
",
    repair: "Put the value in quotes. Where it can be read at all, `check --fix` does; the row comes alive then, so that \
             it is shown as a grant and asks.",
};

pub(in crate::check) const PLACEHOLDER_UNKNOWN: Rule = Rule {
    id: "placeholder-unknown",
    severity: Severity::Warn,
    summary: "braces around a name that is no placeholder",
    why: "It stays as it is, braces included. Placeholders are spelt exactly `{{AccountID}}`, `{{SessionName}}`, \
          `{{SessionNameRaw}}`, `{{AccessKeyID}}` and `{{EC2PrivateDNSName}}`, without blanks.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: \"dev:{{ sessionName }}\"
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: \"dev:{{SessionName}}\"
    groups: [team]
",
    repair: "Spell it as in the list.",
};

pub(in crate::check) const PLACEHOLDER_PLACE: Rule = Rule {
    id: "placeholder-place",
    severity: Severity::Warn,
    summary: "a placeholder where it has no value",
    why: "In ARNs placeholders are plain text. Users have no session name, so that it becomes nothing; and only \
          usernames of nodes need a private DNS name.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::{{AccountID}}:role/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Write the value out.",
};

pub(in crate::check) const ANGLE_BRACKETS: Rule = Rule {
    id: "angle-brackets",
    severity: Severity::Warn,
    summary: "`<` and `>` around a value, as in instructions",
    why: "The brackets were to be replaced together with what is between them. They are part of the name now.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: <username>
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Replace the brackets and the words between them.",
};

pub(in crate::check) const EXTRA_QUOTES: Rule = Rule {
    id: "extra-quotes",
    severity: Severity::Warn,
    summary: "quotes that have become part of a name",
    why: "A value quoted twice keeps the inner quotes, and no binding names a group with quotes in it.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [\"'team'\"]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Quote once.",
};

pub(in crate::check) const GROUPS_EMPTY: Rule = Rule {
    id: "groups-empty",
    severity: Severity::Note,
    summary: "a row without groups",
    why: "The principal is let in, but has only the rights of everybody and those that bindings give its username.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Add groups, unless bindings name the username.",
};

pub(in crate::check) const GROUP_EMPTY: Rule = Rule {
    id: "group-empty",
    severity: Severity::Warn,
    summary: "a group without a name",
    why: "An item without a text becomes an empty group or makes the row unreadable.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups:
    - team
    -
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups:
    - team
",
    repair: "Remove the item.",
};

pub(in crate::check) const GROUP_BLANK: Rule = Rule {
    id: "group-blank",
    severity: Severity::Warn,
    summary: "a group with a blank in its name",
    why: "A list item that is indented too far is folded into the one above: two groups become one with ` - ` in its \
          name, and neither is given.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Node
    username: system:node:{{EC2PrivateDNSName}}
    groups:
    - system:bootstrappers
      - system:nodes
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Node
    username: system:node:{{EC2PrivateDNSName}}
    groups:
    - system:bootstrappers
    - system:nodes
",
    repair: "Give all items of the list the same indent.",
};
