//! Differences for people: `+` new, `-` gone, `~` changed.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Difference, RowDifference, TextChange};
use crate::aws_auth::Section;
use crate::listing::Listed;
use crate::shown::printable;

/// One line for each difference, below the name of its section; nothing at all
/// if there are none.
pub fn text(differences: &[Difference]) -> String {
    let mut text = String::new();
    let mut section: Option<Section> = None;
    for difference in differences {
        let mapping = difference.mapping();
        if mapping.section != section {
            section = mapping.section;
            text += &format!("{}:\n", section.map(|section| section.to_string()).unwrap_or_default());
        }
        let (sign, details) = match difference {
            Difference::Added { mapping } => ('+', whole(mapping)),
            Difference::Removed { mapping } => ('-', whole(mapping)),
            Difference::Changed { difference, .. } => ('~', changes(difference)),
        };
        let owners = match mapping.owners.as_slice() {
            [] => String::new(),
            owners => format!(" (kept by {})", owners.join(", ")),
        };
        let details: String = details.iter().map(|detail| format!("  {detail}")).collect();
        text += &format!("  {sign} {}{details}{owners}\n", printable(&mapping.subject.text()));
    }
    text
}

fn whole(mapping: &Listed) -> Vec<String> {
    let mut details = Vec::new();
    details.extend(mapping.username.as_ref().map(|username| format!("username {}", quoted(username))));
    if !mapping.groups.is_empty() {
        let groups: Vec<_> = mapping.groups.iter().map(|group| quoted(group)).collect();
        details.push(format!("groups {}", groups.join(" ")));
    }
    details
}

fn changes(difference: &RowDifference) -> Vec<String> {
    let mut details = Vec::new();
    let change = |name: &str, change: &TextChange| {
        let word = |text: &Option<String>| text.as_deref().map_or(String::from("none"), quoted);
        format!("{name} {} -> {}", word(&change.before), word(&change.after))
    };
    details.extend(difference.spelling.as_ref().map(|is| change("written", is)));
    details.extend(difference.username.as_ref().map(|is| change("username", is)));
    let removed = difference.removed_groups.iter().map(|group| format!("-{}", quoted(group)));
    let added = difference.added_groups.iter().map(|group| format!("+{}", quoted(group)));
    let groups: Vec<_> = removed.chain(added).collect();
    if !groups.is_empty() {
        details.push(format!("groups {}", groups.join(" ")));
    }
    if !difference.other_keys.is_empty() {
        let keys: Vec<_> = difference.other_keys.iter().map(|key| quoted(key)).collect();
        details.push(format!("other keys {}", keys.join(" ")));
    }
    details
}

fn quoted(text: &str) -> String {
    format!("`{}`", printable(text))
}
