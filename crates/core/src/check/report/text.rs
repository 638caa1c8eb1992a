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
        let mark = mark.map(|mark| format!(":{}:{}", mark.line, mark.column)).unwrap_or_default();
        let place = format!("{}{mark}", report.text_name(remark));
        lines.push_str(&format!("{place}: {level}[{}] {}\n", finding.rule, finding.message));
        if let Some(hint) = &finding.hint {
            lines.push_str(&format!("  hint: {hint}\n"));
        }
        match &remark.fix {
            Some(fix) if fix.grants => {
                lines.push_str("  fix: `--fix --grants`; it may let somebody in who is not let in today\n");
            }
            Some(_) => lines.push_str("  fix: `--fix`\n"),
            None => {}
        }
    }
    lines
}
