//! What `check` looks for. The pages of the rules are made from this table.

mod access;
mod document;
mod principals;
mod rows;
mod values;

pub(super) use access::{
    ACCOUNT_WIDE, CALLER_LOCKED_OUT, FOREIGN_ACCOUNT, FOREIGN_PARTITION, NODE_ROLE_MISSING, NODE_ROW, SYSTEM_MASTERS,
    UNBOUND_GROUP,
};
pub(super) use document::{
    ALIAS_EXPANSION, DATA_KEY_MISSPELT, DATA_KEY_UNKNOWN, MORE_FINDINGS, NOT_A_LIST, QUOTED_EMPTY, SECOND_DOCUMENT,
    SECTION_MISSING, SIZE, SYNTAX,
};
pub(super) use principals::{
    ACCOUNT_INVALID, ACCOUNT_UNQUOTED, ARN_ACCOUNT, ARN_INVALID, ARN_OTHER_SECTION, ASSUMED_ROLE, INSTANCE_PROFILE,
    ROLE_PATH, SSO_INVALID, SSO_OVERLAP, SSO_PATH, SSO_ROW, SSO_SUFFIX, STS_ARN, WILDCARD,
};
pub(super) use rows::{
    ACCOUNT_REPEATED, DUPLICATE_ROW, KEY_CASE, KEY_MISSPELT, KEY_OTHER_SECTION, KEY_REPEATED, KEY_UNKNOWN,
    PRINCIPAL_MISSING, ROW_NOT_A_MAP, SHADOWED_ROW, TWO_PRINCIPALS, UNREACHABLE_ROW,
};
pub(super) use values::{
    ANGLE_BRACKETS, EXTRA_QUOTES, GROUP_BLANK, GROUP_EMPTY, GROUPS_EMPTY, PLACEHOLDER_PLACE, PLACEHOLDER_UNKNOWN,
    PLACEHOLDER_UNQUOTED, RESERVED_USERNAME, SESSION_CHOSEN, USERNAME_MISSING, WRONG_TYPE,
};

use alloc::format;
use alloc::string::String;

use crate::finding::Severity;

/// One thing that `check` looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The name of the rule: of its page, and in every report.
    pub id: &'static str,
    /// How much it weighs, unless what is known of the cluster makes it weigh less.
    pub severity: Severity,
    /// One line: lower case, no full stop.
    pub summary: &'static str,
    /// What it does to people and nodes.
    pub why: &'static str,
    /// Data of an aws-auth with the mistake; empty where an example would be too long.
    pub before: &'static str,
    /// The same, repaired.
    pub after: &'static str,
    /// How it is repaired.
    pub repair: &'static str,
}

/// All rules, by subject.
pub static RULES: [&Rule; 57] = [
    &SYNTAX,
    &NOT_A_LIST,
    &SECOND_DOCUMENT,
    &ALIAS_EXPANSION,
    &DATA_KEY_MISSPELT,
    &DATA_KEY_UNKNOWN,
    &SECTION_MISSING,
    &QUOTED_EMPTY,
    &SIZE,
    &MORE_FINDINGS,
    &ROW_NOT_A_MAP,
    &KEY_MISSPELT,
    &KEY_UNKNOWN,
    &KEY_CASE,
    &KEY_REPEATED,
    &KEY_OTHER_SECTION,
    &PRINCIPAL_MISSING,
    &TWO_PRINCIPALS,
    &DUPLICATE_ROW,
    &SHADOWED_ROW,
    &ACCOUNT_REPEATED,
    &UNREACHABLE_ROW,
    &ARN_INVALID,
    &ARN_ACCOUNT,
    &ARN_OTHER_SECTION,
    &INSTANCE_PROFILE,
    &STS_ARN,
    &ASSUMED_ROLE,
    &ROLE_PATH,
    &SSO_PATH,
    &SSO_SUFFIX,
    &SSO_ROW,
    &SSO_INVALID,
    &SSO_OVERLAP,
    &WILDCARD,
    &ACCOUNT_UNQUOTED,
    &ACCOUNT_INVALID,
    &WRONG_TYPE,
    &USERNAME_MISSING,
    &RESERVED_USERNAME,
    &SESSION_CHOSEN,
    &PLACEHOLDER_UNQUOTED,
    &PLACEHOLDER_UNKNOWN,
    &PLACEHOLDER_PLACE,
    &ANGLE_BRACKETS,
    &EXTRA_QUOTES,
    &GROUPS_EMPTY,
    &GROUP_EMPTY,
    &GROUP_BLANK,
    &SYSTEM_MASTERS,
    &UNBOUND_GROUP,
    &ACCOUNT_WIDE,
    &FOREIGN_PARTITION,
    &FOREIGN_ACCOUNT,
    &NODE_ROW,
    &NODE_ROLE_MISSING,
    &CALLER_LOCKED_OUT,
];

impl Rule {
    /// The rule with this name.
    pub fn find(id: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.id == id).copied()
    }

    /// The page of the rule, in Markdown.
    pub fn page(&self) -> String {
        let Self { id, severity, summary, why, before, after, repair } = self;
        let mut page = format!("# `{id}`\n\n*{}*: {summary}.\n\n{why}\n", severity.as_str());
        for (title, example) in [("Before", before), ("After", after)] {
            if !example.is_empty() {
                page.push_str(&format!("\n## {title}\n\n```yaml\n{}\n```\n", example.trim_matches('\n')));
            }
        }
        page.push_str(&format!("\n## Repair\n\n{repair}\n"));
        page
    }
}
