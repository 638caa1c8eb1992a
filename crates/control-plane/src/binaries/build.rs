//! Builds the programs from the Go module of the tests.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::{Binaries, Missing, Place, ancestor_with, assets, built_in, target_folders, workspace_of_cargo};
use crate::server::log_tail;

/// The Go module's folder in the workspace.
const MODULE: &str = "tests/control-plane";

/// The names under which the module's binary acts as one of its programs.
const PROGRAMS: [&str; 5] = ["etcd", "kube-apiserver", "kubectl", "token-oracle", "yaml-oracle"];

/// What `go` is asked to do. Without a version kube-apiserver would call itself
/// v0.0.0 and kubectl would warn about it.
const GO_BUILD: [&str; 5] =
    ["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X k8s.io/component-base/version.gitVersion=v1.35.4"];

/// The programs could be neither found nor built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// `KUBEBUILDER_ASSETS` is set, but its folder lacks a server.
    #[error("the folder for the control plane's programs is incomplete")]
    Incomplete(#[source] Missing),
    /// The process does not run from a workspace that has the Go module.
    #[error("there is no `{MODULE}/go.mod` in the workspace that this process runs from")]
    NoModule,
    /// Go is not installed.
    #[error("`go` was not found in `PATH`, and it is needed to build `{MODULE}`")]
    NoGo,
    /// Go could not build the module.
    #[error("`go build` failed in `{MODULE}`, its log `{}` ends with:\n{log_tail}", log.display())]
    Go {
        /// File with all that Go wrote.
        log: PathBuf,
        /// Its last lines.
        log_tail: String,
    },
    /// A file or process of the build was not to be had.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// With which file or program.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Binaries {
    /// The programs in `KUBEBUILDER_ASSETS` if that is set; else those built from
    /// `tests/control-plane`, after building them if they are missing or the module
    /// has changed. Blocks for as long as that takes: about 6 minutes on two cores
    /// when Go's cache is cold. Of several processes that ask at once, one builds.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if they could be neither found nor built.
    pub fn build_or_find() -> Result<Self, BuildError> {
        let folder = match assets() {
            Some(folder) => (Place::Assets, folder),
            None => (Place::Built, build_module()?),
        };
        Self::find_in(&[folder]).map_err(BuildError::Incomplete)
    }
}

/// Builds the workspace's module if need be, and returns the folder with its programs.
pub(crate) fn build_module() -> Result<PathBuf, BuildError> {
    let target = target_folders().into_iter().next().ok_or(BuildError::NoModule)?;
    let workspace = workspace_of_cargo().or_else(|| ancestor_with(&target, "Cargo.lock"));
    let module = workspace.map(|workspace| workspace.join(MODULE)).filter(|module| module.join("go.mod").is_file());
    let folder = built_in(&target);
    build(&module.ok_or(BuildError::NoModule)?, &folder, OsStr::new("go"), say)?;
    Ok(folder)
}

/// Fills `folder` with the programs of `module` unless it has those of its present
/// state, and tells `say` what takes long.
fn build(module: &Path, folder: &Path, go: &OsStr, say: fn(&str)) -> Result<(), BuildError> {
    let hash = hash_of(module)?;
    // Written last: where it is right, the programs are there.
    let built_from = folder.join("module.sha256");
    let is_current = || {
        fs::read_to_string(&built_from).is_ok_and(|built| built == hash)
            && PROGRAMS.iter().all(|program| folder.join(program).is_file())
    };
    if is_current() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(io_error("create", folder))?;
    let _lock = lock(&folder.join("lock"), say)?;
    if is_current() {
        return Ok(());
    }
    say("building the control plane of the tests with Go; once, and about 6 minutes on two cores");
    let fresh = folder.join("control-plane.new");
    run_go(module, &fresh, &folder.join("build.log"), go)?;
    // Renaming leaves servers that run the previous binary alone.
    let binary = folder.join("control-plane");
    fs::rename(&fresh, &binary).map_err(io_error("replace", &binary))?;
    for program in PROGRAMS {
        let link = folder.join(program);
        match symlink("control-plane", &link) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(io_error("link", &link)(error));
            }
            _ => {}
        }
    }
    fs::write(&built_from, hash).map_err(io_error("write", &built_from))?;
    say("built the control plane of the tests");
    Ok(())
}

/// An exclusive lock, held until the file is closed.
fn lock(path: &Path, say: fn(&str)) -> Result<File, BuildError> {
    let file = File::create(path).map_err(io_error("open", path))?;
    if file.try_lock().is_err() {
        say("waiting for another process to build the control plane of the tests");
        file.lock().map_err(io_error("lock", path))?;
    }
    Ok(file)
}

/// A hash over all that the binary is made from, in hexadecimal digits.
fn hash_of(module: &Path) -> Result<String, BuildError> {
    let unreadable = || io_error("read", module);
    let mut files = Vec::new();
    for entry in fs::read_dir(module).map_err(unreadable())? {
        let path = entry.map_err(unreadable())?.path();
        let extension = path.extension().and_then(OsStr::to_str);
        if matches!(extension, Some("go" | "mod" | "sum")) {
            files.push(path);
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    hash.update(GO_BUILD.join("\0"));
    for path in files {
        let content = fs::read(&path).map_err(io_error("read", &path))?;
        let name = path.file_name().unwrap_or_default();
        // Lengths keep the text of one file from passing for part of another.
        hash.update(format!("\0{}\0{}\0", name.display(), content.len()));
        hash.update(content);
    }
    Ok(hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn run_go(module: &Path, output: &Path, log: &Path, go: &OsStr) -> Result<(), BuildError> {
    let out = File::create(log).map_err(io_error("open", log))?;
    let err = out.try_clone().map_err(io_error("open", log))?;
    let status = Command::new(go)
        .current_dir(module)
        .args(GO_BUILD)
        .arg("-o")
        .args([output, Path::new(".")])
        .env("CGO_ENABLED", "0")
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .status()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BuildError::NoGo,
            _ => io_error("run", Path::new(go))(error),
        })?;
    if !status.success() {
        return Err(BuildError::Go { log: log.to_owned(), log_tail: log_tail(log) });
    }
    Ok(())
}

/// Says something to whoever runs the tests. Written to the stream itself: the test
/// harness shows what the macros print only when a test has failed.
pub(crate) fn say(words: &str) {
    // There is no better place to complain when stderr is closed.
    let _ = writeln!(io::stderr(), "control plane: {words}");
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    move |source| BuildError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A module, a folder to build into, and a program in Go's place that counts its
    /// calls and writes an empty binary.
    struct Scene {
        root: tempfile::TempDir,
    }

    impl Scene {
        fn new(go: &str) -> Self {
            let scene = Self { root: tempfile::tempdir().unwrap() };
            fs::create_dir(scene.path("module")).unwrap();
            fs::write(scene.path("module/go.mod"), "module m").unwrap();
            fs::write(scene.path("go"), go).unwrap();
            fs::set_permissions(scene.path("go"), fs::Permissions::from_mode(0o755)).unwrap();
            scene
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join(name)
        }

        fn build(&self) -> Result<(), BuildError> {
            build(&self.path("module"), &self.path("built"), self.path("go").as_os_str(), |_| {})
        }

        fn calls(&self) -> usize {
            fs::read_to_string(self.path("calls")).map_or(0, |calls| calls.lines().count())
        }
    }

    const GO: &str = "#!/bin/sh\n\
        echo call >>../calls\n\
        while [ \"$1\" != -o ]; do shift; done\n\
        : >\"$2\"\n";

    #[test]
    fn builds_once_until_the_module_changes() {
        let scene = Scene::new(GO);
        scene.build().unwrap();
        scene.build().unwrap();
        assert_eq!(scene.calls(), 1);

        fs::write(scene.path("module/main.go"), "package main").unwrap();
        scene.build().unwrap();
        assert_eq!(scene.calls(), 2);

        fs::remove_file(scene.path("built/control-plane")).unwrap();
        scene.build().unwrap();
        assert_eq!(scene.calls(), 3);
    }

    #[test]
    fn of_several_that_ask_at_once_one_builds() {
        let scene = Scene::new(GO);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| scene.build().unwrap());
            }
        });
        assert_eq!(scene.calls(), 1);
    }

    #[test]
    fn a_failed_build_shows_what_go_said_and_is_tried_again() {
        let scene = Scene::new("#!/bin/sh\necho call >>../calls\necho no such package >&2\nexit 1\n");
        let error = scene.build().unwrap_err();
        assert!(error.to_string().ends_with("ends with:\nno such package"), "{error}");
        scene.build().unwrap_err();
        assert_eq!(scene.calls(), 2);
    }

    #[test]
    fn a_missing_go_has_an_error_of_its_own() {
        let scene = Scene::new(GO);
        fs::remove_file(scene.path("go")).unwrap();
        assert!(matches!(scene.build(), Err(BuildError::NoGo)));
    }
}
