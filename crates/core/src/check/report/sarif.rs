//! SARIF 2.1.0 (OASIS), as code scanning reads it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{Report, level};
use crate::check::{RULES, Rule};

/// One run of one tool. Only the rules that fired are described.
pub fn sarif(report: &Report<'_>) -> String {
    let fired = |rule: &&&Rule| report.remarks.iter().any(|remark| remark.finding.rule == rule.id);
    let rules: Vec<&Rule> = RULES.iter().filter(fired).copied().collect();
    let results: Vec<Value> = report.remarks.iter().map(|remark| result(report, &rules, remark)).collect();
    let driver = json!({
        "name": "kube-iam",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(|rule| described(rule)).collect::<Vec<_>>(),
    });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    });
    format!("{log:#}\n")
}

fn described(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": rule.why },
        "help": { "text": rule.repair, "markdown": rule.page() },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(report: &Report<'_>, rules: &[&Rule], remark: &crate::check::Remark) -> Value {
    let finding = &remark.finding;
    let mut place = json!({ "artifactLocation": { "uri": uri(&report.text_name(remark)) } });
    if let (Some(mark), Some(place)) = (report.mark(remark), place.as_object_mut()) {
        place.insert("region".into(), json!({ "startLine": mark.line, "startColumn": mark.column }));
    }
    let message = match &finding.hint {
        Some(hint) => format!("{} ({hint})", finding.message),
        None => finding.message.clone(),
    };
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rules.iter().position(|rule| rule.id == finding.rule),
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [{ "physicalLocation": place }],
    })
}

/// A path as a relative or absolute URI reference (RFC 3986, section 3.3).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            b'\\' => uri.push('/'),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
