//! The data as a whole, and whether its sections can be read.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString as _};

use super::{Remark, Remarks, nearest, rules, shown};
use crate::aws_auth::Section;
use crate::finding::Severity;
use crate::limits;
use crate::yaml::{self, Mark, Node};

pub(super) fn lint(data: &BTreeMap<String, String>, remarks: &mut Remarks) {
    let names = Section::ALL.map(Section::as_str);
    let mut misspelt = 0;
    for key in data.keys().filter(|key| !names.contains(&key.as_str())) {
        let key_shown = shown(key);
        let remark = match nearest(key, names) {
            Some(name) => {
                misspelt += usize::from(name == Section::MapRoles.as_str());
                let message = format!("data key `{key_shown}` is not read; its rows have no effect");
                Remark::new(&rules::DATA_KEY_MISSPELT, None, None, message).hint(format!("did you mean `{name}`?"))
            }
            None => {
                let message = format!("no authenticator reads data key `{key_shown}`");
                Remark::new(&rules::DATA_KEY_UNKNOWN, None, None, message)
            }
        };
        remarks.push(remark);
    }
    let has = |section: Section| data.contains_key(section.as_str());
    if misspelt == 0 && !has(Section::MapRoles) && (has(Section::MapUsers) || has(Section::MapAccounts)) {
        let message = String::from("there is no `mapRoles`: its rows count as deleted");
        let hint = String::from("restore it; if no role is to be let in, write `mapRoles: \"[]\"`");
        remarks.push(Remark::new(&rules::SECTION_MISSING, None, None, message).hint(hint));
    }
    size(data, remarks);
}

/// Keys and values both count, as in the API server.
fn size(data: &BTreeMap<String, String>, remarks: &mut Remarks) {
    let bytes: usize = data.iter().map(|(key, text)| key.len() + text.len()).sum();
    let limit = limits::CONFIG_MAP_BYTES;
    let severity = match bytes {
        _ if bytes > limit => Severity::Block,
        _ if bytes >= limit / 10 * 9 => Severity::Warn,
        _ => return,
    };
    let message = format!("the data has {bytes} bytes of at most {limit}");
    remarks.push(Remark::new(&rules::SIZE, None, None, message).severity(severity));
}

/// Reads one section into a list; says why where that fails.
pub(super) fn read(section: Section, text: &str, remarks: &mut Remarks) -> Option<Rc<Node>> {
    if matches!(text.trim(), "\"\"" | "''" | "``") {
        let message = String::from("the section holds a pair of quotes and nothing else: it is empty");
        let mark = Mark { line: 1, column: 1 };
        remarks.push(Remark::at(&rules::QUOTED_EMPTY, section, mark, message).hint("write `[]`".to_string()));
        return None;
    }
    if text.trim().is_empty() {
        return None;
    }
    let root = match yaml::parse(text) {
        Ok(root) => root?,
        Err(error) => {
            remarks.push(unreadable(section, text, &error));
            return None;
        }
    };
    second_document(section, text, &root, remarks);
    if root.is_null() {
        return None;
    }
    if root.as_sequence().is_none() {
        let message = format!("`{section}` must be a list, this is {}", root.describe());
        let hint = String::from("begin every row with `- `");
        remarks.push(Remark::at(&rules::NOT_A_LIST, section, root.mark, message).hint(hint));
        return None;
    }
    Some(root)
}

fn unreadable(section: Section, text: &str, error: &yaml::YamlError) -> Remark {
    // The parser may notice a line early or late.
    let near = || text.lines().enumerate().skip(error.mark.line.saturating_sub(2)).take(3);
    let brace = |line: &str| line.find(": {{").or_else(|| line.find("- {{")).map(|offset| offset + 2);
    if let Some((index, offset, line)) = near().find_map(|(index, line)| Some((index, brace(line)?, line))) {
        let column = line.get(..offset).unwrap_or_default().chars().count() + 1;
        let message = format!("`{section}` is not readable: a value that begins with `{{{{` must be in quotes");
        return Remark::at(&rules::PLACEHOLDER_UNQUOTED, section, Mark { line: index + 1, column }, message);
    }
    let tab = near().any(|(_, line)| line.trim_start_matches(' ').starts_with('\t'));
    let hint = if tab { "indent with blanks, not with tabs" } else { "look at this line and the one above it" };
    let message = format!("`{section}` is not readable: {}", shown(&error.reason));
    Remark::at(&rules::SYNTAX, section, error.mark, message).hint(hint.to_string())
}

/// Rows after the end of the first document.
fn second_document(section: Section, text: &str, root: &Node, remarks: &mut Remarks) {
    let is_separator =
        |line: &str| line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    let has_content = |line: &str| !matches!(line.trim(), "" | "---" | "...") && !line.trim().starts_with('#');
    let after = text.get(root.place.end..).unwrap_or_default();
    let number = text.get(..root.place.end).unwrap_or_default().matches('\n').count() + 1;
    let mut lines = after.lines().map(str::trim_end).enumerate().skip_while(|(_, line)| !is_separator(line));
    let Some((offset, _)) = lines.next() else { return };
    if lines.any(|(_, line)| has_content(line)) {
        let message = String::from("what stands below `---` is not read");
        let mark = Mark { line: number + offset, column: 1 };
        remarks.push(Remark::at(&rules::SECOND_DOCUMENT, section, mark, message).hint("remove the line".to_string()));
    }
}
