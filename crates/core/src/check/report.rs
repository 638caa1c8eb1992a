//! Remarks as people and programs read them.

mod github;
mod json;
mod sarif;
mod text;

pub use github::github;
pub use json::json;
pub use sarif::sarif;
pub use text::text;

use alloc::borrow::Cow;
use alloc::format;

use super::Remark;
use crate::finding::{Finding, Severity};
use crate::yaml::Mark;

/// Remarks together with the file they are about.
pub struct Report<'a> {
    /// The file as it was named, or a name for the object of a cluster.
    pub file: &'a str,
    /// Whether it is an object of a cluster, where every section is a text of its own.
    pub is_object: bool,
    /// What is remarked.
    pub remarks: &'a [Remark],
    /// Where in the file, or in the section of an object, a finding belongs; nothing
    /// if it is about the whole of an object.
    pub locate: &'a dyn Fn(&Finding) -> Option<Mark>,
}

impl Report<'_> {
    fn mark(&self, remark: &Remark) -> Option<Mark> {
        (self.locate)(&remark.finding)
    }

    /// The name of the text in which the lines are counted.
    fn text_name(&self, remark: &Remark) -> Cow<'_, str> {
        match remark.finding.section.filter(|_| self.is_object) {
            Some(section) => Cow::Owned(format!("{}/{section}", self.file)),
            None => Cow::Borrowed(self.file),
        }
    }
}

/// What programs that know errors, warnings and notes are told.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Block => "error",
        Severity::Warn => "warning",
        Severity::Note => "note",
    }
}

#[cfg(test)]
mod tests;
