//! From the file and the document to operations, and to the record of owners
//! afterwards.
//!
//! With an owner: rows that nobody else keeps and the owner keeps, or that are
//! new, are made as wanted. A row that is as wanted already becomes the owner's
//! too. A row that differs and is kept by another, or by nobody, is refused
//! unless it is taken over. Pruning deletes rows that the owner alone keeps and
//! no longer wants; a row that others keep as well stays with them.
//!
//! Without an owner: rows that nobody keeps are made as wanted, and pruning
//! deletes those of them that are not wanted. Rows that somebody keeps are
//! never touched. Rows that can't be read are never deleted.

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::{Conflict, ConflictKind, Desired, DesiredError, DesiredMapping};
use crate::authenticator::Deciding;
use crate::aws_auth::{Document, Operation, Section, SsoPermissionSet};
use crate::change::{
    Found, Judgement, Planned, PrincipalKey, Reading, Whom, WordError, change_row, counting, insert, may_write,
    new_username, writes_arn,
};
use crate::config::Problem;
use crate::finding::{Finding, Severity};
use crate::owners::{OwnerName, Owners};

/// How a file is applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// In whose name.
    pub owner: Option<OwnerName>,
    /// Whether rows that are not in the file are deleted.
    pub prune: bool,
    /// Whether rows of others, or of nobody, that differ become the owner's.
    /// Has no effect without an owner.
    pub take_ownership: bool,
    /// Which authenticator decides.
    pub deciding: Deciding,
}

/// What it takes to make a document as the file wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredPlan {
    /// Operations and findings.
    pub planned: Planned,
    /// The record of owners afterwards. It may change where no row does.
    pub owners: Owners,
}

/// Plans what makes a document as the file wants it. Linear in both.
///
/// # Errors
///
/// All words that can't be meant, or all permission sets that need roles, or
/// all conflicts.
pub fn plan_desired(
    document: &Document,
    owners: &Owners,
    desired: &Desired,
    options: &Options,
) -> Result<DesiredPlan, DesiredError> {
    let mut plan = Plan::new(document, owners, options);
    desired.mappings().iter().for_each(|mapping| plan.mapping(mapping));
    plan.others();
    plan.finish()
}

impl DesiredPlan {
    /// The record of owners for the document that the operations make.
    pub fn owners_in(&self, edited: &Document) -> Owners {
        self.owners.kept_in(edited)
    }
}

struct Plan<'a> {
    options: &'a Options,
    before: &'a Owners,
    /// Rows that no mapping of the file has asked for yet.
    rows: HashMap<PrincipalKey, Vec<Found<'a>>, foldhash::fast::FixedState>,
    counts: [usize; 3],
    operations: Vec<Operation>,
    findings: Vec<Finding>,
    owners: Owners,
    unread: usize,
    conflicts: Vec<Conflict>,
    need_roles: Vec<SsoPermissionSet>,
    words: Vec<Problem>,
}

impl<'a> Plan<'a> {
    fn new(document: &'a Document, before: &'a Owners, options: &'a Options) -> Self {
        let mut plan = Self {
            options,
            before,
            rows: HashMap::default(),
            counts: Section::ALL.map(|section| document.rows(section).count()),
            operations: Vec::new(),
            findings: Vec::new(),
            owners: before.kept_in(document),
            unread: 0,
            conflicts: Vec::new(),
            need_roles: Vec::new(),
            words: Vec::new(),
        };
        for row in Section::ALL.into_iter().flat_map(|section| document.rows(section)) {
            match Found::of(row) {
                Some((key, found)) => plan.rows.entry(key).or_default().push(found),
                None => plan.unread += 1,
            }
        }
        plan
    }

    /// Makes one mapping as it is wanted.
    fn mapping(&mut self, mapping: &DesiredMapping) {
        let wanted = &mapping.wanted;
        let key = wanted.whom.key();
        let Some(rows) = self.rows.remove(&key) else { return self.new_mapping(mapping, &key) };
        let is_as_wanted = |found: &Found<'a>| found.gives(wanted) && !self.must_be_rewritten(found, &wanted.whom);
        let all_can_be_read = rows.iter().all(|found| found.unreadable().is_none());
        if all_can_be_read && counting(&rows, self.options.deciding).is_some_and(is_as_wanted) {
            rows.iter().for_each(|found| self.as_wanted(found, mapping, &key));
            return;
        }
        if self.needs_role(&wanted.whom) {
            return;
        }
        if let Some((found, kind)) = self.conflict(&rows, &key) {
            let (principal, place) = (wanted.whom.to_string(), (&found.row).into());
            self.conflicts.push(Conflict { principal, place, kind });
        } else {
            self.change(&rows, mapping, &key);
        }
    }

    fn new_mapping(&mut self, mapping: &DesiredMapping, key: &PrincipalKey) {
        let wanted = &mapping.wanted;
        if self.needs_role(&wanted.whom) {
            return;
        }
        let mut judgement = Judgement::default();
        judgement.mapping(wanted);
        self.judged(judgement, mapping);
        let section = wanted.whom.section();
        let [roles, users, accounts] = self.counts;
        let before = match section {
            Section::MapRoles => roles,
            Section::MapUsers => users,
            Section::MapAccounts => accounts,
        };
        self.operation(insert(before, wanted), mapping);
        self.claim(section, key);
    }

    /// Whether nothing may be written before a permission set is a role.
    fn needs_role(&mut self, whom: &Whom) -> bool {
        let Whom::PermissionSet(set) = whom else { return false };
        let needs = !may_write(whom, self.options.deciding);
        self.need_roles.extend(needs.then(|| set.clone()));
        needs
    }

    /// Whether a row is spelt in a form that matches nobody here, and not in
    /// the one that the file has: a file made from the document changes nothing.
    fn must_be_rewritten(&self, found: &Found<'_>, whom: &Whom) -> bool {
        let same = matches!(whom, Whom::Arn(arn) if found.row.arn() == Some(arn.as_str()));
        !same && !found.is_alive(self.options.deciding) && matches!(whom, Whom::Arn(_))
    }

    fn as_wanted(&mut self, found: &Found<'_>, mapping: &DesiredMapping, key: &PrincipalKey) {
        self.claim(found.row.section, key);
        if !found.gives(&mapping.wanted) {
            self.findings.push(Finding {
                rule: "shadowed-row",
                severity: Severity::Warn,
                section: Some(found.row.section),
                mark: Some(found.row.mark()),
                message: format!("{} is mapped once more, and not alike", mapping.wanted.whom),
                hint: Some("take the row out, which does not count, with `kube-iam edit`".to_string()),
            });
        }
        if !found.is_alive(self.options.deciding) {
            let is_arn = matches!(mapping.wanted.whom, Whom::Arn(_));
            self.findings.push(Finding {
                rule: "only-kube-iam-matches",
                severity: Severity::Warn,
                section: Some(found.row.section),
                mark: Some(found.row.mark()),
                message: format!("{} is mapped in a form that not every authenticator matches", mapping.wanted.whom),
                hint: is_arn.then(|| "`kube-iam check --fix --grants` gives it one that all match".to_string()),
            });
        }
    }

    /// Why rows may not be made as wanted.
    fn conflict<'r>(&self, rows: &'r [Found<'a>], key: &PrincipalKey) -> Option<(&'r Found<'a>, ConflictKind)> {
        let first = rows.first()?;
        if let Some((found, reason)) = rows.iter().find_map(|found| Some((found, found.unreadable()?))) {
            return Some((found, ConflictKind::Unreadable(reason.to_string())));
        }
        if !rows.iter().all(|found| found.same_as(first)) {
            let places = rows.iter().map(|found| (&found.row).into()).collect();
            return Some((first, ConflictKind::Duplicates(places)));
        }
        for found in rows {
            let mut owners = self.before.of(found.row.section, key);
            let is_mine = |name: &&OwnerName| Some(*name) == self.options.owner.as_ref();
            let mine = owners.iter().any(is_mine);
            owners.retain(|name| !is_mine(name));
            let kind = match (&self.options.owner, self.options.take_ownership) {
                (Some(_), true) => continue,
                (None, _) if owners.is_empty() => continue,
                (Some(_), false) if owners.is_empty() && mine => continue,
                (Some(_), false) if owners.is_empty() => ConflictKind::Unowned,
                _ => ConflictKind::OwnedBy(owners.into_iter().cloned().collect()),
            };
            return Some((found, kind));
        }
        None
    }

    fn change(&mut self, rows: &[Found<'a>], mapping: &DesiredMapping, key: &PrincipalKey) {
        let wanted = &mapping.wanted;
        for (index, found) in rows.iter().enumerate() {
            let Reading::Mapping(row) = &found.reading else { continue };
            let username = new_username(row, wanted);
            if index == 0 {
                let mut judgement = Judgement::default();
                judgement.change(row, wanted.username.as_deref(), &wanted.groups);
                self.judged(judgement, mapping);
            }
            let groups = wanted.groups.clone();
            let operation = change_row(found, row, &wanted.whom, username.as_deref(), groups, self.options.deciding);
            if let Some(operation) = operation {
                self.operation(operation, mapping);
            }
            for other in self.before.of(found.row.section, key) {
                self.owners.release(other, found.row.section, key);
            }
            self.claim(found.row.section, key);
        }
    }

    fn claim(&mut self, section: Section, key: &PrincipalKey) {
        if let Some(owner) = &self.options.owner {
            self.owners.claim(owner, section, key);
        }
    }

    /// Keeps what is to be said of words, with their place in the file.
    fn judged(&mut self, judgement: Judgement, mapping: &DesiredMapping) {
        let mark = mapping.mark;
        let problem = |error: WordError| Problem { mark, text: error.to_string(), hint: error.hint() };
        self.words.extend(judgement.errors.into_iter().map(problem));
        self.findings.extend(judgement.findings.into_iter().map(|finding| Finding { mark: Some(mark), ..finding }));
    }

    fn operation(&mut self, operation: Operation, mapping: &DesiredMapping) {
        let note = mapping.wanted.whom.note().filter(|_| writes_arn(&operation));
        self.findings.extend(note.map(|finding| Finding { mark: Some(mapping.mark), ..finding }));
        self.operations.push(operation);
    }

    /// Rows that the file does not mention.
    fn others(&mut self) {
        let (mut left, mut shared, mut unread) = (0_usize, 0_usize, self.unread);
        for (key, rows) in core::mem::take(&mut self.rows) {
            for found in &rows {
                let section = found.row.section;
                let owners = self.before.of(section, &key);
                let may_prune = match &self.options.owner {
                    Some(owner) if !owners.contains(&owner) => false,
                    Some(owner) if self.options.prune && owners.len() > 1 => {
                        self.owners.release(owner, section, &key);
                        shared += 1;
                        false
                    }
                    Some(_) => true,
                    None => owners.is_empty() && self.options.prune,
                };
                match (may_prune, self.options.prune) {
                    (false, _) => {}
                    (true, false) => left += 1,
                    (true, true) if found.unreadable().is_some() => unread += 1,
                    (true, true) => self.operations.push(Operation::Remove { section, index: found.row.index }),
                }
            }
        }
        if let Some(owner) = &self.options.owner {
            self.note(
                "no-longer-wanted",
                left,
                &format!("kept by `{owner}` and not in the file"),
                "`--prune` deletes them",
            );
            self.note("shared-row", shared, &format!("no longer kept by `{owner}`, but by others"), "they stay");
        }
        let unread = if self.options.prune { unread } else { 0 };
        self.note("unreadable-row", unread, "not readable and not pruned", "`kube-iam check` shows them");
    }

    fn note(&mut self, rule: &'static str, count: usize, what: &str, hint: &str) {
        let message = match count {
            0 => return,
            1 => format!("one row is {what}"),
            _ => format!("{count} rows are {what}"),
        };
        let hint = Some(hint.to_string());
        self.findings.push(Finding { rule, severity: Severity::Note, section: None, mark: None, message, hint });
    }

    fn finish(mut self) -> Result<DesiredPlan, DesiredError> {
        if !self.words.is_empty() {
            return Err(DesiredError::Words(self.words));
        }
        if !self.need_roles.is_empty() {
            return Err(DesiredError::NeedsRoles(self.need_roles, self.options.deciding));
        }
        if !self.conflicts.is_empty() {
            return Err(DesiredError::Conflicts(self.conflicts));
        }
        // Rows come out of a hash table in no order of theirs. New ones stay in that of the file.
        self.operations.sort_by_key(place);
        let planned = Planned { operations: self.operations, findings: self.findings };
        Ok(DesiredPlan { planned, owners: self.owners })
    }
}

fn place(operation: &Operation) -> (Section, usize) {
    match operation {
        Operation::Insert { section, before: index, .. }
        | Operation::Remove { section, index }
        | Operation::Change { section, index, .. } => (*section, *index),
    }
}
