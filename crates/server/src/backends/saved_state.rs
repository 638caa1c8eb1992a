//! The last good aws-auth in the state directory, for the next start.

use std::io;
use std::path::{Path, PathBuf};

use kube_iam_core::last_good::{LastGood, LastGoodPolicy};
use tracing::{info, warn};

use crate::log_text::chain;
use crate::{files, limits};

/// The file, and whether it was written last time.
pub(super) struct SavedState {
    path: PathBuf,
    unwritable: bool,
}

impl SavedState {
    pub(super) fn in_directory(state_dir: &Path) -> Self {
        Self { path: state_dir.join("aws-auth-last-good.json"), unwritable: false }
    }

    /// The state saved before, or nothing known: a file that is not there, or is
    /// not what we wrote, keeps nobody from starting.
    pub(super) fn restore(&self, policy: LastGoodPolicy) -> Option<LastGood> {
        let path = self.path.display();
        let bytes = match files::read_own(&self.path, limits::STATE_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                warn!(%path, %error, "the last good aws-auth can't be read");
                return None;
            }
        };
        match LastGood::restore(policy, &String::from_utf8_lossy(&bytes)) {
            Ok(state) => {
                info!(%path, "the last good aws-auth was restored");
                Some(state)
            }
            Err(error) => {
                let error = chain(&error);
                warn!(%path, error, "the last good aws-auth can't be used");
                None
            }
        }
    }

    /// Saves the state. A directory that can't be written is one warning.
    pub(super) async fn save(&mut self, state: &LastGood) {
        let (path, text) = (self.path.clone(), state.save());
        let written = tokio::task::spawn_blocking(move || files::write(&path, text.as_bytes(), 0o600)).await;
        match written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(()) => self.unwritable = false,
            Err(error) if !self.unwritable => {
                self.unwritable = true;
                let path = self.path.display();
                warn!(%path, %error, "the last good aws-auth can't be saved; a restart will not know it");
            }
            Err(_) => {}
        }
    }
}
