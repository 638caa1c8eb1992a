//! The keys of rows.

use alloc::format;
use alloc::rc::Rc;

use super::row::Row;
use super::{Remark, Remarks, nearest, rules, shown};
use crate::aws_auth::{RowError, Section};
use crate::yaml::{Node, Value};

const ROLE_KEYS: [&str; 5] = ["rolearn", "sso", "username", "groups", "userid"];
const USER_KEYS: [&str; 4] = ["userarn", "username", "groups", "userid"];
const SSO_KEYS: [&str; 3] = ["permissionSetName", "accountID", "partition"];
/// More keys than this are no row, and pairs of them would be too many.
const KEYS: usize = 64;

pub(super) fn lint(row: &Row<'_>, remarks: &mut Remarks) {
    if let Some(RowError::NotAMap(found)) = row.problem.as_ref().map(|problem| &problem.error) {
        let message = format!("a row must be a map of keys and values, this is {found}");
        remarks.push(Remark::at(&rules::ROW_NOT_A_MAP, row.section(), row.node.mark, message));
        return;
    }
    let known: &[&'static str] = if row.section() == Section::MapUsers { &USER_KEYS } else { &ROLE_KEYS };
    names(row, row.node, "", known, remarks);
    if let Some(sso) = row.find("sso").filter(|_| row.section() == Section::MapRoles) {
        names(row, sso, "sso.", &SSO_KEYS, remarks);
    }
    for repeated in &row.repeated {
        let message = format!("key `{}` stands twice in this row; only one counts", shown(&repeated.key));
        remarks.push(Remark::at(&rules::KEY_REPEATED, row.section(), repeated.mark, message));
    }
}

/// The keys that are written in this very map; merged ones are seen where they stand.
fn names(row: &Row<'_>, map: &Node, path: &str, known: &[&'static str], remarks: &mut Remarks) {
    let Value::Mapping(pairs) = &map.value else { return };
    for (key, _) in pairs.iter().take(KEYS) {
        let Some(text) = key.as_written().filter(|text| !known.contains(text) && *text != "<<") else { continue };
        let spelt = known.iter().find(|name| name.eq_ignore_ascii_case(text)).copied();
        let remark = match spelt {
            Some(name) => letter_case(row, pairs, key, path, name),
            None => unknown(row, key, path, text, known),
        };
        remarks.push(remark);
    }
}

fn letter_case(row: &Row<'_>, pairs: &[(Rc<Node>, Rc<Node>)], key: &Node, path: &str, name: &str) -> Remark {
    let message = format!("key `{path}{}` is spelt `{path}{name}`", key.as_written().unwrap_or_default());
    // With a second spelling in the row another value could win.
    let twins = pairs.iter().filter_map(|(key, _)| key.as_written()).filter(|key| key.eq_ignore_ascii_case(name));
    let fix = if pairs.len() <= KEYS && twins.count() == 1 { row.respell(key, name, false) } else { None };
    Remark::at(&rules::KEY_CASE, row.section(), key.mark, message).fix(fix)
}

fn unknown(row: &Row<'_>, key: &Node, path: &str, text: &str, known: &[&'static str]) -> Remark {
    let section = row.section();
    let text_shown = shown(text);
    let other: &[&str] = if section == Section::MapUsers { &["rolearn", "sso"] } else { &["userarn"] };
    if path.is_empty() && other.iter().any(|name| name.eq_ignore_ascii_case(text)) {
        let message = format!("key `{text_shown}` is not read in `{section}`");
        let home = if section == Section::MapUsers { Section::MapRoles } else { Section::MapUsers };
        let hint = format!("move the row to `{home}`");
        return Remark::at(&rules::KEY_OTHER_SECTION, section, key.mark, message).hint(hint);
    }
    match nearest(text, known.iter().copied()) {
        Some(name) => {
            let message = format!("unknown key `{path}{text_shown}`: it has no effect");
            let hint = format!("did you mean `{path}{name}`?");
            Remark::at(&rules::KEY_MISSPELT, section, key.mark, message).hint(hint)
        }
        None => {
            let message = format!("no authenticator reads key `{path}{text_shown}`");
            Remark::at(&rules::KEY_UNKNOWN, section, key.mark, message)
        }
    }
}
