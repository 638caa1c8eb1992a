//! Remarks as people and programs read them.

mod github;
mod json;
mod sarif;
mod text;

pub use github::github;
pub use json::json;
pub use sarif::sarif;
pub use text::text;

use super::Remark;
use crate::aws_auth::Section;
use crate::finding::Severity;
use crate::yaml::Mark;

/// Remarks together with the file they are about.
pub struct Report<'a> {
    /// The file as it was named, or a name for the object of a cluster.
    pub file: &'a str,
    /// What is remarked.
    pub remarks: &'a [Remark],
    /// From a place in the text of a section to the place in the file.
    pub locate: &'a dyn Fn(Section, Mark) -> Mark,
}

impl Report<'_> {
    /// Where in the file a remark belongs: what has no place of its own stands
    /// for the file as a whole, at its beginning.
    fn mark(&self, remark: &Remark) -> Mark {
        match (remark.finding.section, remark.finding.mark) {
            (Some(section), Some(mark)) => (self.locate)(section, mark),
            _ => Mark { line: 1, column: 1 },
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
