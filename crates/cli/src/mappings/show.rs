//! Changes and findings as a person at the terminal sees them.

use anstyle::{AnsiColor, Style};
use kube_iam_core::aws_auth::Data;
use kube_iam_core::finding::{Finding, Severity};
use similar::{ChangeTag, TextDiff};

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const FAINT: Style = Style::new().dimmed();

/// A unified diff of the texts that differ, the name of each on top.
pub fn diff(before: &Data, after: &Data) -> String {
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let mut shown = String::new();
    for key in keys {
        let (old, new) = (before.get(key).map_or("", String::as_str), after.get(key).map_or("", String::as_str));
        if old != new {
            shown.push_str(&format!("{FAINT}{key}{FAINT:#}\n"));
            shown.push_str(&unified(old, new));
        }
    }
    shown
}

fn unified(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut shown = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        shown.push_str(&format!("{FAINT}{}{FAINT:#}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', REMOVED),
                ChangeTag::Insert => ('+', ADDED),
                ChangeTag::Equal => (' ', Style::new()),
            };
            let line = change.value().trim_end_matches(['\n', '\r']);
            shown.push_str(&format!("{style}{sign}{line}{style:#}\n"));
        }
    }
    shown
}

/// Findings, one in a line, with what to do below.
///
/// Lines are those of the section, as in the diff above and in the messages.
pub fn findings(findings: &[Finding]) -> String {
    let mut shown = String::new();
    for finding in findings {
        let style = match finding.severity {
            Severity::Block => AnsiColor::Red.on_default().bold(),
            Severity::Warn => AnsiColor::Yellow.on_default(),
            Severity::Note => FAINT,
        };
        let word = match finding.severity {
            Severity::Warn => "warning",
            Severity::Block | Severity::Note => finding.severity.as_str(),
        };
        let place = finding.section.zip(finding.mark);
        let place = place.map(|(section, mark)| format!("{section}, line {}: ", mark.line)).unwrap_or_default();
        shown.push_str(&format!("{style}{word}:{style:#} {place}{} [{}]\n", finding.message, finding.rule));
        if let Some(hint) = &finding.hint {
            shown.push_str(&format!("  hint: {hint}\n"));
        }
    }
    shown
}
