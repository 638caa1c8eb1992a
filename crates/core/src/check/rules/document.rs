//! Rules about the data of aws-auth as a whole.

use super::Rule;
use crate::finding::Severity;

pub(in crate::check) const SYNTAX: Rule = Rule {
    id: "syntax",
    severity: Severity::Block,
    summary: "a section is not readable YAML",
    why: "The authenticator reads each section as one text. One wrong indent makes the whole section unreadable: the Go \
          authenticator then serves an empty list, and people and nodes are turned away.",
    before: "
mapRoles: |
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
    repair: "Mend the line that is named, or the one above it. Indent with blanks, never with tabs.",
};

pub(in crate::check) const NOT_A_LIST: Rule = Rule {
    id: "not-a-list",
    severity: Severity::Block,
    summary: "a section is a map or a text where a list is needed",
    why: "Nothing of the section is read, as if it were empty. Often the dash before the first key is missing.",
    before: "
mapRoles: |
  rolearn: arn:aws:iam::111122223333:role/Dev
  username: dev
  groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
",
    repair: "Begin every row with `- `.",
};

pub(in crate::check) const SECOND_DOCUMENT: Rule = Rule {
    id: "second-document",
    severity: Severity::Block,
    summary: "rows stand after a line `---` and are not read",
    why: "A section is read up to its first document end. What follows is ignored without a word.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
  ---
  - rolearn: arn:aws:iam::111122223333:role/Ops
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
    repair: "Remove the line. The rows below it come alive: look at them first.",
};

pub(in crate::check) const ALIAS_EXPANSION: Rule = Rule {
    id: "alias-expansion",
    severity: Severity::Block,
    summary: "aliases make the section far larger than its text",
    why: "A long list behind an anchor, named in thousands of rows, costs every reader its memory. The rest of the \
          section is not checked.",
    before: "",
    after: "",
    repair: "Write the lists out, or shorten them: a principal in thousands of groups is a mistake.",
};

pub(in crate::check) const DATA_KEY_MISSPELT: Rule = Rule {
    id: "data-key-misspelt",
    severity: Severity::Block,
    summary: "a data key is almost, but not exactly, the name of a section",
    why: "`mapRoles`, `mapUsers` and `mapAccounts` are read in exactly this spelling. Anything else is ignored without a \
          word, with all the rows in it.",
    before: "
maproles: |
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
    repair: "Rename the key. Its rows come alive: look at them first.",
};

pub(in crate::check) const DATA_KEY_UNKNOWN: Rule = Rule {
    id: "data-key-unknown",
    severity: Severity::Note,
    summary: "a data key that no authenticator reads",
    why: "It does no harm, and our edits keep it. Others that rewrite the object may drop it.",
    before: "
mapRoles: |
  []
comment: owned by the platform team
",
    after: "
mapRoles: |
  []
",
    repair: "Move it to an annotation.",
};

pub(in crate::check) const SECTION_MISSING: Rule = Rule {
    id: "section-missing",
    severity: Severity::Warn,
    summary: "there is no `mapRoles` although other sections exist",
    why: "Nodes and nearly all people come in by roles. A missing section counts as a deletion: its rows are served for \
          a while (five minutes unless set otherwise) and are gone then; under the Go authenticator at once.",
    before: "
mapUsers: |
  - userarn: arn:aws:iam::111122223333:user/alice
    username: alice
    groups: [team]
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
mapUsers: |
  - userarn: arn:aws:iam::111122223333:user/alice
    username: alice
    groups: [team]
",
    repair: "Restore the section. If really no role is to be let in, write `mapRoles: \"[]\"`.",
};

pub(in crate::check) const QUOTED_EMPTY: Rule = Rule {
    id: "quoted-empty",
    severity: Severity::Note,
    summary: "a section holds a pair of quotes and nothing else",
    why: "It is read as an empty list. Most often a template quoted an empty value twice, and rows were meant.",
    before: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
mapUsers: '\"\"'
",
    after: "
mapRoles: |
  - rolearn: arn:aws:iam::111122223333:role/Dev
    username: dev
    groups: [team]
mapUsers: '[]'
",
    repair: "Write `[]`, or remove the section.",
};

pub(in crate::check) const SIZE: Rule = Rule {
    id: "size",
    severity: Severity::Warn,
    summary: "the data is close to 1,048,576 bytes, or past it",
    why: "kube-apiserver refuses a ConfigMap with more than 1,048,576 bytes of data, and then no mapping can be added \
          any more, in an emergency either.",
    before: "",
    after: "",
    repair: "Remove rows nobody uses; give groups of people one role instead of a row each.",
};

pub(in crate::check) const MORE_FINDINGS: Rule = Rule {
    id: "more-findings",
    severity: Severity::Note,
    summary: "there are more findings than are shown",
    why: "At most 1,000 findings are shown, those that weigh most first.",
    before: "",
    after: "",
    repair: "Repair what is shown and run the check again.",
};
