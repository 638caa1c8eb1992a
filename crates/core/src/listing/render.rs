//! Mappings for programs.

use alloc::format;
use alloc::string::{String, ToString as _};

use hashbrown::HashSet;

use super::{Listed, Source, Status, Subject};
use crate::change::Whom;
use crate::desired::{API_VERSION, KIND};
use crate::shown::printable;
use crate::yaml::edit::{Context, scalar};

/// A JSON array with an object for each mapping, in the fields of [`Listed`].
pub fn json(listed: &[Listed]) -> String {
    // Texts and numbers can always be written.
    serde_json::to_string_pretty(listed).unwrap_or_default() + "\n"
}

/// The principals, one a line and each once.
pub fn names(listed: &[Listed]) -> String {
    let mut seen: HashSet<String, foldhash::fast::FixedState> = HashSet::default();
    let named = listed.iter().filter(|row| !matches!(row.subject, Subject::Nobody(_)));
    let lines = named.map(|row| format!("{}\n", printable(&row.subject.text())));
    lines.filter(|line| seen.insert(line.clone())).collect()
}

/// A desired-state file. Applied to the document it comes from, it changes
/// nothing. What such a file can't hold is told in comments at its end.
pub fn yaml(listed: &[Listed]) -> String {
    let (mut list, mut left_out) = (String::new(), String::new());
    for row in listed {
        match reason_against(row) {
            None => list += &item(row),
            Some(reason) => {
                let place = match (row.section, row.line) {
                    (Some(section), Some(line)) => format!("{section}, line {line}: "),
                    _ => String::new(),
                };
                let subject = row.subject.text();
                left_out += &format!("# left out: {place}{} ({})\n", printable(&subject), printable(&reason));
            }
        }
    }
    let list = if list.is_empty() { String::from(" []\n") } else { format!("\n{list}") };
    format!("apiVersion: {API_VERSION}\nkind: {KIND}\nmappings:{list}{left_out}")
}

/// Why a mapping can't be in the file.
fn reason_against(row: &Listed) -> Option<String> {
    if row.source != Source::AwsAuth {
        return Some(format!("from {}", row.source.as_str()));
    }
    if let Some(by) = row.shadowed_by {
        return Some(format!("{by} counts"));
    }
    if row.status == Status::Unreadable {
        return Some(row.problem.clone().unwrap_or_default());
    }
    match &row.subject {
        Subject::Arn(arn) => Whom::of_arn(arn).err().map(|error| error.to_string()),
        Subject::Sso(_) | Subject::Account(_) => None,
        Subject::Nobody(_) => Some(String::from("it names nobody")),
    }
}

fn item(row: &Listed) -> String {
    let written = |text: &str| scalar(text, Context::Block);
    let mut text = match &row.subject {
        Subject::Account(account) => return format!("  - account: {}\n", scalar(account, Context::Json)),
        Subject::Sso(set) => format!(
            "  - sso:\n      permissionSetName: {}\n      accountID: {}\n      partition: {}\n",
            written(&set.name),
            scalar(&set.account, Context::Json),
            set.partition
        ),
        Subject::Arn(arn) | Subject::Nobody(arn) => format!("  - arn: {}\n", written(arn)),
    };
    if let Some(username) = row.username.as_ref().filter(|text| !text.is_empty()) {
        text += &format!("    username: {}\n", written(username));
    }
    if !row.groups.is_empty() {
        text += "    groups:\n";
        row.groups.iter().for_each(|group| text += &format!("      - {}\n", written(group)));
    }
    text
}
