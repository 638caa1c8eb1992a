//! Files: bounded reading, writing that leaves no half of a file behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Reads a file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    read_from(File::open(path)?, max)
}

/// Reads a file of ours: it must be a plain file itself, not a link to one that
/// somebody else chose.
pub(crate) fn read_own(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let seen = fs::symlink_metadata(path)?;
    let file = File::open(path)?;
    let opened = file.metadata()?;
    if !seen.is_file() || (seen.dev(), seen.ino()) != (opened.dev(), opened.ino()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    read_from(file, max)
}

fn read_from(file: File, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(max as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > max {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {max} bytes"))),
        false => Ok(bytes),
    }
}

/// Writes a file with exactly these permissions: under another name first, then
/// renamed. A link at `path` is replaced and never followed.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let draft = draft_of(path)?;
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
        // What the process's mask took away.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// A name beside `path` that nobody else uses.
fn draft_of(path: &Path) -> io::Result<PathBuf> {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    Ok(path.with_file_name(format!(".{name}.{}-{number}", std::process::id())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_exact_and_links_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (elsewhere, path) = (dir.path().join("elsewhere"), dir.path().join("file"));
        fs::write(&elsewhere, "theirs").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        for mode in [0o600, 0o644] {
            write(&path, b"ours", mode).unwrap();
            let metadata = fs::symlink_metadata(&path).unwrap();
            assert!(metadata.is_file());
            assert_eq!(metadata.mode() & 0o777, mode);
        }
        assert_eq!(fs::read(&elsewhere).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn reading_is_bounded_and_follows_no_link_where_it_matters() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&path, "12345").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read(&link, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_own(&path, 5).unwrap(), b"12345");
        assert_eq!(read_own(&link, 5).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir_all(path.join("by a directory")).unwrap();
        assert!(write(&path, b"x", 0o600).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
