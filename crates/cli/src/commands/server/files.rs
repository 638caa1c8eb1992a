//! The files that mappings stand in: read at the start, and followed.
//!
//! Each file is followed by itself: one that can't be used keeps what it held
//! before, and does not keep the other from being obeyed.

use std::path::PathBuf;

use kube_iam_core::aws_auth::Rows;
use kube_iam_core::config::Config;
use kube_iam_core::user_info::MappingPolicy;
use kube_iam_server::watch_files::FileWatch;
use kube_iam_server::{StaticMappings, break_glass};

use crate::config_file::{self, Loaded};
use crate::report::Failure;

/// The configuration file and the break-glass file.
pub struct Files {
    config: Followed,
    strict: bool,
    break_glass: Followed,
    current: StaticMappings,
    /// The configuration that the server was started with.
    started_with: Config,
}

/// A file, if there is one, that has been watched since before it was read:
/// no change is seen by nobody.
struct Followed {
    path: Option<PathBuf>,
    changes: FileWatch,
}

impl Followed {
    fn new(path: Option<PathBuf>) -> Self {
        Self { changes: FileWatch::new(path.clone()), path }
    }

    fn read_config(&self, strict: bool) -> Result<Loaded, Failure> {
        self.path.as_deref().map_or_else(|| Ok(Loaded::default()), |path| config_file::load(path, strict))
    }

    fn read_break_glass(&self) -> Result<Vec<Rows>, Failure> {
        let Some(path) = &self.path else { return Ok(Vec::new()) };
        break_glass::read(path)
            .map_err(|error| Failure::of(&error).hint(format!("mend `{}`, or start without it", path.display())))
    }
}

impl Files {
    /// Reads the configuration file; without one, nothing is configured.
    pub fn open(config: Option<PathBuf>, strict: bool) -> Result<(Self, Loaded), Failure> {
        let config = Followed::new(config);
        let loaded = config.read_config(strict)?;
        let current = StaticMappings::default();
        let started_with = loaded.config.clone();
        let mut files = Self { config, strict, break_glass: Followed::new(None), current, started_with };
        files.take(&loaded);
        Ok((files, loaded))
    }

    /// Reads the break-glass file too: its name may stand in the other one.
    pub fn open_break_glass(&mut self, path: Option<PathBuf>) -> Result<(), Failure> {
        self.break_glass = Followed::new(path);
        self.current.break_glass = self.break_glass.read_break_glass()?;
        Ok(())
    }

    /// What they hold, as far as it could be used.
    pub fn mappings(&self) -> &StaticMappings {
        &self.current
    }

    /// Waits until they hold something else that can be used. Being dropped
    /// loses nothing.
    pub async fn changed(&mut self) {
        loop {
            let used = tokio::select! {
                () = self.config.changes.changed() => self.reread_config(),
                () = self.break_glass.changes.changed() => self.reread_break_glass(),
            };
            if used {
                return;
            }
        }
    }

    fn reread_config(&mut self) -> bool {
        match self.config.read_config(self.strict) {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    tracing::warn!(%warning, "the changed configuration");
                }
                self.take(&loaded);
                let waiting = loaded.config.differing_until_restart(&self.started_with);
                if !waiting.is_empty() {
                    let keys = waiting.join(", ");
                    tracing::warn!(keys, "the changed configuration needs a restart to be obeyed in full");
                }
                true
            }
            Err(problem) => {
                tracing::error!(
                    problem = problem.line(),
                    hint = problem.advice(),
                    "the changed configuration can't be used; the old one stays in force"
                );
                false
            }
        }
    }

    fn reread_break_glass(&mut self) -> bool {
        match self.break_glass.read_break_glass() {
            Ok(rows) => {
                self.current.break_glass = rows;
                true
            }
            Err(problem) => {
                tracing::error!(
                    problem = problem.line(),
                    hint = problem.advice(),
                    "the changed break-glass file can't be used; its old mappings stay in force"
                );
                false
            }
        }
    }

    fn take(&mut self, loaded: &Loaded) {
        let file = &loaded.config.server;
        self.current.mounted_file = file.mappings.clone();
        self.current.policy = MappingPolicy {
            reserved_prefixes: file.reserved_prefixes.clone(),
            scrubbed_accounts: file.scrubbed_accounts.clone(),
        };
        loaded.hash.clone_into(&mut self.current.config_hash);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;

    fn role(name: &str) -> String {
        format!("mapRoles: [{{rolearn: 'arn:aws:iam::111122223333:role/{name}', username: {name}}}]\n")
    }

    fn config(name: &str) -> String {
        format!("server: {{{}}}\n", role(name).trim_end())
    }

    fn names(rows: &[Rows]) -> Vec<&str> {
        rows.iter().flat_map(|rows| &rows.mappings).filter_map(|row| row.username.as_deref()).collect()
    }

    /// What configuration and break-glass file map.
    fn held(files: &Files) -> (Vec<&str>, Vec<&str>) {
        (names(&files.mappings().mounted_file), names(&files.mappings().break_glass))
    }

    /// Exchanges a file in one step, as editors do.
    fn exchange(path: &Path, text: &str) {
        let draft = path.with_extension("draft");
        fs::write(&draft, text).unwrap();
        fs::rename(draft, path).unwrap();
    }

    fn opened(dir: &TempDir) -> (Files, PathBuf, PathBuf) {
        let (config_path, break_glass) = (dir.path().join("config.yaml"), dir.path().join("break-glass.yaml"));
        exchange(&config_path, &config("first"));
        exchange(&break_glass, &role("ops"));
        let (mut files, _) = Files::open(Some(config_path.clone()), false).unwrap();
        files.open_break_glass(Some(break_glass.clone())).unwrap();
        (files, config_path, break_glass)
    }

    /// Far more than it takes, and less than the comparison every 30 s.
    async fn changes(files: &mut Files) -> bool {
        tokio::time::timeout(Duration::from_secs(20), files.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn a_change_before_anybody_waits_is_not_missed() {
        let dir = TempDir::new().unwrap();
        let (mut files, config_path, break_glass) = opened(&dir);
        exchange(&config_path, &config("second"));
        exchange(&break_glass, &role("oncall"));
        while held(&files) != (vec!["second"], vec!["oncall"]) {
            assert!(changes(&mut files).await, "{:?}", held(&files));
        }
    }

    /// Nobody is locked out by one file because of what stands in the other.
    #[tokio::test]
    async fn a_file_that_cannot_be_used_keeps_its_mappings_and_not_those_of_the_other() {
        let dir = TempDir::new().unwrap();
        let (mut files, config_path, break_glass) = opened(&dir);
        exchange(&break_glass, "mapRoles: [");
        exchange(&config_path, &config("second"));
        assert!(changes(&mut files).await);
        assert_eq!(held(&files), (vec!["second"], vec!["ops"]));

        exchange(&config_path, "server: [");
        exchange(&break_glass, &role("oncall"));
        assert!(changes(&mut files).await);
        assert_eq!(held(&files), (vec!["second"], vec!["oncall"]));
    }

    #[test]
    fn the_hash_is_that_of_what_was_parsed() {
        let dir = TempDir::new().unwrap();
        let (files, config_path, _) = opened(&dir);
        let first = files.mappings().config_hash.clone();
        // Were the file read once more, it would be the hash of this.
        exchange(&config_path, &config("second"));
        assert_eq!(files.mappings().config_hash, first);
        let (second, _) = Files::open(Some(config_path.clone()), false).unwrap();
        assert_ne!(second.mappings().config_hash, first);
        exchange(&config_path, &config("first"));
        let (third, _) = Files::open(Some(config_path), false).unwrap();
        assert_eq!(third.mappings().config_hash, first);
    }
}
