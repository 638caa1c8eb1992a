//! What aws-auth means at this moment, also while it is broken or gone.
//!
//! * A section that can be read is obeyed at once, also when it is empty: a
//!   revocation is never delayed.
//! * A section that can't be read keeps its previous rows; a row that can't be
//!   read keeps the previous row of the same principal.
//! * A data key or object that vanished counts as deleted, but only after a
//!   grace period: tools delete and create again.
//! * The state outlives a restart as a text, and then counts only until the
//!   sections have been read again, for 24 hours at most.

mod saved;

pub use saved::SavedStateError;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::{SignedDuration, Timestamp};

use crate::aws_auth::{MappingRow, Principal, RowProblem, Rows, Section, SectionError, read_section};
use crate::mapping::{Backend, RolePaths, Snapshot};
use crate::ports::Observation;
use crate::template::Placeholder;

/// How long a state from before a restart may stand in for what can't be read.
const SAVED_STATE_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Most rows of one section that are named one by one.
const SHOWN_PROBLEMS: usize = 50;

/// What becomes of a section that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBadConfig {
    /// Its previous rows stay.
    #[default]
    Keep,
    /// It counts as empty, as in Go.
    Drop,
}

/// The rules of [`LastGood`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastGoodPolicy {
    /// What becomes of a section that can't be read.
    pub on_bad_config: OnBadConfig,
    /// How long a vanished section or object is still served.
    pub deletion_grace: SignedDuration,
    /// How paths in role ARNs are treated.
    pub role_paths: RolePaths,
}

impl Default for LastGoodPolicy {
    fn default() -> Self {
        Self {
            on_bad_config: OnBadConfig::Keep,
            deletion_grace: SignedDuration::from_mins(5),
            role_paths: RolePaths::Match,
        }
    }
}

/// How serious a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Note,
    /// Somebody should look.
    Warn,
    /// Access is about to change, or has changed, without anybody's wish.
    Alarm,
}

/// Something to tell the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// How serious it is.
    pub severity: Severity,
    /// One line.
    pub text: String,
}

/// Why a section does not show what the cluster holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The section.
    pub section: Section,
    /// Since when.
    pub since: Timestamp,
    /// Why, in words.
    pub reason: String,
}

#[derive(Debug, Clone, Default)]
struct SectionState {
    rows: Rows,
    /// When the section was last read without fault.
    read_at: Option<Timestamp>,
    /// Whether the rows come from before a restart.
    from_disk: bool,
    vanished_at: Option<Timestamp>,
    unreadable: Option<(Timestamp, SectionError)>,
}

/// The state of the EKSConfigMap backend.
#[derive(Debug, Clone)]
pub struct LastGood {
    policy: LastGoodPolicy,
    sections: BTreeMap<Section, SectionState>,
    resource_version: Option<String>,
}

impl LastGood {
    /// Nothing known yet.
    pub fn new(policy: LastGoodPolicy) -> Self {
        let sections = Section::ALL.into_iter().map(|section| (section, SectionState::default())).collect();
        Self { policy, sections, resource_version: None }
    }

    /// Takes what the source shows now. The remarks are for the log.
    pub fn observe(&mut self, observation: &Observation, now: Timestamp) -> Vec<Remark> {
        let mut remarks = Vec::new();
        match observation {
            Observation::Unreachable(reason) => remarks.push(Remark {
                severity: Severity::Warn,
                text: format!("aws-auth can't be watched, the mappings stay as they are: {reason}"),
            }),
            Observation::Absent => {
                self.resource_version = None;
                for (section, state) in &mut self.sections {
                    state.vanish(*section, self.policy, now, "the ConfigMap is gone", &mut remarks);
                }
            }
            Observation::Present { data, resource_version } => {
                self.resource_version = Some(resource_version.clone());
                for (section, state) in &mut self.sections {
                    match data.get(section.as_str()) {
                        Some(text) => state.take(*section, text, self.policy, now, &mut remarks),
                        None => state.vanish(*section, self.policy, now, "its data key is gone", &mut remarks),
                    }
                }
                remarks.extend(data.keys().filter_map(|key| misspelt(key)));
            }
        }
        remarks.extend(self.expire(now));
        remarks
    }

    /// Ends what has run out: the grace of deletions, the trust in a state from
    /// before a restart.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Remark> {
        let mut remarks = Vec::new();
        for (section, state) in &mut self.sections {
            let Some((deadline, reason)) = state.deadline(self.policy) else { continue };
            if now >= deadline {
                *state = SectionState { unreadable: state.unreadable.take(), ..SectionState::default() };
                let text = format!("the mappings of `{section}` are dropped now: {reason}");
                remarks.push(Remark { severity: Severity::Alarm, text });
            }
        }
        remarks
    }

    /// When [`Self::expire`] has something to do next.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.sections.values().filter_map(|state| state.deadline(self.policy)).map(|(at, _)| at).min()
    }

    /// The mappings that hold now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(Backend::EksConfigMap, self.sections.values().map(|state| &state.rows), self.policy.role_paths)
    }

    /// Sections that do not show what the cluster holds.
    pub fn stale(&self) -> Vec<Stale> {
        let stale = |(section, state): (&Section, &SectionState)| {
            let (since, reason) = match (&state.unreadable, state.vanished_at) {
                (Some((since, error)), _) => (*since, format!("{error}")),
                (None, Some(since)) => (since, String::from("it vanished, and its grace has not ended")),
                (None, None) if state.from_disk => (state.read_at?, String::from("it was not read since the restart")),
                (None, None) => return None,
            };
            Some(Stale { section: *section, since, reason })
        };
        self.sections.iter().filter_map(stale).collect()
    }

    /// The version of the object read last.
    pub fn resource_version(&self) -> Option<&str> {
        self.resource_version.as_deref()
    }
}

impl SectionState {
    /// The section is there, with this text.
    fn take(
        &mut self,
        section: Section,
        text: &str,
        policy: LastGoodPolicy,
        now: Timestamp,
        remarks: &mut Vec<Remark>,
    ) {
        self.vanished_at = None;
        match read_section(section, text) {
            Ok(mut rows) => {
                let problems = core::mem::take(&mut rows.problems);
                remarks.extend(core::mem::take(&mut rows.repeated).iter().map(|twin| Remark {
                    severity: Severity::Warn,
                    text: format!(
                        "`{section}`, {}: `{}` is written twice in one row; the later one counts",
                        twin.mark, twin.key
                    ),
                }));
                let kept =
                    if policy.on_bad_config == OnBadConfig::Keep { self.previous(&problems) } else { Vec::new() };
                let is_kept = |problem: &RowProblem| {
                    let key = problem.principal.as_ref().map(principal_key);
                    key.is_some_and(|key| kept.iter().any(|(kept, _)| *kept == key))
                };
                remarks.extend(
                    problems.iter().take(SHOWN_PROBLEMS).map(|problem| row_remark(section, problem, is_kept(problem))),
                );
                remarks.extend(problems.get(SHOWN_PROBLEMS..).map(<[RowProblem]>::len).filter(|count| *count > 0).map(
                    |count| Remark {
                        severity: Severity::Warn,
                        text: format!("`{section}`: {count} more rows can't be read"),
                    },
                ));
                // In front, so that any row that can be read comes after it.
                rows.mappings.splice(0..0, kept.into_iter().map(|(_, row)| row));
                let fresh = Self { rows, read_at: Some(now), ..Self::default() };
                if !problems.is_empty() || fresh.rows != self.rows {
                    remarks.extend(fresh.rows.mappings.iter().filter_map(path_remark));
                }
                *self = fresh;
            }
            Err(error) => {
                if policy.on_bad_config == OnBadConfig::Drop {
                    self.rows = Rows::default();
                }
                let count = self.rows.mappings.len() + self.rows.accounts.len();
                let text = format!("{error}; its {count} previous mappings stay in force");
                remarks.push(Remark { severity: Severity::Alarm, text });
                let since = self.unreadable.take().map_or(now, |(since, _)| since);
                self.unreadable = Some((since, error));
            }
        }
    }

    /// The previous rows of principals whose new rows can't be read, each once.
    fn previous(&self, problems: &[RowProblem]) -> Vec<(String, MappingRow)> {
        if problems.is_empty() {
            return Vec::new();
        }
        let mut known: BTreeMap<String, &MappingRow> =
            self.rows.mappings.iter().map(|row| (principal_key(&row.principal), row)).collect();
        let keys = problems.iter().filter_map(|problem| problem.principal.as_ref()).map(principal_key);
        keys.filter_map(|key| known.remove(&key).map(|row| (key, row.clone()))).collect()
    }

    /// The section is not there.
    fn vanish(
        &mut self,
        section: Section,
        policy: LastGoodPolicy,
        now: Timestamp,
        why: &str,
        remarks: &mut Vec<Remark>,
    ) {
        self.unreadable = None;
        let count = self.rows.mappings.len() + self.rows.accounts.len();
        if count == 0 {
            *self = Self { read_at: Some(now), ..Self::default() };
        } else if self.vanished_at.is_none() {
            self.vanished_at = Some(now);
            let grace = policy.deletion_grace;
            let text = format!("`{section}` vanished ({why}); its {count} mappings stay in force for {grace:#} more");
            remarks.push(Remark { severity: Severity::Alarm, text });
        }
    }

    fn deadline(&self, policy: LastGoodPolicy) -> Option<(Timestamp, &'static str)> {
        let after = |at: Timestamp, span| at.checked_add(span).unwrap_or(Timestamp::MAX);
        let grace = self.vanished_at.map(|at| (after(at, policy.deletion_grace), "it vanished, and the grace is over"));
        let trust = self.read_at.filter(|_| self.from_disk).map(|at| {
            (after(at, SAVED_STATE_AGE), "they are from before the restart, and could not be read again for 24 hours")
        });
        grace.into_iter().chain(trust).min_by_key(|(at, _)| *at)
    }
}

/// What two rows about one principal share.
fn principal_key(principal: &Principal) -> String {
    match principal {
        Principal::Arn(arn) => arn.without_role_path().key().as_str().into(),
        Principal::Sso(set) => format!("{}/{}/{}", set.partition, set.account, set.name),
    }
}

fn row_remark(section: Section, problem: &RowProblem, kept: bool) -> Remark {
    let outcome = if kept { "the previous row of this principal stays in force" } else { "the row is left out" };
    let text = format!("`{section}`, {}: {}; {outcome}", problem.mark, problem.error);
    Remark { severity: Severity::Warn, text }
}

/// A remark on a row that means something else to the Go authenticator.
pub fn path_remark(row: &MappingRow) -> Option<Remark> {
    let Principal::Arn(arn) = &row.principal else { return None };
    let section = row.section;
    arn.has_role_path().then(|| Remark {
        severity: Severity::Note,
        text: format!(
            "`{section}`, {}: `{arn}` is matched without its path; aws-iam-authenticator would match nobody",
            row.mark
        ),
    })
}

/// A data key that differs from a section only in letter case is ignored, and
/// hardly on purpose.
fn misspelt(key: &str) -> Option<Remark> {
    let meant = Section::ALL
        .into_iter()
        .find(|section| section.as_str() != key && section.as_str().eq_ignore_ascii_case(key))?;
    let text = format!("data key `{key}` is ignored; `{meant}` is spelt exactly so");
    Some(Remark { severity: Severity::Warn, text })
}

/// Remarks on a whole snapshot: rows that never match, and rows that ask for names of
/// instances where nobody looks them up.
pub fn snapshot_remarks(snapshot: &Snapshot, looks_up: bool) -> Vec<Remark> {
    let shadowed = snapshot.shadowed().iter().map(|shadowed| {
        let ((section, mark), (by_section, by)) = (shadowed.hidden, shadowed.by);
        let text = format!(
            "`{section}`, {mark}: `{}` is mapped again in `{by_section}`, {by}; only that row counts",
            shadowed.principal
        );
        Remark { severity: Severity::Warn, text }
    });
    let needing = snapshot.needing(Placeholder::Ec2PrivateDnsName).filter(|_| !looks_up);
    let lookups = needing.map(|mapping| Remark {
        severity: Severity::Alarm,
        text: format!(
            "`{}`, {}: `{}` uses `{{{{EC2PrivateDNSName}}}}`, which this server does not look up: its nodes are refused",
            mapping.section, mapping.mark, mapping.principal
        ),
    });
    shadowed.chain(lookups).collect()
}

#[cfg(test)]
mod tests;
