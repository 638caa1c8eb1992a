//! Where the programs of a control plane come from.

use std::env;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub(crate) mod build;

/// Environment variable that names a folder with `etcd`, `kube-apiserver` and
/// `kubectl`; the Kubernetes project's `setup-envtest` prints such a folder.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// The programs of a control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// etcd, 3.5 or later.
    pub etcd: Binary,
    /// kube-apiserver.
    pub kube_apiserver: Binary,
    /// kubectl, which only those need who call [`crate::ControlPlane::kubectl`].
    pub kubectl: Option<Binary>,
}

/// One program and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// The executable; its file name is the program's name.
    pub path: PathBuf,
    /// Which of the searched places it came from.
    pub place: Place,
}

/// A place that is searched for programs, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The folder that `KUBEBUILDER_ASSETS` names.
    Assets,
    /// The folder `control-plane` in Cargo's target folder, which
    /// [`Binaries::build_or_find`] fills.
    Built,
    /// The folders of `PATH`.
    Path,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Assets => "`KUBEBUILDER_ASSETS`",
            Self::Built => "what the tests built",
            Self::Path => "`PATH`",
        })
    }
}

/// A program of the control plane was found nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{program}` was not found in {searched}")]
pub struct Missing {
    /// Name of the program.
    pub program: &'static str,
    /// The places that were searched, for people to read.
    pub searched: String,
}

impl Missing {
    /// What to do about it, as a sentence without period.
    pub const HINT: &'static str = "`cargo test -p kube-iam-control-plane` builds etcd, kube-apiserver and kubectl \
         once into the target folder (needs Go; about 6 minutes on two cores), or set `KUBEBUILDER_ASSETS` to a \
         folder that has them";
}

impl Binaries {
    /// Finds each program in the first place that has it: `KUBEBUILDER_ASSETS`,
    /// what the tests built, `PATH`.
    ///
    /// # Errors
    ///
    /// [`Missing`] if there is no etcd or no kube-apiserver.
    pub fn find() -> Result<Self, Missing> {
        let mut folders = Vec::new();
        folders.extend(assets().map(|folder| (Place::Assets, folder)));
        folders.extend(target_folders().into_iter().map(|target| (Place::Built, built_in(&target))));
        let path = env::var_os("PATH").unwrap_or_default();
        folders.extend(env::split_paths(&path).map(|folder| (Place::Path, folder)));
        Self::find_in(&folders)
    }

    /// As [`Binaries::find`], in the given folders.
    fn find_in(folders: &[(Place, PathBuf)]) -> Result<Self, Missing> {
        let find = |program: &'static str| {
            folders.iter().find_map(|(place, folder)| {
                let path = folder.join(program);
                // A relative folder in `PATH` would depend on where a server is started.
                (path.is_absolute() && is_executable(&path)).then_some(Binary { path, place: *place })
            })
        };
        let need = |program| find(program).ok_or_else(|| Missing { program, searched: searched(folders) });
        Ok(Self { etcd: need("etcd")?, kube_apiserver: need("kube-apiserver")?, kubectl: find("kubectl") })
    }

    /// kubectl.
    ///
    /// # Errors
    ///
    /// [`Missing`] if it was not found along with the servers.
    pub fn kubectl(&self) -> Result<&Path, Missing> {
        found(self.kubectl.as_ref(), "kubectl")
    }
}

fn found<'a>(binary: Option<&'a Binary>, program: &'static str) -> Result<&'a Path, Missing> {
    binary
        .map(|binary| binary.path.as_path())
        .ok_or_else(|| Missing { program, searched: "the places that have etcd and kube-apiserver".to_owned() })
}

/// The folder that `KUBEBUILDER_ASSETS` names, if it names one.
fn assets() -> Option<PathBuf> {
    let folder = env::var_os(ASSETS).filter(|value| !value.is_empty())?;
    Some(std::path::absolute(&folder).unwrap_or_else(|_| folder.into()))
}

/// The folder for what is built from the Go module.
fn built_in(target: &Path) -> PathBuf {
    target.join("control-plane")
}

/// Cargo's target folders that this process can know of, the surest first: the one
/// it runs from, the one `CARGO_TARGET_DIR` names, the one of the workspace that
/// Cargo runs it for.
fn target_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(executable) = env::current_exe() {
        // Only a folder that Cargo marked as its own: an installed program must not
        // run what somebody put into a folder above it.
        folders.extend(ancestor_with(&executable, "CACHEDIR.TAG"));
    }
    folders.extend(env::var_os("CARGO_TARGET_DIR").map(PathBuf::from));
    folders.extend(workspace_of_cargo().map(|workspace| workspace.join("target")));
    folders.dedup();
    folders
}

/// The workspace of the package that Cargo runs this process for.
fn workspace_of_cargo() -> Option<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
    ancestor_with(&package, "Cargo.lock")
}

/// The nearest folder at or above `start` in which `entry` exists.
fn ancestor_with(start: &Path, entry: &str) -> Option<PathBuf> {
    start.ancestors().find(|folder| folder.join(entry).exists()).map(Path::to_path_buf)
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// The searched places for people to read; the folders of `PATH` are not listed.
fn searched(folders: &[(Place, PathBuf)]) -> String {
    let mut places: Vec<String> = folders
        .iter()
        .filter(|(place, _)| *place != Place::Path)
        .map(|(place, folder)| match place {
            Place::Assets => format!("`{}` (`{ASSETS}`)", folder.display()),
            Place::Built | Place::Path => format!("`{}`", folder.display()),
        })
        .collect();
    if !folders.iter().any(|(place, _)| *place == Place::Assets) {
        places.insert(0, format!("`{ASSETS}` (not set)"));
    }
    if folders.iter().any(|(place, _)| *place == Place::Path) {
        places.push("`PATH`".to_owned());
    }
    places.join(", ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder_with(programs: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for program in programs {
            let path = folder.path().join(program);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    #[test]
    fn each_program_comes_from_the_first_place_that_has_it() {
        let first = folder_with(&["etcd"]);
        let second = folder_with(&["etcd", "kube-apiserver", "kubectl"]);
        let binaries =
            Binaries::find_in(&[(Place::Assets, first.path().to_owned()), (Place::Path, second.path().to_owned())])
                .unwrap();
        assert_eq!(binaries.etcd, Binary { path: first.path().join("etcd"), place: Place::Assets });
        assert_eq!(binaries.kube_apiserver, Binary { path: second.path().join("kube-apiserver"), place: Place::Path });
        assert_eq!(binaries.kubectl().unwrap(), second.path().join("kubectl"));
    }

    #[test]
    fn a_missing_server_names_what_was_searched() {
        let folder = folder_with(&["etcd"]);
        let error =
            Binaries::find_in(&[(Place::Built, folder.path().to_owned()), (Place::Path, PathBuf::from("/nowhere"))])
                .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`kube-apiserver` was not found in `KUBEBUILDER_ASSETS` (not set), `{}`, `PATH`",
                folder.path().display()
            )
        );
    }

    #[test]
    fn a_file_that_cannot_be_run_is_no_program() {
        let folder = folder_with(&["etcd", "kube-apiserver"]);
        let etcd = folder.path().join("etcd");
        fs::set_permissions(&etcd, fs::Permissions::from_mode(0o644)).unwrap();
        let error = Binaries::find_in(&[(Place::Path, folder.path().to_owned())]).unwrap_err();
        assert_eq!(error.program, "etcd");
    }

    #[test]
    fn a_test_knows_the_target_folder_it_runs_from() {
        let target = target_folders().into_iter().next().unwrap();
        assert!(env::current_exe().unwrap().starts_with(&target));
        assert!(target.join("CACHEDIR.TAG").is_file());
    }
}
