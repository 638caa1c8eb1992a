//! YAML as Go writes it: keys sorted, lists flush with their key.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::arn_key;
use super::yaml_text::scalar;
use crate::eksctl::get::Shown;

/// Where values go on in the next line: under a key of an item.
const INDENT: usize = 4;

pub(super) fn print(rows: &[Shown]) -> String {
    match rows.is_empty() {
        true => "[]\n".to_string(),
        false => rows.iter().map(item).collect(),
    }
}

fn item(row: &Shown) -> String {
    let field = |key: &str, value: &str| {
        let start = format!("{key}: ");
        (!value.is_empty()).then(|| format!("{start}{}", scalar(value, 2 + start.len(), INDENT)))
    };
    let mut lines = Vec::new();
    lines.extend(field("account", row.account.as_deref().unwrap_or_default()));
    lines.extend((!row.groups.is_empty()).then(|| "groups:".to_string()));
    lines.extend(row.groups.iter().map(|group| format!("- {}", scalar(group, 4, INDENT))));
    lines.extend(field(arn_key(row), &row.arn));
    lines.extend(field("username", &row.username));
    match lines.is_empty() {
        true => "- {}\n".to_string(),
        false => format!("- {}\n", lines.join("\n  ")),
    }
}
