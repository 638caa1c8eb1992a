//! Repairs as splices: every other byte stays as it is.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::Remark;
use crate::aws_auth::Section;
use crate::yaml;

/// One repair: other bytes in place of some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The section whose text is changed.
    pub section: Section,
    /// The bytes that go.
    pub range: Range<usize>,
    /// What comes in their place.
    pub replacement: String,
    /// Whether somebody may be let in, or get groups, who was not before under
    /// some authenticator: such a repair is to be confirmed.
    pub grants: bool,
}

/// What became of repairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed<'a> {
    /// The data, repaired.
    pub data: BTreeMap<String, String>,
    /// The remarks whose repair is in it.
    pub applied: Vec<&'a Remark>,
}

/// Makes the repairs of some remarks. They must come from this very data. Of two
/// that overlap the one that begins first is made, of those the longer; a
/// section that would become unreadable stays as it is.
pub fn fix<'a>(data: &BTreeMap<String, String>, remarks: impl IntoIterator<Item = &'a Remark>) -> Fixed<'a> {
    let mut fixes: Vec<(&Remark, &Fix)> =
        remarks.into_iter().filter_map(|remark| Some((remark, remark.fix.as_ref()?))).collect();
    fixes.sort_by_key(|(_, fix)| (fix.section, fix.range.start, core::cmp::Reverse(fix.range.end)));
    let mut fixed = Fixed { data: data.clone(), applied: Vec::new() };
    for section in Section::ALL {
        let Some(text) = fixed.data.get_mut(section.as_str()) else { continue };
        let of_section = fixes.iter().filter(|(_, fix)| fix.section == section);
        let (repaired, applied) = splice(text, of_section);
        if !applied.is_empty() && yaml::parse(&repaired).is_ok() {
            *text = repaired;
            fixed.applied.extend(applied);
        }
    }
    fixed
}

fn splice<'a, 'b>(text: &str, fixes: impl Iterator<Item = &'b (&'a Remark, &'a Fix)>) -> (String, Vec<&'a Remark>)
where
    'a: 'b,
{
    let mut repaired = String::with_capacity(text.len() + 64);
    let mut applied = Vec::new();
    let mut from = 0;
    for (remark, Fix { range, replacement, .. }) in fixes {
        let (Some(between), Some(_)) = (text.get(from..range.start), text.get(range.clone())) else { continue };
        repaired.push_str(between);
        repaired.push_str(replacement);
        from = range.end;
        applied.push(*remark);
    }
    repaired.push_str(text.get(from..).unwrap_or_default());
    (repaired, applied)
}
