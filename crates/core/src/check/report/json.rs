//! JSON for programs. Keys are only ever added.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::Report;
use crate::aws_auth::Section;
use crate::finding::Severity;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    file: &'a str,
    findings: Vec<WrittenFinding<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenFinding<'a> {
    rule: &'static str,
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<Section>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    fixable: bool,
    grants: bool,
}

/// `{"file": …, "findings": [{"rule", "severity", "line", "column", "section", "message", "hint", "fixable", "grants"}]}`;
/// what is about the whole of an object has no place. In an object lines are those of the section.
pub fn json(report: &Report<'_>) -> String {
    let findings = report.remarks.iter().map(|remark| {
        let (finding, mark) = (&remark.finding, report.mark(remark));
        WrittenFinding {
            rule: finding.rule,
            severity: finding.severity,
            line: mark.map(|mark| mark.line),
            column: mark.map(|mark| mark.column),
            section: finding.section,
            message: &finding.message,
            hint: finding.hint.as_deref(),
            fixable: remark.fix.is_some(),
            grants: remark.fix.as_ref().is_some_and(|fix| fix.grants),
        }
    });
    let written = Written { file: report.file, findings: findings.collect() };
    // Texts, numbers and flags: there is nothing that JSON could not hold.
    serde_json::to_string_pretty(&written).unwrap_or_default() + "\n"
}
