//! Answers in words, in tables and in JSON. No text of somebody else moves the cursor.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{CanI, Doubt, Explanation, GroupLink, Name, Origin, Right, Rights, Verdict, Way, WhoCan};
use crate::listing::{Listed, aligned};
use crate::rbac::{Allowed, Bound, Chain, Given, NotJudged, RbacRef, Rule, Subject};
use crate::shown::printable;

/// Most things of a sort that a text for people names.
const SHOWN: usize = 8;

fn lines<T>(items: &[T], line: impl Fn(&T) -> String) -> String {
    items.iter().map(|item| line(item) + "\n").collect()
}

fn pretty(value: &Value) -> String {
    // Texts and numbers can always be written.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// Names between backticks, with commas.
fn quoted<'t>(names: impl Iterator<Item = Cow<'t, str>>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{}`", printable(&name))).collect();
    names.join(", ")
}

fn words(texts: &[alloc::sync::Arc<str>]) -> String {
    let more = texts.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = texts.iter().take(SHOWN).map(|text| printable(text).into_owned()).collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}

/// What a rule allows, in one line.
fn rule_text(rule: &Rule) -> String {
    let mut text = words(&rule.verbs);
    text += " on ";
    if !rule.non_resource_urls.is_empty() {
        return text + &words(&rule.non_resource_urls);
    }
    text += &words(&rule.resources);
    let groups: Vec<_> = rule.api_groups.iter().filter(|group| !group.is_empty()).cloned().collect();
    if !groups.is_empty() {
        text += &format!(" of {}", words(&groups));
    }
    if !rule.resource_names.is_empty() {
        text += &format!(" named {}", words(&rule.resource_names));
    }
    text
}

fn chain_text(chain: &Chain<'_>) -> String {
    match chain {
        Chain::Masters => "group `system:masters` may do everything".to_owned(),
        Chain::Bound { subject, binding, role, rules } => {
            let rules = rules.iter().filter_map(|at| Some((at + 1, role.rules.get(*at)?)));
            let rules: Vec<_> =
                rules.take(SHOWN).map(|(number, rule)| format!("rule {number}: {}", rule_text(rule))).collect();
            format!("{subject} → {} → {}, {}", binding.reference(), role.reference(), rules.join("; "))
        }
    }
}

fn place(way: &Way) -> String {
    match way.line {
        Some(line) => format!("line {line} of {}", way.section),
        None => way.section.to_string(),
    }
}

fn way_text(way: &Way) -> String {
    let groups = quoted(way.groups.iter().map(Name::text));
    let groups = if groups.is_empty() { "no group".to_owned() } else { format!("groups {groups}") };
    format!("{}: username `{}`, {groups}", place(way), printable(&way.username.text()))
}

fn ways_text(ways: &[Option<Way>], word: &str, doubts: &[Doubt<'_>]) -> String {
    let none = if doubts.iter().any(Doubt::hides_rows) { "unknown" } else { "none: no row lets it in" };
    lines(ways, |way| format!("{word:<8} {}", way.as_ref().map_or_else(|| none.to_owned(), way_text)))
}

fn doubts_text(doubts: &[Doubt<'_>]) -> String {
    lines(doubts, |doubt| format!("unknown  {doubt}"))
}

fn reference_json(reference: &RbacRef) -> Value {
    json!({ "kind": reference.kind.name(), "namespace": reference.namespace, "name": reference.name })
}

fn subject_json(subject: &Subject) -> Value {
    match subject {
        Subject::Group(name) => json!({ "kind": "Group", "name": **name }),
        Subject::User(name) => json!({ "kind": "User", "name": **name }),
        Subject::ServiceAccount { namespace, name } => {
            json!({ "kind": "ServiceAccount", "namespace": **namespace, "name": **name })
        }
    }
}

fn rule_json(rule: &Rule) -> Value {
    let texts = |texts: &[alloc::sync::Arc<str>]| texts.iter().map(|text| Value::from(&**text)).collect::<Vec<_>>();
    json!({
        "verbs": texts(&rule.verbs),
        "apiGroups": texts(&rule.api_groups),
        "resources": texts(&rule.resources),
        "resourceNames": texts(&rule.resource_names),
        "nonResourceURLs": texts(&rule.non_resource_urls),
    })
}

fn chain_json(chain: &Chain<'_>) -> Value {
    match chain {
        Chain::Masters => json!({ "subject": { "kind": "Group", "name": "system:masters" } }),
        Chain::Bound { subject, binding, role, rules } => {
            let rules = rules.iter().filter_map(|at| role.rules.get(*at)).map(rule_json).collect::<Vec<_>>();
            json!({
                "subject": subject_json(subject),
                "binding": reference_json(&binding.reference()),
                "role": reference_json(&role.reference()),
                "rules": rules,
            })
        }
    }
}

fn chains_json(chains: &[Chain<'_>]) -> Vec<Value> {
    chains.iter().map(chain_json).collect()
}

fn name_json(name: &Name) -> Value {
    json!({ "name": name.text(), "isPattern": name.known().is_none() })
}

fn way_json(way: &Way) -> Value {
    json!({
        "section": way.section.as_str(),
        "line": way.line,
        "username": name_json(&way.username),
        "groups": way.groups.iter().map(name_json).collect::<Vec<_>>(),
    })
}

fn ways_json(ways: &[Option<Way>]) -> Vec<Value> {
    ways.iter().map(|way| way.as_ref().map_or(Value::Null, way_json)).collect()
}

fn doubts_json(doubts: &[Doubt<'_>]) -> Vec<Value> {
    doubts.iter().map(|doubt| doubt.to_string().into()).collect()
}

fn not_judged_json(not_judged: &[NotJudged]) -> Vec<Value> {
    not_judged.iter().map(|one| one.to_string().into()).collect()
}

impl CanI<'_> {
    /// For people: the answer in the first line, and below it why.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}", self.verdict.as_str(), ways_text(&self.ways, "row", &self.doubts));
        text += &lines(&self.chains, |chain| format!("granted  {}", chain_text(chain)));
        text += &doubts_text(&self.doubts);
        if self.verdict == Verdict::No {
            if self.ways.iter().any(Option::is_some) {
                text += "rbac     nothing that is bound to this user or its groups allows it\n";
            }
            text += &lines(&self.not_judged, |one| format!("besides  not judged: {one}"));
        }
        text
    }

    /// For programs: one JSON object.
    pub fn json(&self) -> String {
        pretty(&json!({
            "answer": self.verdict.as_str(),
            "ways": ways_json(&self.ways),
            "chains": chains_json(&self.chains),
            "unknown": doubts_json(&self.doubts),
            "notJudged": not_judged_json(&self.not_judged),
        }))
    }
}

impl WhoCan<'_> {
    /// For people: IAM principals, then other subjects, then what is unknown.
    pub fn text(&self) -> String {
        let by = |chain: Option<&Chain<'_>>| match chain {
            Some(Chain::Masters) | None => "group `system:masters`".to_owned(),
            Some(Chain::Bound { subject, binding, role, .. }) => {
                format!("{subject} → {} → {}", binding.reference(), role.reference())
            }
        };
        let sure = |doubt: Option<&Doubt<'_>>| if doubt.is_none() { "yes" } else { "perhaps" }.to_owned();
        let principals = self.principals.iter().map(|holder| {
            let username = holder.way.username.text().into_owned();
            [
                holder.principal.clone(),
                place(&holder.way),
                username,
                sure(holder.doubt.as_ref()),
                by(holder.chains.first()),
            ]
            .into()
        });
        let mut text = String::new();
        if self.principals.is_empty() {
            text += "no row of aws-auth lets in anybody who may\n";
        } else {
            text += &aligned(&["PRINCIPAL", "ROW", "USERNAME", "CAN", "BY"], principals);
        }
        if !self.subjects.is_empty() {
            let subject = |allowed: &Allowed<'_>| {
                let (kind, name) = match &allowed.subject {
                    Subject::Group(name) => ("Group", name.to_string()),
                    Subject::User(name) => ("User", name.to_string()),
                    Subject::ServiceAccount { namespace, name } => ("ServiceAccount", format!("{namespace}/{name}")),
                };
                let by = match allowed.chains.first() {
                    Some(Chain::Bound { binding, role, .. }) => {
                        format!("{} → {}", binding.reference(), role.reference())
                    }
                    Some(Chain::Masters) | None => "may do everything".to_owned(),
                };
                [kind.to_owned(), name, by].into()
            };
            text += "\n";
            text += &aligned(&["SUBJECT", "NAME", "BY"], self.subjects.iter().map(subject));
        }
        let holders = self.principals.iter().filter_map(|holder| Some((holder, holder.doubt.as_ref()?)));
        let perhaps: String =
            holders.map(|(holder, doubt)| format!("perhaps  {}: {doubt}\n", printable(&holder.principal))).collect();
        let unknown = perhaps + &doubts_text(&self.doubts);
        if unknown.is_empty() { text } else { format!("{text}\n{unknown}") }
    }

    /// For programs: one JSON object.
    pub fn json(&self) -> String {
        let principals: Vec<_> = self
            .principals
            .iter()
            .map(|holder| {
                json!({
                    "principal": holder.principal,
                    "way": way_json(&holder.way),
                    "chains": chains_json(&holder.chains),
                    "certain": holder.doubt.is_none(),
                    "doubt": holder.doubt.as_ref().map(ToString::to_string),
                })
            })
            .collect();
        let subject = |allowed: &Allowed<'_>| json!({ "subject": subject_json(&allowed.subject), "chains": chains_json(&allowed.chains) });
        let subjects: Vec<_> = self.subjects.iter().map(subject).collect();
        pretty(&json!({ "principals": principals, "subjects": subjects, "unknown": doubts_json(&self.doubts) }))
    }
}

fn bound_text(bound: &Bound<'_>) -> String {
    let (binding, role) = (bound.binding.reference(), bound.binding.role_reference());
    let link = format!("  → {binding} → {role}");
    match bound.role {
        Given::Dangling => format!("{link}: missing: there is no such role\n"),
        Given::Unread(why) => format!("{link}: unknown: it was not read: {}\n", printable(why)),
        Given::Found(role) if role.rules.is_empty() => format!("{link}: it has no rules\n"),
        Given::Found(role) => {
            let more = role.rules.len().saturating_sub(SHOWN);
            let rules = role.rules.iter().take(SHOWN).map(|rule| format!("      {}\n", rule_text(rule)));
            let more = if more > 0 { format!("      and {more} rules more\n") } else { String::new() };
            format!("{link}\n{}{more}", rules.collect::<String>())
        }
    }
}

fn row_text(row: &Listed) -> String {
    let place = match (row.section, row.line) {
        (Some(section), Some(line)) => format!("line {line} of {section}"),
        _ => row.source.as_str().to_owned(),
    };
    let why = match (&row.problem, row.shadowed_by) {
        (Some(problem), _) => format!(": {}", printable(problem)),
        (None, Some(by)) => format!(" by {by}"),
        (None, None) => String::new(),
    };
    format!("row      {place}: `{}` {}{why}", printable(&row.subject.text()), row.status.as_str())
}

impl Explanation<'_> {
    fn link_text(link: &GroupLink<'_>, unread: &[Doubt<'_>]) -> String {
        let kind = if link.origin == Origin::Username { "user" } else { "group" };
        let added = if link.origin == Origin::Added { ", added by kube-apiserver" } else { "" };
        let form = if link.name.known().is_none() { ", of which the login tells the rest" } else { "" };
        let mut text = format!("{kind} `{}`{added}{form}\n", printable(&link.name.text()));
        match (link.bound.is_empty(), link.is_masters()) {
            (_, true) => text += "  may do everything: kube-apiserver does not ask RBAC about this group\n",
            (true, false) if unread.is_empty() => text += "  nothing is bound to it\n",
            (true, false) => text += "  nothing that was read is bound to it\n",
            (false, false) => {}
        }
        text + &link.bound.iter().map(bound_text).collect::<String>()
    }

    /// For people: link by link.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", printable(&self.canonical));
        text += &lines(&self.rows, row_text);
        if self.rows.is_empty() && self.ways.iter().all(Option::is_none) && !self.doubts.iter().any(Doubt::hides_rows) {
            text += "row      missing: aws-auth has none about it\n";
        }
        text += &ways_text(&self.ways, "user", &self.doubts);
        text += &doubts_text(&self.doubts);
        let unread: Vec<_> = self.doubts.iter().filter(|doubt| matches!(doubt, Doubt::Rbac(_))).cloned().collect();
        for link in &self.links {
            text += "\n";
            text += &Self::link_text(link, &unread);
        }
        text
    }

    /// For programs: one JSON object.
    pub fn json(&self) -> String {
        let bound = |bound: &Bound<'_>| {
            let (state, rules) = match bound.role {
                Given::Found(role) => ("found", role.rules.iter().map(rule_json).collect()),
                Given::Dangling => ("missing", Vec::new()),
                Given::Unread(_) => ("unread", Vec::new()),
            };
            json!({
                "subject": subject_json(bound.subject),
                "binding": reference_json(&bound.binding.reference()),
                "role": reference_json(&bound.binding.role_reference()),
                "roleIs": state,
                "rules": rules,
            })
        };
        let link = |link: &GroupLink<'_>| {
            let origin = match link.origin {
                Origin::Username => "username",
                Origin::Group => "group",
                Origin::Added => "added",
            };
            let bound: Vec<_> = link.bound.iter().map(bound).collect();
            json!({ "of": origin, "name": name_json(&link.name), "isMasters": link.is_masters(), "bound": bound })
        };
        pretty(&json!({
            "principal": self.canonical,
            "rows": serde_json::to_value(&self.rows).unwrap_or_default(),
            "ways": ways_json(&self.ways),
            "links": self.links.iter().map(link).collect::<Vec<_>>(),
            "unknown": doubts_json(&self.doubts),
            "notJudged": not_judged_json(&self.not_judged),
        }))
    }
}

type Column = (&'static str, fn(&Right) -> String);

const USUAL: [Column; 4] = [
    ("PRINCIPAL", |right| right.principal.clone()),
    ("NAMESPACE", |right| right.namespace.clone().unwrap_or_else(|| "*".to_owned())),
    ("ACCESS", |right| right.access.clone()),
    ("ROLES", |right| right.roles.join(",")),
];

const WIDE: [Column; 3] = [
    ("USERNAME", |right| right.username.clone()),
    ("GROUPS", |right| right.groups.join(",")),
    ("ROW", |right| match (right.section, right.line) {
        (Some(section), Some(line)) => format!("{section}:{line}"),
        (Some(section), None) => section.to_string(),
        (None, _) => String::new(),
    }),
];

impl Rights<'_> {
    /// A table; a wide one shows username, groups and row too.
    pub fn table(&self, is_wide: bool) -> String {
        let columns: Vec<_> = USUAL.iter().chain(WIDE.iter().filter(|_| is_wide)).collect();
        let headers: Vec<&str> = columns.iter().map(|(header, _)| *header).collect();
        aligned(&headers, self.rights.iter().map(|right| columns.iter().map(|(_, cell)| cell(right)).collect()))
    }

    /// What is not known, a line each.
    pub fn unknown(&self) -> String {
        doubts_text(&self.doubts)
    }

    /// Comma-separated values (RFC 4180) with a header.
    pub fn csv(&self) -> String {
        let columns: Vec<_> = USUAL.iter().chain(&WIDE).collect();
        let headers: Vec<String> = columns.iter().map(|(header, _)| header.to_ascii_lowercase()).collect();
        let mut text = headers.join(",") + "\r\n";
        for right in &self.rights {
            let cells: Vec<_> = columns.iter().map(|(_, cell)| csv_cell(&cell(right))).collect();
            text += &(cells.join(",") + "\r\n");
        }
        text
    }

    /// One JSON object.
    pub fn json(&self) -> String {
        let rights = serde_json::to_value(&self.rights).unwrap_or_default();
        pretty(&json!({ "rights": rights, "unknown": doubts_json(&self.doubts) }))
    }
}

/// A cell of a table for other programs: a spreadsheet must not take it for a formula.
fn csv_cell(text: &str) -> String {
    let text = printable(text);
    let formula = if text.len() > 1 && text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    match text.contains([',', '"', '\'']) || !formula.is_empty() {
        true => format!("\"{formula}{}\"", text.replace('"', "\"\"")),
        false => text.into_owned(),
    }
}
