//! The break-glass file: mappings of last resort, read before every backend.

use std::io;
use std::path::{Path, PathBuf};

use kube_iam_core::aws_auth::Rows;
use kube_iam_core::config::{Problems, parse_mappings};
use kube_iam_core::limits::YAML_BYTES;

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
    /// It says something that can't be understood.
    #[error("break-glass file `{path}` can't be used, {problems}")]
    Problems {
        /// The file.
        path: PathBuf,
        /// All that is wrong.
        problems: Problems,
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
/// [`BreakGlassError`] with every problem that there is.
pub fn read(path: &Path) -> Result<Vec<Rows>, BreakGlassError> {
    let owned = || path.to_path_buf();
    let text = files::read_text(path, YAML_BYTES).map_err(|source| BreakGlassError::Read { path: owned(), source })?;
    let sections = parse_mappings(&text).map_err(|problems| BreakGlassError::Problems { path: owned(), problems })?;
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
                "break-glass file `FILE` can't be used, 1 problem:\n  line 3: in `mapRoles`: the row names no principal",
            ),
            (good.to_owned() + "mapUser: []\n", "unknown key `mapUser` (did you mean `mapUsers`?)"),
            (good.to_owned() + "- {username: x}\nmapUsers: x\nmapUser: []\n", "3 problems:\n  line 3: "),
            (good.to_owned() + "  - [", "the file is not valid YAML"),
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
