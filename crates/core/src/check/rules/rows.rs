//! Rules about rows: their keys, and rows that stand in each other's way.

use super::Rule;
use crate::finding::Severity;

pub(in crate::check) const ROW_NOT_A_MAP: Rule = Rule {
    id: "row-not-a-map",
    severity: Severity::Block,
    summary: "a row is not a map of keys and values",
    why: "The row is dropped.",
    before: "
mapRoles: |
  - arn:aws:iam::111122223333:role/Dev
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Write `rolearn`, `username` and `groups`.",
};

pub(in crate::check) const KEY_MISSPELT: Rule = Rule {
    id: "key-misspelt",
    severity: Severity::Warn,
    summary: "a key of a row is almost, but not exactly, a known one",
    why: "Unknown keys are ignored without a word: `group: [team]` gives no group at all.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    group: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Rename the key. Its value takes effect then: look at it first.",
};

pub(in crate::check) const KEY_UNKNOWN: Rule = Rule {
    id: "key-unknown",
    severity: Severity::Note,
    summary: "a key of a row that no authenticator reads",
    why: "It does no harm, and our edits keep it. Tools that rewrite the list drop it.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
    ticket: OPS-17
",
    after: "
mapRoles: |
  # OPS-17
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Write it as a comment, if people are to read it.",
};

pub(in crate::check) const KEY_CASE: Rule = Rule {
    id: "key-case",
    severity: Severity::Note,
    summary: "a key of a row is not in the usual letter case",
    why: "Authenticators ignore the letter case of keys, but not every tool that reads aws-auth does.",
    before: "
mapRoles: |
  - roleARN: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "`check --fix` rewrites the key; nobody gains or loses anything.",
};

pub(in crate::check) const KEY_REPEATED: Rule = Rule {
    id: "key-repeated",
    severity: Severity::Warn,
    summary: "a key stands twice in one row",
    why: "Only one of them counts: the last of two that are spelt alike, else the one that is later in byte order, \
          small letters after capitals. Groups don't add up.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
    groups: [other]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team, other]
",
    repair: "Keep one.",
};

pub(in crate::check) const KEY_OTHER_SECTION: Rule = Rule {
    id: "key-of-other-section",
    severity: Severity::Block,
    summary: "`rolearn` or `sso` in `mapUsers`, or `userarn` in `mapRoles`",
    why: "The key is not read there. A row without a principal of its own is dropped.",
    before: "
mapRoles: |
  []
mapUsers: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
mapUsers: |
  []
",
    repair: "Move the row to the other section.",
};

pub(in crate::check) const PRINCIPAL_MISSING: Rule = Rule {
    id: "principal-missing",
    severity: Severity::Block,
    summary: "a row names no principal",
    why: "Nobody can match the row; it is dropped.",
    before: "
mapRoles: |
  - username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Add `rolearn` or `userarn`, or remove the row.",
};

pub(in crate::check) const TWO_PRINCIPALS: Rule = Rule {
    id: "two-principals",
    severity: Severity::Block,
    summary: "a row has both `rolearn` and `sso`",
    why: "Only one can be meant; the row is dropped.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    sso: {permissionSetName: Dev, accountID: '111122223333'}
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Make two rows of it, or keep one key.",
};

pub(in crate::check) const DUPLICATE_ROW: Rule = Rule {
    id: "duplicate-row",
    severity: Severity::Warn,
    summary: "two rows say the same of one principal",
    why: "The second adds nothing. When one of them is changed or removed later, the other decides, by surprise.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "`check --fix` removes the row that never matches; nobody gains or loses anything.",
};

pub(in crate::check) const SHADOWED_ROW: Rule = Rule {
    id: "shadowed-row",
    severity: Severity::Block,
    summary: "a later row about the same principal takes effect in place of this one",
    why: "Rows don't add up: the last one about a principal replaces the others. A second row with fewer groups takes \
          rights away from administrators. Users that differ in letter case are drawn by lot in the Go authenticator.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [other]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team, other]
",
    repair: "Decide which is meant, or join the groups in one row.",
};

pub(in crate::check) const ACCOUNT_REPEATED: Rule = Rule {
    id: "account-repeated",
    severity: Severity::Note,
    summary: "an account stands twice in `mapAccounts`",
    why: "Removing one of them does not take the account's access away.",
    before: "
mapRoles: |
  []
mapAccounts: |
  - \"444455556666\"
  - \"444455556666\"
",
    after: "
mapRoles: |
  []
mapAccounts: |
  - \"444455556666\"
",
    repair: "`check --fix` removes one; nobody gains or loses anything.",
};

pub(in crate::check) const UNREACHABLE_ROW: Rule = Rule {
    id: "unreachable-row",
    severity: Severity::Block,
    summary: "the row matches, but can never let anybody in",
    why: "Its placeholders have no value for this kind of principal: users have no session name, and only instances \
          have a private DNS name. The search ends with a refusal.",
    before: "
mapRoles: |
  []
mapUsers: |
  - userarn: arn:aws:iam::111122223333:user/alice
    username: \"{{SessionName}}\"
    groups: [team]
",
    after: "
mapRoles: |
  []
mapUsers: |
  - userarn: arn:aws:iam::111122223333:user/alice
    username: alice
    groups: [team]
",
    repair: "Write the name out.",
};
