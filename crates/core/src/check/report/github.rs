//! Workflow commands, which GitHub shows beside the lines of a pull request.

use alloc::format;
use alloc::string::String;

use super::{Report, level};
use crate::finding::Severity;

/// `::error file=…,line=…,col=…,title=…::message`, one a line.
pub fn github(report: &Report<'_>) -> String {
    let mut lines = String::new();
    for remark in report.remarks {
        let (finding, mark) = (&remark.finding, report.mark(remark));
        let place = mark.map(|mark| format!(",line={},col={}", mark.line, mark.column)).unwrap_or_default();
        let command = if finding.severity == Severity::Note { "notice" } else { level(finding.severity) };
        let message = match &finding.hint {
            Some(hint) => format!("{}\nhint: {hint}", finding.message),
            None => finding.message.clone(),
        };
        lines.push_str(&format!(
            "::{command} file={}{place},title={}::{}\n",
            property(&report.text_name(remark)),
            property(finding.rule),
            escaped(&message),
        ));
    }
    lines
}

/// Line ends would end the command.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Colons and commas would end the property.
fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
