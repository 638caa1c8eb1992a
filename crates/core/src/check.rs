//! What is wrong, or will be, in the data of an aws-auth: the linter.
//!
//! ```text
//! data ─▶ lint(data, context) ─▶ remarks ─▶ report::{text, json, sarif, github}
//!                                   └─────▶ fix(data, remarks) ─▶ data without what can be repaired safely
//! ```
//!
//! Every remark is made by a rule of [`RULES`]. Nothing is read but the data and
//! what the caller knows of the cluster; what is not known is not judged. The
//! cost grows linearly with the text, and no more than
//! [`limits::FINDINGS`] remarks are kept.

mod access;
mod document;
mod duplicates;
mod fix;
mod keys;
mod principals;
pub mod report;
mod row;
mod rules;
mod values;

pub use fix::{Fix, Fixed, fix};
pub use rules::{RULES, Rule};

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use self::row::Row;
use crate::arn::Arn;
use crate::authenticator::Deciding;
use crate::aws_auth::Section;
use crate::finding::{Finding, Severity};
use crate::ids::AccountId;
use crate::limits;
use crate::partition::Partition;
use crate::shown::shown;
use crate::yaml::{Mark, Node};

/// What is known of the cluster beside the document.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Which authenticator decides there.
    pub deciding: Deciding,
    /// Whoever runs the check, as STS or IAM name them.
    pub caller: Option<Arn>,
    /// The groups that some binding names.
    pub bound_groups: Option<BTreeSet<String>>,
    /// The roles of nodes that are running.
    pub node_roles: Option<Vec<Arn>>,
    /// The partition of the cluster.
    pub partition: Option<Partition>,
    /// The account of the cluster.
    pub account: Option<AccountId>,
}

/// A finding, and how to repair it where that is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What is found.
    pub finding: Finding,
    /// The repair.
    pub fix: Option<Fix>,
}

impl Remark {
    fn new(rule: &Rule, section: Option<Section>, mark: Option<Mark>, message: String) -> Self {
        let finding = Finding { rule: rule.id, severity: rule.severity, section, mark, message, hint: None };
        Self { finding, fix: None }
    }

    fn at(rule: &Rule, section: Section, mark: Mark, message: String) -> Self {
        Self::new(rule, Some(section), Some(mark), message)
    }

    fn severity(mut self, severity: Severity) -> Self {
        self.finding.severity = severity;
        self
    }

    fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.finding.hint = hint.into();
        self
    }

    fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }

    fn order(&self) -> (Option<Section>, Option<Mark>, &'static str) {
        (self.finding.section, self.finding.mark, self.finding.rule)
    }
}

/// Remarks as they are made; of each severity no more than are reported are kept.
#[derive(Default)]
struct Remarks {
    kept: Vec<Remark>,
    counts: [usize; 3],
}

impl Remarks {
    fn push(&mut self, remark: Remark) {
        let [block, warn, note] = &mut self.counts;
        let count = match remark.finding.severity {
            Severity::Block => block,
            Severity::Warn => warn,
            Severity::Note => note,
        };
        *count += 1;
        if *count <= limits::FINDINGS {
            self.kept.push(remark);
        }
    }

    /// Those that weigh most, in the order of the document.
    fn finish(mut self) -> Vec<Remark> {
        let total: usize = self.counts.iter().sum();
        if total > limits::FINDINGS {
            self.kept.sort_by_key(|remark| remark.finding.severity);
            self.kept.truncate(limits::FINDINGS - 1);
        }
        self.kept.sort_by_key(Remark::order);
        let omitted = total - self.kept.len();
        if omitted > 0 {
            let message = format!("{omitted} more findings are not shown");
            self.kept.push(Remark::new(&rules::MORE_FINDINGS, None, None, message));
        }
        self.kept
    }
}

/// Checks the data of an aws-auth. At most [`limits::FINDINGS`] remarks, in the
/// order of the document; those about the data as a whole come first.
pub fn lint(data: &BTreeMap<String, String>, context: &Context) -> Vec<Remark> {
    let mut remarks = Remarks::default();
    document::lint(data, &mut remarks);
    let texts = Section::ALL.map(|section| (section, data.get(section.as_str()).map_or("", String::as_str)));
    let roots = texts.map(|(section, text)| (section, text, document::read(section, text, &mut remarks)));
    let mut rows = Vec::new();
    let mut accounts = Vec::new();
    for (section, text, root) in &roots {
        let Some(items) = root.as_deref().and_then(Node::as_sequence) else { continue };
        let source = row::Source { section: *section, text };
        match section {
            Section::MapRoles | Section::MapUsers => read_rows(source, items, &mut rows, &mut remarks),
            Section::MapAccounts => accounts = principals::lint_accounts(source, items, &mut remarks),
        }
    }
    for row in &rows {
        keys::lint(row, &mut remarks);
        principals::lint(row, context, &mut remarks);
        values::lint(row, context, &mut remarks);
    }
    duplicates::lint(&rows, context, &mut remarks);
    access::lint(&rows, &accounts, context, &mut remarks);
    remarks.finish()
}

/// Reads rows, each value once: what an alias repeats is a duplicate.
fn read_rows<'a>(source: row::Source<'a>, items: &'a [Rc<Node>], rows: &mut Vec<Row<'a>>, remarks: &mut Remarks) {
    let mut seen = hashbrown::HashSet::with_hasher(foldhash::fast::FixedState::default());
    let mut weight = 0;
    for (index, item) in items.iter().enumerate() {
        if Rc::strong_count(item) > 1 && !seen.insert(Rc::as_ptr(item)) {
            let message = String::from("an alias repeats a row that is already there");
            remarks.push(Remark::at(&rules::DUPLICATE_ROW, source.section, item.mark, message));
            continue;
        }
        weight += row::weight(item);
        if weight > limits::YAML_NODES {
            let message = String::from("aliases make the section far larger than its text");
            remarks.push(Remark::at(&rules::ALIAS_EXPANSION, source.section, item.mark, message));
            return;
        }
        rows.push(Row::read(source, item, items.get(index + 1)));
    }
}

/// The known word that somebody meant, if the written one is close to it.
fn nearest(written: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    if written.len() > 64 {
        return None;
    }
    let lower = written.to_lowercase();
    let distance = |word: &str| strsim::damerau_levenshtein(&word.to_lowercase(), &lower);
    let (nearest, distance) = known.into_iter().map(|word| (word, distance(word))).min_by_key(|(_, d)| *d)?;
    (distance <= 1 + nearest.len() / 4).then_some(nearest)
}

#[cfg(test)]
mod tests;
