//! JSON as Go indents it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::arn_key;
use crate::eksctl::get::Shown;
use crate::eksctl::go_text::json as text;

pub(super) fn print(rows: &[Shown]) -> String {
    list(rows.iter().map(object).collect(), "", '[', ']')
}

fn object(row: &Shown) -> String {
    let mut fields = Vec::new();
    let mut field = |key: &str, value: &str| {
        if !value.is_empty() {
            fields.push(format!("\"{key}\": {value}"));
        }
    };
    let given = |value: &str| if value.is_empty() { String::new() } else { text(value) };
    field(arn_key(row), &given(&row.arn));
    field("username", &given(&row.username));
    if !row.groups.is_empty() {
        field("groups", &list(row.groups.iter().map(|group| text(group)).collect(), "        ", '[', ']'));
    }
    field("account", &given(row.account.as_deref().unwrap_or_default()));
    list(fields, "    ", '{', '}')
}

/// Items on lines of their own, four columns deeper than `indent`.
fn list(items: Vec<String>, indent: &str, open: char, close: char) -> String {
    if items.is_empty() {
        return String::from_iter([open, close]);
    }
    let items: Vec<_> = items.into_iter().map(|item| format!("{indent}    {item}")).collect();
    format!("{open}\n{}\n{indent}{close}", items.join(",\n"))
}
