//! The break-glass file: mappings of last resort, read before every backend.

use std::io;
use std::path::{Path, PathBuf};

use kube_iam_core::aws_auth::{RowError, Rows, Section, SectionError, Typing, read_section_node};
use kube_iam_core::limits::YAML_BYTES;
use kube_iam_core::yaml::{self, Mark, YamlError};

use crate::files;

/// Why a break-glass file is refused. All of it is: a way back in that works in
/// part is found out at the worst moment.
#[derive(Debug, thiserror::Error)]
pub enum BreakGlassError {
    /// It can't be read.
    #[error("break-glass file `{path}` can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not YAML.
    #[error("break-glass file `{path}` is not readable YAML")]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: YamlError,
    },
    /// It is not a map of sections.
    #[error("break-glass file `{path}` must be a map with `mapRoles`, `mapUsers` and `mapAccounts`")]
    NotAMap {
        /// The file.
        path: PathBuf,
    },
    /// A key that is not the name of a section.
    #[error("break-glass file `{path}`, {mark}: unknown key `{key}`; known are `mapRoles`, `mapUsers`, `mapAccounts`")]
    Key {
        /// The file.
        path: PathBuf,
        /// Where.
        mark: Mark,
        /// The key.
        key: String,
    },
    /// A section that is no list.
    #[error("break-glass file `{path}` can't be used")]
    Section {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: SectionError,
    },
    /// A row that can't be read; the first of them.
    #[error("break-glass file `{path}`, {mark}: a row of `{section}` can't be read")]
    Row {
        /// The file.
        path: PathBuf,
        /// Its section.
        section: Section,
        /// Where.
        mark: Mark,
        /// Why.
        source: RowError,
    },
    /// It maps nobody.
    #[error("break-glass file `{path}` has no mapping")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a break-glass file: YAML with the keys `mapRoles`, `mapUsers` and
/// `mapAccounts`, each a list as in aws-auth.
///
/// # Errors
/// [`BreakGlassError`] at the first thing that can't be read.
pub fn read(path: &Path) -> Result<Vec<Rows>, BreakGlassError> {
    let owned = || path.to_path_buf();
    let bytes = files::read(path, YAML_BYTES).map_err(|source| BreakGlassError::Read { path: owned(), source })?;
    let text = String::from_utf8(bytes).map_err(|error| BreakGlassError::Read {
        path: owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, error),
    })?;
    let node = yaml::parse(&text).map_err(|source| BreakGlassError::Yaml { path: owned(), source })?;
    let node = node.ok_or_else(|| BreakGlassError::Empty { path: owned() })?;
    let entries = node.entries().ok_or_else(|| BreakGlassError::NotAMap { path: owned() })?;
    let mut sections = Vec::new();
    for entry in entries {
        let section = Section::ALL.into_iter().find(|section| section.as_str() == entry.key);
        let section = section.ok_or_else(|| BreakGlassError::Key {
            path: owned(),
            mark: entry.mark,
            key: entry.key.to_owned(),
        })?;
        let rows = read_section_node(section, entry.value, Typing::Strict)
            .map_err(|source| BreakGlassError::Section { path: owned(), source })?;
        if let Some(problem) = rows.problems.first() {
            let (mark, source) = (problem.mark, problem.error.clone());
            return Err(BreakGlassError::Row { path: owned(), section, mark, source });
        }
        sections.push(rows);
    }
    if sections.iter().all(|rows| rows.mappings.is_empty() && rows.accounts.is_empty()) {
        return Err(BreakGlassError::Empty { path: owned() });
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Rows>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path()).map_err(|error| error.to_string().replace(file.path().to_str().unwrap(), "FILE"))
    }

    #[test]
    fn the_three_sections_are_read() {
        let rows = read_text(
            "mapRoles:\n- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: ops, groups: ['system:masters']}\n\
             mapUsers: []\nmapAccounts: ['444455556666']\n",
        );
        let rows = rows.unwrap();
        assert_eq!(rows.iter().map(|rows| rows.mappings.len()).sum::<usize>(), 1);
        assert_eq!(rows.iter().map(|rows| rows.accounts.len()).sum::<usize>(), 1);
    }

    #[test]
    fn anything_wrong_refuses_all_and_says_where() {
        let good = "mapRoles:\n- {rolearn: 'arn:aws:iam::111122223333:role/Admin', username: ops}\n";
        for (text, expected) in [
            (
                good.to_owned() + "- {username: x}\n",
                "break-glass file `FILE`, line 3, column 3: a row of `mapRoles` can't be read",
            ),
            (good.to_owned() + "mapusers: []\n", "unknown key `mapusers`"),
            (good.to_owned() + "mapUsers: x\n", "can't be used"),
            (good.to_owned() + "  - [", "is not readable YAML"),
            ("- x".to_owned(), "must be a map"),
            (String::new(), "has no mapping"),
            ("mapRoles: []".to_owned(), "has no mapping"),
            (" ".repeat(YAML_BYTES + 1), "can't be read"),
        ] {
            let error = read_text(&text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
