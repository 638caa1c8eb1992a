//! Lines for people and editors.

use alloc::format;
use alloc::string::String;

use super::{Report, level};

/// `file:line:column: error[rule] message`, and below it what to do.
pub fn text(report: &Report<'_>) -> String {
    let mut lines = String::new();
    for remark in report.remarks {
        let finding = &remark.finding;
        let (mark, level) = (report.mark(remark), level(finding.severity));
        let place = format!("{}:{}:{}", report.file, mark.line, mark.column);
        lines.push_str(&format!("{place}: {level}[{}] {}\n", finding.rule, finding.message));
        if let Some(hint) = &finding.hint {
            lines.push_str(&format!("  hint: {hint}\n"));
        }
        match &remark.fix {
            Some(fix) if fix.grants => lines.push_str("  fix: `--fix` repairs it; it is a grant, and asks\n"),
            Some(_) => lines.push_str("  fix: `--fix` repairs it\n"),
            None => {}
        }
    }
    lines
}
