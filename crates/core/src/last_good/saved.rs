//! The state as a text, for the state directory.

use alloc::string::String;
use alloc::vec::Vec;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{LastGood, LastGoodPolicy, SectionState};
use crate::aws_auth::{self, Section};
use crate::ids::AccountId;

/// A saved state that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SavedStateError {
    /// Not the JSON that was written.
    #[error("the saved state is not readable")]
    Json(#[source] serde_json::Error),
    /// A section in it holds rows of another.
    #[error("the saved state holds rows in `{0}` that don't belong there")]
    Section(Section),
    /// A time in it can't be read.
    #[error("the saved state holds a time that can't be read")]
    Time(#[source] jiff::Error),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    resource_version: Option<&'a str>,
    sections: Vec<SavedSection<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SavedSection<'a> {
    section: Section,
    read_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    vanished_at: Option<String>,
    rows: Rows<'a>,
}

/// Rows in the form that a section has in aws-auth.
#[derive(Serialize)]
#[serde(untagged)]
enum Rows<'a> {
    Mappings(&'a [aws_auth::MappingRow]),
    Accounts(&'a [AccountId]),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredState<'a> {
    resource_version: Option<String>,
    #[serde(borrow)]
    sections: Vec<StoredSection<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredSection<'a> {
    section: Section,
    read_at: String,
    vanished_at: Option<String>,
    #[serde(borrow)]
    rows: &'a RawValue,
}

/// Rows as they were saved. They may be longer here than the text they came from.
fn rows(section: Section, saved: &RawValue) -> Result<aws_auth::Rows, SavedStateError> {
    let mut rows = aws_auth::Rows::default();
    match section {
        Section::MapAccounts => rows.accounts = serde_json::from_str(saved.get()).map_err(SavedStateError::Json)?,
        Section::MapRoles | Section::MapUsers => {
            rows.mappings = serde_json::from_str(saved.get()).map_err(SavedStateError::Json)?;
        }
    }
    match rows.mappings.iter().any(|row| row.section != section) {
        true => Err(SavedStateError::Section(section)),
        false => Ok(rows),
    }
}

impl LastGood {
    /// The state as one JSON object.
    pub fn save(&self) -> String {
        let sections = self.sections.iter().filter_map(|(section, state)| {
            Some(SavedSection {
                section: *section,
                read_at: alloc::format!("{}", state.read_at?),
                vanished_at: state.vanished_at.map(|at| alloc::format!("{at}")),
                rows: match section {
                    Section::MapAccounts => Rows::Accounts(&state.rows.accounts),
                    Section::MapRoles | Section::MapUsers => Rows::Mappings(&state.rows.mappings),
                },
            })
        });
        let state = State { resource_version: self.resource_version(), sections: sections.collect() };
        serde_json::to_string(&state).unwrap_or_default()
    }

    /// The state from a text of [`Self::save`].
    ///
    /// # Errors
    /// If the text is not what `save` writes; nothing of it is used then.
    pub fn restore(policy: LastGoodPolicy, text: &str) -> Result<Self, SavedStateError> {
        let stored: StoredState<'_> = serde_json::from_str(text).map_err(SavedStateError::Json)?;
        let mut state = Self::new(policy);
        state.resource_version = stored.resource_version;
        for saved in stored.sections {
            let time = |text: &str| text.parse::<Timestamp>().map_err(SavedStateError::Time);
            let restored = SectionState {
                rows: rows(saved.section, saved.rows)?,
                read_at: Some(time(&saved.read_at)?),
                vanished_at: saved.vanished_at.as_deref().map(time).transpose()?,
                from_disk: true,
                unreadable: None,
            };
            state.sections.insert(saved.section, restored);
        }
        Ok(state)
    }
}
