//! Usernames, groups, and their placeholders.

use alloc::format;
use alloc::string::{String, ToString as _};

use super::principals::odd_letters;
use super::row::Row;
use super::{Context, Remark, Remarks, nearest, rules, shown};
use crate::arn::{Arn, PrincipalKind};
use crate::aws_auth::Principal;
use crate::finding::Severity;
use crate::node_instance::NODE_USERNAME_PREFIX;
use crate::template::{Placeholder, Template};
use crate::yaml::{Mark, Node, Style, Value};

/// Username prefixes that EKS reserves for itself.
const EKS_PREFIXES: [&str; 4] = ["eks:", "aws:", "amazon:", "iam:"];

pub(super) fn lint(row: &Row<'_>, context: &Context, remarks: &mut Remarks) {
    if row.node.entries().is_none() {
        return;
    }
    username(row, remarks);
    groups(row, context, remarks);
    if let Some(node) = row.find("userid").filter(|node| !node.is_null() && node.as_text().is_none()) {
        remarks.push(wrong_type(row, node, "userid", "a text"));
    }
}

fn username(row: &Row<'_>, remarks: &mut Remarks) {
    let section = row.section();
    let node = row.find("username");
    let mark = node.map_or(row.node.mark, |node| node.mark);
    if let Some(node) = node.filter(|node| !node.is_null() && node.as_text().is_none()) {
        remarks.push(wrong_type(row, node, "username", "a text"));
        return;
    }
    let name = row.username();
    if name.is_empty() {
        let mark = node.filter(|node| !node.is_null()).map_or(row.node.mark, |node| node.mark);
        let message = String::from("the row has no username");
        remarks.push(Remark::at(&rules::USERNAME_MISSING, section, mark, message));
        return;
    }
    text(row, name, mark, remarks);
    reserved(row, name, mark, remarks);
    let template = Template::parse(name);
    let is_role = !matches!(row.principal(), Some(Principal::Arn(arn)) if !has_session(arn));
    if !is_role && (template.needs(Placeholder::Ec2PrivateDnsName) || is_session_name(name)) {
        let message = format!("`{}` has no value for this principal: nobody gets in", shown(name));
        remarks.push(Remark::at(&rules::UNREACHABLE_ROW, section, mark, message));
    } else if !is_role && names_session(&template) {
        let message = format!("this principal has no session name, so that `{}` ends up without it", shown(name));
        remarks.push(Remark::at(&rules::PLACEHOLDER_PLACE, section, mark, message));
    } else if is_role && is_session_name(name) {
        let message = String::from("callers choose their username themselves: the session name");
        let hint = format!("put a prefix of the role's own before it, such as `dev:{name}`");
        let remark = Remark::at(&rules::SESSION_CHOSEN, section, mark, message).severity(Severity::Note);
        remarks.push(remark.hint(hint));
    }
}

fn has_session(arn: &Arn) -> bool {
    matches!(arn.kind(), PrincipalKind::Role | PrincipalKind::AssumedRole)
}

fn is_session_name(name: &str) -> bool {
    matches!(name, "{{SessionName}}" | "{{SessionNameRaw}}")
}

fn names_session(template: &Template) -> bool {
    template.needs(Placeholder::SessionName) || template.needs(Placeholder::SessionNameRaw)
}

fn reserved(row: &Row<'_>, name: &str, mark: Mark, remarks: &mut Remarks) {
    let at = |message| Remark::at(&rules::RESERVED_USERNAME, row.section(), mark, message);
    if let Some(prefix) = EKS_PREFIXES.into_iter().find(|prefix| name.starts_with(prefix)) {
        let message = format!("usernames that begin with `{prefix}` are reserved for EKS");
        remarks.push(at(message).severity(Severity::Note));
    } else if name.starts_with("system:") && !(name.starts_with(NODE_USERNAME_PREFIX) && row.has_group("system:nodes"))
    {
        remarks.push(at(format!("`{}` is a name for a component of Kubernetes", shown(name))));
    }
}

fn groups(row: &Row<'_>, context: &Context, remarks: &mut Remarks) {
    let section = row.section();
    let node = row.find("groups").filter(|node| !node.is_null());
    if let Some(node) = node.filter(|node| node.as_sequence().is_none()) {
        let remark = wrong_type(row, node, "groups", "a list of texts");
        remarks.push(remark.fix(None).hint(String::from("write one group per line, each after `- `")));
        return;
    }
    if row.groups().is_empty() {
        let mark = node.map_or(row.node.mark, |node| node.mark);
        let message = String::from("the row gives no groups");
        remarks.push(Remark::at(&rules::GROUPS_EMPTY, section, mark, message));
    }
    for item in row.groups() {
        match item.as_text() {
            Some("") => {
                let message = String::from("a group has no name");
                remarks.push(Remark::at(&rules::GROUP_EMPTY, section, item.mark, message));
            }
            None if item.is_null() => {
                let message = String::from("a group has no name: the row can't be read");
                let remark = Remark::at(&rules::GROUP_EMPTY, section, item.mark, message);
                remarks.push(remark.severity(Severity::Block));
            }
            None => remarks.push(wrong_type(row, item, "groups", "a list of texts")),
            Some(group) => of_group(row, group, item.mark, context, remarks),
        }
    }
}

fn of_group(row: &Row<'_>, group: &str, mark: Mark, context: &Context, remarks: &mut Remarks) {
    let at = |rule, message| Remark::at(rule, row.section(), mark, message);
    let group_shown = shown(group);
    text(row, group, mark, remarks);
    if group.contains(" - ") {
        let message = format!("two list items have become the one group `{group_shown}`");
        remarks.push(at(&rules::GROUP_BLANK, message).hint("give all items the same indent".to_string()));
    } else if group.chars().any(char::is_whitespace) {
        remarks.push(at(&rules::GROUP_BLANK, format!("group `{group_shown}` has a blank in its name")));
    }
    if group == "system:masters" {
        let message = String::from("`system:masters` may do everything, whatever roles and bindings say");
        remarks.push(at(&rules::SYSTEM_MASTERS, message));
    }
    if group.contains("{{") {
        let template = Template::parse(group);
        if names_session(&template) {
            remarks.push(at(&rules::SESSION_CHOSEN, format!("callers choose the group `{group_shown}` themselves")));
        }
        if template.needs(Placeholder::Ec2PrivateDnsName) {
            let message = format!("a group by instance needs a look-up for every login: `{group_shown}`");
            remarks.push(at(&rules::PLACEHOLDER_PLACE, message));
        }
    }
    let is_bound = |bound: &alloc::collections::BTreeSet<String>| bound.contains(group);
    let is_judged = !group.starts_with("system:") && !group.contains("{{");
    if is_judged && context.bound_groups.as_ref().is_some_and(|bound| !is_bound(bound)) {
        remarks.push(at(&rules::UNBOUND_GROUP, format!("no binding names group `{group_shown}`")));
    }
}

/// What can be wrong with the letters of any username or group.
fn text(row: &Row<'_>, text: &str, mark: Mark, remarks: &mut Remarks) {
    if let Some(remark) = odd_letters(text, row.section(), mark) {
        remarks.push(remark.severity(Severity::Warn));
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let (name, next) = after.split_once("}}").unwrap_or((after, ""));
        rest = next;
        let known = Placeholder::ALL.map(|(_, known)| known);
        if known.iter().any(|known| known.strip_prefix("{{").and_then(|known| known.strip_suffix("}}")) == Some(name)) {
            continue;
        }
        let written = format!("{{{{{}}}}}", shown(name));
        let meant = nearest(&written.replace(' ', ""), known);
        let message = format!("`{written}` is no placeholder: it stays as it is");
        let remark = Remark::at(&rules::PLACEHOLDER_UNKNOWN, row.section(), mark, message);
        remarks.push(remark.hint(meant.map(|known| format!("did you mean `{known}`?"))));
        // One is enough for a text.
        return;
    }
}

/// A value of the wrong kind; quotes make a text of a number or word, and the row alive.
fn wrong_type(row: &Row<'_>, node: &Node, key: &str, wanted: &str) -> Remark {
    let section = row.section();
    let is_braced = node.place.style == Style::Flow && row.source.written(node).starts_with("{{");
    let is_scalar = matches!(node.value, Value::Scalar { .. });
    let fix = if is_braced || is_scalar { row.quote(node, true) } else { None };
    if is_braced {
        let message = format!("a value of `{key}` that begins with `{{{{` must be in quotes");
        return Remark::at(&rules::PLACEHOLDER_UNQUOTED, section, node.mark, message).fix(fix);
    }
    let message = format!("`{key}` must be {wanted}, this is {}", node.describe());
    Remark::at(&rules::WRONG_TYPE, section, node.mark, message).fix(fix)
}
