//! How rows are shown, byte for byte.

mod json;
mod table;
mod yaml;
mod yaml_text;

use alloc::format;
use alloc::string::{String, ToString as _};
use core::str::FromStr;

use super::get::Shown;
use super::go_text::quoted;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// For people.
    Table,
    /// For programs, without a line end.
    Json,
    /// For programs.
    Yaml,
}

impl FromStr for OutputFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            _ => {
                let formats = r#"{"yaml","json","table"}"#;
                Err(format!("unknown output printer type: expected {formats} but got {}", quoted(text)))
            }
        }
    }
}

impl OutputFormat {
    /// The answer in this form.
    pub fn print(self, rows: &[Shown]) -> String {
        match (self, rows.is_empty()) {
            (Self::Table, true) => "No iamidentitymappings found\n".to_string(),
            (Self::Table, false) => table::print(rows),
            (Self::Json, _) => json::print(rows),
            (Self::Yaml, _) => yaml::print(rows),
        }
    }
}

/// The key that the ARN stands under.
fn arn_key(row: &Shown) -> &'static str {
    if row.is_user { "userarn" } else { "rolearn" }
}
