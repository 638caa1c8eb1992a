//! Files: bounded reading, writing that leaves no half of a file behind.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Reads a file of at most `max` bytes, by a link too.
///
/// # Errors
/// If it is longer or no plain file: a pipe in its place can't hold us up.
pub fn read(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    read_plain(path, OFlags::NONBLOCK, max)
}

/// The same of a text.
///
/// # Errors
/// If it is no UTF-8, too.
pub fn read_text(path: &Path, max: usize) -> io::Result<String> {
    String::from_utf8(read(path, max)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Reads a file of ours: it must be a plain file itself, not a link to one that
/// somebody else chose.
pub(crate) fn read_own(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    read_plain(path, OFlags::NOFOLLOW | OFlags::NONBLOCK, max)
}

fn read_plain(path: &Path, flags: OFlags, max: usize) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    match file.metadata()?.is_file() {
        true => read_from(file, max),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file")),
    }
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
    let file = create(&draft, mode)?;
    let written = fill(file, bytes, mode).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // Ours: it was not there before.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Creates a file that must not be there yet, not even as a link.
fn create(path: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().write(true).create_new(true).mode(mode).custom_flags(flags).open(path)
}

fn fill(mut file: File, bytes: &[u8], mode: u32) -> io::Result<()> {
    // What the process's mask took away.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name beside `path` that nobody can foresee.
fn draft_of(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    // Each state has keys of its own, drawn from the system's randomness.
    let random = RandomState::new().hash_one(());
    Ok(path.with_file_name(format!(".{name}.{random:016x}")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    #[test]
    fn permissions_are_exact_and_links_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (elsewhere, path) = (dir.path().join("elsewhere"), dir.path().join("file"));
        fs::write(&elsewhere, "theirs").unwrap();
        symlink(&elsewhere, &path).unwrap();
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
        symlink(&path, &link).unwrap();
        assert_eq!(read(&link, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_own(&path, 5).unwrap(), b"12345");
        assert!(read_own(&link, 5).is_err());
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir_all(path.join("by a directory")).unwrap();
        assert!(write(&path, b"x", 0o600).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_pipe_or_directory_in_the_place_of_our_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        // Reading it would wait for a writer for ever.
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), dir.path()] {
            assert_eq!(read_own(path, 5).unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert_eq!(read(path, 5).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn drafts_have_names_that_differ_and_never_take_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let drafts: std::collections::BTreeSet<_> = (0..100).map(|_| draft_of(&path).unwrap()).collect();
        assert_eq!(drafts.len(), 100);
        assert!(drafts.iter().all(|draft| draft.parent() == path.parent()));

        let (theirs, link) = (dir.path().join("theirs"), dir.path().join("link"));
        fs::write(&theirs, "theirs").unwrap();
        symlink(dir.path().join("nowhere"), &link).unwrap();
        for taken in [&theirs, &link] {
            assert_eq!(create(taken, 0o600).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
        assert!(!dir.path().join("nowhere").exists());
    }
}
