//! The credential cache file of aws-iam-authenticator: source credentials, kept between calls of `token --cache`.
//!
//! The layout is the Go program's, so that both can share the file:
//! `clusters` → cluster ID → profile → role ARN of `--role` or nothing → credentials. Unlike there the file is never written in place
//! (a crash would leave half of it), a symlink is never followed, a file of another user is never used, an entry is not used in its last two minutes, and never for another
//! [`Identity`] than it was made for.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kube_iam_core::secret::Secret;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use crate::credentials::{Credentials, Origin};
use crate::environment::Environment;
use crate::identity::Identity;
use crate::limits;

/// Why the cache file is not used.
#[derive(Debug, thiserror::Error)]
pub enum CacheProblem {
    /// Neither `AWS_IAM_AUTHENTICATOR_CACHE_FILE` nor a home directory.
    #[error("there is no home directory to keep it in; set `AWS_IAM_AUTHENTICATOR_CACHE_FILE`")]
    NoPlace,
    /// Others may read or write it.
    #[error("cache file {} is not private; run `chmod 600 {}`", .0.display(), .0.display())]
    NotPrivate(PathBuf),
    /// Another user may change it.
    #[error("cache file {} belongs to another user; remove it", .0.display())]
    NotOurs(PathBuf),
    /// It is a symlink, a directory or something else.
    #[error("cache file {} is a symlink or no file; remove it", .0.display())]
    NotAFile(PathBuf),
    /// It holds something else than a cache.
    #[error("unable to parse file {}; remove it", .0.display())]
    Unreadable(PathBuf),
    /// Another process holds it.
    #[error("cache file {} is locked by another process", .0.display())]
    Locked(PathBuf),
    /// The file system says no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What an entry is found by.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) cluster: String,
    pub(crate) profile: String,
    /// The role given with `--role`, or nothing.
    pub(crate) role: String,
}

#[derive(Serialize, Deserialize, Default)]
struct Contents {
    #[serde(default)]
    clusters: BTreeMap<String, BTreeMap<String, BTreeMap<String, Entry>>>,
}

/// Field names as the Go program's YAML library makes them. No `Debug`.
#[derive(Serialize, Deserialize, Clone)]
struct Entry {
    accesskeyid: String,
    secretaccesskey: String,
    #[serde(default)]
    sessiontoken: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    canexpire: bool,
    expires: String,
    #[serde(default)]
    accountid: String,
}

/// The cache file.
pub(crate) struct Cache {
    path: PathBuf,
    /// The user whose files are trusted.
    owner: u32,
}

impl Cache {
    /// The file that the environment names.
    pub(crate) fn of(environment: &Environment) -> Result<Self, CacheProblem> {
        let path = match environment.get("AWS_IAM_AUTHENTICATOR_CACHE_FILE") {
            Some(path) => path.into(),
            None => {
                let home = environment.home().ok_or(CacheProblem::NoPlace)?;
                Path::new(home).join(".kube/cache/aws-iam-authenticator/credentials.yaml")
            }
        };
        Ok(Self { path, owner: geteuid().as_raw() })
    }

    /// The credentials under a key, if there are any and they were made for this identity.
    pub(crate) async fn read(&self, key: &Key, identity: &Identity) -> Result<Option<Credentials>, CacheProblem> {
        let Some(mut file) = self.open()? else { return Ok(None) };
        self.lock(&file, File::try_lock_shared).await?;
        let contents = self.contents(&mut file)?;
        let entry = contents.clusters.get(&key.cluster).and_then(|profiles| profiles.get(&key.profile)?.get(&key.role));
        Ok(entry.filter(|entry| entry.is_of(identity)).and_then(Entry::credentials))
    }

    /// Puts credentials under a key. Everything else in the file stays.
    pub(crate) async fn write(
        &self,
        key: &Key,
        identity: &Identity,
        credentials: &Credentials,
    ) -> Result<(), CacheProblem> {
        let Some(expires) = credentials.expires else { return Ok(()) };
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(directory).map_err(|source| self.io(source))?;
        // Writers take turns by a file of their own: the cache itself is exchanged by each.
        let turn = self.path.with_extension("lock");
        let turn = self.open_own(&turn, private().write(true).create(true))?;
        self.lock(&turn, File::try_lock).await?;
        let mut contents = match self.open()? {
            Some(mut file) => self.contents(&mut file)?,
            None => Contents::default(),
        };
        let profiles = contents.clusters.entry(key.cluster.clone()).or_default();
        let entry = Entry::of(identity, credentials, expires);
        profiles.entry(key.profile.clone()).or_default().insert(key.role.clone(), entry);
        let text = serde_saphyr::to_string(&contents).map_err(|_| CacheProblem::Unreadable(self.path.clone()))?;
        self.exchange(directory, &text).map_err(|source| self.io(source))
    }

    /// Opens the file, unless it is not there. It must be a private file.
    fn open(&self) -> Result<Option<File>, CacheProblem> {
        let file = match self.open_own(&self.path, OpenOptions::new().read(true)) {
            Err(CacheProblem::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let opened = file.metadata().map_err(|source| self.io(source))?;
        if opened.mode() & 0o077 != 0 {
            return Err(CacheProblem::NotPrivate(self.path.clone()));
        }
        Ok(Some(file))
    }

    /// Opens a file that must be a plain one and our own.
    fn open_own(&self, path: &Path, options: &mut OpenOptions) -> Result<File, CacheProblem> {
        // Without blocking, so that a pipe in its place can't hold us up.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let file = options.custom_flags(flags.cast_signed()).open(path).map_err(|source| {
            // A symlink; a pipe that is opened for writing; a directory.
            match Errno::from_io_error(&source) {
                Some(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => CacheProblem::NotAFile(path.to_path_buf()),
                _ => CacheProblem::Io { path: path.to_path_buf(), source },
            }
        })?;
        let opened = file.metadata().map_err(|source| self.io(source))?;
        if !opened.is_file() {
            return Err(CacheProblem::NotAFile(path.to_path_buf()));
        }
        if opened.uid() != self.owner {
            return Err(CacheProblem::NotOurs(path.to_path_buf()));
        }
        Ok(file)
    }

    fn contents(&self, file: &mut File) -> Result<Contents, CacheProblem> {
        let mut text = String::new();
        file.take(limits::CACHE_FILE_BYTES).read_to_string(&mut text).map_err(|source| self.io(source))?;
        if text.trim().is_empty() {
            return Ok(Contents::default());
        }
        serde_saphyr::from_str(&text).map_err(|_| CacheProblem::Unreadable(self.path.clone()))
    }

    /// Writes a new file beside the old one and puts it in its place.
    fn exchange(&self, directory: &Path, text: &str) -> io::Result<()> {
        let new = directory.join(format!(".credentials.{}.new", std::process::id()));
        // A leftover of a process with our number, long gone.
        let _ = std::fs::remove_file(&new);
        let written = private().write(true).create_new(true).open(&new).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        let outcome = written.and_then(|()| std::fs::rename(&new, &self.path));
        if outcome.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        outcome
    }

    /// Tries for a second, as the Go program does.
    async fn lock(&self, file: &File, try_lock: fn(&File) -> Result<(), TryLockError>) -> Result<(), CacheProblem> {
        for _ in 0..limits::CACHE_LOCK_ATTEMPTS {
            match try_lock(file) {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(limits::CACHE_LOCK_INTERVAL).await,
                Err(TryLockError::Error(source)) => return Err(self.io(source)),
            }
        }
        Err(CacheProblem::Locked(self.path.clone()))
    }

    fn io(&self, source: io::Error) -> CacheProblem {
        CacheProblem::Io { path: self.path.clone(), source }
    }
}

/// Options for a file that is its owner's alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Before the digest in `source` of our entries.
const OURS: &str = "kube-iam ";

impl Entry {
    /// An entry of the Go program names the kind of source only. It is taken for a profile, which the key names, and for nothing else.
    fn is_of(&self, identity: &Identity) -> bool {
        match self.source.strip_prefix(OURS) {
            Some(digest) => digest == identity.digest,
            None => matches!(identity.origin, Origin::Profile(_)),
        }
    }

    fn of(identity: &Identity, credentials: &Credentials, expires: Timestamp) -> Self {
        Self {
            accesskeyid: credentials.access_key_id.clone(),
            secretaccesskey: credentials.secret_access_key.expose().to_owned(),
            sessiontoken: credentials.session_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default(),
            source: format!("{OURS}{}", identity.digest),
            canexpire: true,
            expires: expires.to_string(),
            accountid: String::new(),
        }
    }

    /// `None` if the entry has no end that can be read.
    fn credentials(&self) -> Option<Credentials> {
        Some(Credentials {
            access_key_id: self.accesskeyid.clone(),
            secret_access_key: Secret::new(&*self.secretaccesskey),
            session_token: Some(&self.sessiontoken)
                .filter(|token| !token.is_empty())
                .map(|token| Secret::new(&**token)),
            expires: Some(self.expires.parse().ok()?),
        })
    }
}

#[cfg(test)]
mod tests;
