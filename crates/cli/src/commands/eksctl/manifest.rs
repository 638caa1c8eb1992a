//! aws-auth in a file.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use kube_iam_core::aws_auth::Data;
use kube_iam_core::eksctl::{Applied, ClusterAccount, RbacObject};
use kube_iam_core::manifest::Manifest;

use super::surroundings::{Attempt, Derive, Trouble, World};

/// A file that was read, and goes back to where it came from.
pub(super) struct ManifestWorld {
    path: PathBuf,
    manifest: Manifest,
    /// Takes the text if the path is `-`.
    stdout: fn(&str),
}

impl ManifestWorld {
    /// Finds aws-auth in the text of a file.
    pub(super) fn of(path: &Path, text: &str, stdout: fn(&str)) -> Result<Self, Trouble> {
        let manifest = Manifest::parse(text)
            .map_err(|error| Trouble::of(&error).within(&format!("`{}` can't be used", path.display())))?;
        Ok(Self { path: path.to_owned(), manifest, stdout })
    }
}

impl World for ManifestWorld {
    fn read(&mut self) -> Result<Data, Trouble> {
        Ok(self.manifest.data())
    }

    fn edit(&mut self, derive: &mut Derive<'_>) -> Result<(), Trouble> {
        let changed = derive(&Attempt { data: &self.manifest.data(), maybe_written: false })?;
        let path = self.path.display();
        let text = self
            .manifest
            .edit(&changed, &Data::new())
            .map_err(|error| Trouble::of(&error).within(&format!("`{path}` is not changed")))?;
        if self.path == Path::new("-") {
            (self.stdout)(&text);
            return Ok(());
        }
        if changed.is_empty() {
            return Ok(());
        }
        replace(&self.path, &text).map_err(|error| Trouble::of(&error).within(&format!("`{path}` can't be written")))
    }

    fn apply(&mut self, _object: &RbacObject) -> Result<Applied, Trouble> {
        Err("a file of aws-auth has no place for the rights of a service".into())
    }

    fn account(&mut self) -> Result<Option<ClusterAccount>, Trouble> {
        Ok(None)
    }

    fn ignores_aws_auth(&self) -> bool {
        false
    }
}

/// Writes a file as a whole or not at all; a link goes on pointing to it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new().prefix(".kube-iam-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(File::open(&path)?.metadata()?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
