//! Notices when files change, however they are replaced.
//!
//! The directories of the files are watched, not the files: editors replace
//! files by renaming, and a kubelet exchanges the symbolic link that a whole
//! directory of links goes through. Events only say when to look; what counts
//! is whether a file reads differently. Every 30 s they are compared anyway,
//! for file systems without events.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use kube_iam_core::limits::CONFIG_BYTES;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::{files, limits};

/// Watches some files.
pub struct FileWatch {
    seen: Contents,
    events: mpsc::Receiver<()>,
    /// Whether something happened that was not looked at yet.
    look: bool,
    /// Watches as long as it lives; `None` if the system has no watches left.
    _watcher: Option<RecommendedWatcher>,
    /// Why there is none, to be said once somebody waits: logging may start
    /// later than the watch.
    trouble: Option<notify::Error>,
}

/// A hash of each file's content; `None` if it can't be read.
#[derive(Clone)]
struct Contents {
    key: RandomState,
    by_path: HashMap<PathBuf, Option<u64>>,
}

impl FileWatch {
    /// Begins to watch: every change from now on is noticed.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        // One event waiting is enough: it says that something happened.
        let (sender, events) = mpsc::channel(1);
        let (watcher, trouble) = match watch_directories(&paths, sender) {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(error)),
        };
        let mut seen =
            Contents { key: RandomState::new(), by_path: paths.into_iter().map(|path| (path, None)).collect() };
        seen.refresh();
        Self { seen, events, look: false, _watcher: watcher, trouble }
    }

    /// Waits until a file reads differently than before: also when it can no
    /// longer be read, or can be read again. Being dropped loses nothing.
    pub async fn changed(&mut self) {
        if let Some(error) = self.trouble.take() {
            tracing::warn!(%error, "no file watches to be had; files are compared every 30 s");
        }
        loop {
            if !self.look {
                self.wait_for_event().await;
                self.look = true;
            }
            let _ = timeout(limits::FILE_SETTLE_MOST, self.settle()).await;
            let mut now = self.seen.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let changed = now.refresh();
                (now, changed)
            });
            let Ok((now, changed)) = looked.await else { continue };
            self.seen = now;
            self.look = false;
            if changed {
                return;
            }
        }
    }

    /// Waits for an event, or until it is time to compare without one.
    async fn wait_for_event(&mut self) {
        // Without watcher there are no events, and `recv` ends at once.
        if let Ok(None) = timeout(limits::FILE_POLL, self.events.recv()).await {
            sleep(limits::FILE_POLL).await;
        }
    }

    /// Waits until nothing has happened for a while.
    async fn settle(&mut self) {
        while let Ok(Some(())) = timeout(limits::FILE_SETTLE, self.events.recv()).await {}
    }
}

impl Contents {
    /// Reads all files; whether one has changed.
    fn refresh(&mut self) -> bool {
        let mut changed = false;
        for (path, seen) in &mut self.by_path {
            let now = hash(&self.key, path).ok();
            changed |= now != *seen;
            *seen = now;
        }
        changed
    }
}

fn hash(key: &RandomState, path: &Path) -> io::Result<u64> {
    let mut hasher = key.build_hasher();
    hasher.write(&files::read(path, CONFIG_BYTES)?);
    Ok(hasher.finish())
}

fn watch_directories(paths: &[PathBuf], sender: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Our own reading is an event too.
        if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
            let _ = sender.try_send(());
        }
    })?;
    let directories: BTreeSet<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    for directory in directories {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;

    /// Far more than it takes, and less than the comparison every 30 s.
    async fn notices(watch: &mut FileWatch) -> bool {
        timeout(Duration::from_secs(20), watch.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn writing_and_renaming_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, draft) = (dir.path().join("config.yaml"), dir.path().join("draft"));
        fs::write(&path, "a").unwrap();
        let mut watch = FileWatch::new([path.clone()]);
        fs::write(&path, "b").unwrap();
        assert!(notices(&mut watch).await);
        fs::write(&draft, "c").unwrap();
        fs::rename(&draft, &path).unwrap();
        assert!(notices(&mut watch).await);
        fs::remove_file(&path).unwrap();
        assert!(notices(&mut watch).await);
    }

    #[tokio::test]
    async fn a_kubelets_exchange_of_links_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for (version, text) in [("..v1", "a"), ("..v2", "b")] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("config.yaml"), text).unwrap();
        }
        symlink("..v1", at("..data")).unwrap();
        symlink("..data/config.yaml", at("config.yaml")).unwrap();
        let mut watch = FileWatch::new([at("config.yaml")]);
        symlink("..v2", at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
        assert!(notices(&mut watch).await);
    }

    #[tokio::test]
    async fn files_that_read_the_same_are_no_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        fs::write(&path, "a").unwrap();
        let mut watch = FileWatch::new([path.clone()]);
        fs::write(dir.path().join("neighbour"), "x").unwrap();
        fs::write(&path, "a").unwrap();
        assert!(timeout(Duration::from_secs(1), watch.changed()).await.is_err());
        fs::write(&path, "b").unwrap();
        assert!(notices(&mut watch).await);
    }
}
