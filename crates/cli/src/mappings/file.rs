//! aws-auth in a file, or between stdin and stdout.

use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use kube_iam_cluster::Touched;
use kube_iam_core::limits;
use kube_iam_core::manifest::{Changes, Manifest, ManifestError};

use super::target::{Origin, State};
use crate::exit::Exit;
use crate::output;
use crate::report::Failure;

/// The text of a file, or of stdin if the path is `-`; one longer than 4 MiB is an error.
pub fn text_of(path: &Path) -> io::Result<String> {
    let bound = u64::try_from(limits::MANIFEST_BYTES + 1).unwrap_or(u64::MAX);
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => io::stdin().lock().take(bound).read_to_string(&mut text),
        false => fs::File::open(path)?.take(bound).read_to_string(&mut text),
    }?;
    match read > limits::MANIFEST_BYTES {
        true => Err(io::Error::new(ErrorKind::FileTooLarge, "it is longer than 4 MiB")),
        false => Ok(text),
    }
}

/// A file that holds aws-auth.
pub struct File {
    path: PathBuf,
}

impl File {
    /// The file at a path; `-` is stdin and stdout.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether it is stdin.
    pub fn is_stdin(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    fn trouble(&self, what: &str) -> Failure {
        Failure::new(format!("`{}` {what}", self.name())).exit(Exit::Usage)
    }

    /// Its text; `None` if there is no such file.
    fn text(&self) -> Result<Option<String>, Failure> {
        match text_of(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => Err(self.trouble("is longer than 4 MiB")),
            Err(error) => Err(self.trouble("can't be read").because(&error)),
        }
    }

    /// Reads it. A file that is not there is an aws-auth that is absent.
    pub fn read(&self) -> Result<State, Failure> {
        let manifest = self.text()?.map(|text| self.parse(&text)).transpose()?;
        let data = manifest.as_ref().map(Manifest::data).unwrap_or_default();
        let annotations = manifest.as_ref().map(Manifest::annotations).unwrap_or_default();
        Ok(State::new(data, annotations, Origin::File(manifest.map(Box::new))))
    }

    fn parse(&self, text: &str) -> Result<Manifest, Failure> {
        Manifest::parse(text).map_err(|error| {
            let hint = match error {
                ManifestError::NotFound if text.trim().is_empty() => "the file is empty; remove it to begin a new one",
                ManifestError::NotFound => "name the file that holds the ConfigMap `aws-auth`",
                _ => "mend the file; nothing was written",
            };
            self.trouble("is no manifest of aws-auth").because(&error).hint(hint.to_string())
        })
    }

    /// Writes what is touched, by a draft that takes the file's place.
    pub fn write(&self, start: State, touched: Option<Touched>, dry_run: bool) -> Result<State, Failure> {
        let Some(touched) = touched else {
            if let (true, Origin::File(Some(manifest))) = (self.is_stdin(), &start.origin) {
                output::data(manifest.text())?;
            }
            return Ok(start);
        };
        let Touched { data, annotations } = touched;
        let unchanged = match &start.origin {
            Origin::File(Some(manifest)) => Some(manifest.text().to_owned()),
            _ => None,
        };
        let text = match &start.origin {
            Origin::File(Some(manifest)) => manifest.edit(&data, &annotations).map_err(|error| {
                self.trouble("can't be changed")
                    .because(&error)
                    .hint("change it by hand, or write the data after `|`".to_string())
            })?,
            _ => {
                let fresh = Manifest::fresh(&data.into_iter().filter_map(|(key, text)| Some((key, text?))).collect());
                Manifest::parse(&fresh)
                    .and_then(|manifest| manifest.edit(&Changes::new(), &annotations))
                    .map_err(|error| self.trouble("can't be written").because(&error))?
            }
        };
        let after = self.parse(&text)?;
        let bytes: usize = after.data().iter().map(|(key, text)| key.len() + text.len()).sum();
        if bytes > limits::CONFIG_MAP_BYTES {
            let hint = "remove rows that nobody needs, or give rights by account or group instead of by row";
            let failure = self.trouble(&format!("would hold {bytes} bytes of data; a ConfigMap may hold 1,048,576"));
            return Err(failure.hint(hint.to_string()));
        }
        if self.is_stdin() {
            output::data(&text)?;
        } else if !dry_run {
            self.replace(unchanged.as_deref(), &text).map_err(|error| self.unwritten(&error))?;
        }
        Ok(State::new(after.data(), after.annotations(), Origin::File(Some(Box::new(after)))))
    }

    fn unwritten(&self, error: &io::Error) -> Failure {
        let hint = match error.kind() {
            ErrorKind::Other => "repeat the command: it then begins with the file as it is now",
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                "the folder must be writable: a draft takes the file's place; or pipe it, with `--manifest -`"
            }
            ErrorKind::NotFound => "make the folder first",
            _ => "nothing was written; see why, and repeat the command",
        };
        self.trouble("can't be written").because(error).hint(hint.to_string())
    }

    /// Puts a new text in the file's place, unless somebody else has changed it.
    fn replace(&self, unchanged: Option<&str>, text: &str) -> io::Result<()> {
        // A link stays one: what it points to is replaced.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(text.as_bytes())?;
        draft.as_file().sync_all()?;
        match fs::read_to_string(&path) {
            Ok(now) if Some(now.as_str()) != unchanged => {
                return Err(io::Error::other("somebody changed it meanwhile"));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // A draft is its owner's alone; the file keeps the rights it had.
        match fs::metadata(&path) {
            Ok(metadata) => fs::set_permissions(draft.path(), metadata.permissions())?,
            Err(_) => fs::set_permissions(draft.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?,
        }
        draft.persist(&path)?;
        Ok(())
    }
}
