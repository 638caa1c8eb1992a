//! One control plane for all tests of a process.

use std::env;
use std::error::Error;
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::binaries::build::say;
use crate::{Binaries, BuildError, ControlPlane, Missing, Options};

static SHARED: OnceCell<Result<Arc<ControlPlane>, Arc<BuildError>>> = OnceCell::const_new();

/// The control plane that the tests of this process share, started by the first that
/// asks. It is bound to no test's runtime, and ends with the process. Each test works
/// in a [`ControlPlane::namespace`] of its own, and restarts nothing.
///
/// # Errors
///
/// [`BuildError`] if its programs were not to be had; see [`required_in_ci`].
///
/// # Panics
///
/// If the programs are there but don't start: a defect, never a reason to skip a test.
pub async fn shared() -> Result<Arc<ControlPlane>, Arc<BuildError>> {
    SHARED
        .get_or_init(async || {
            let binaries = tokio::task::spawn_blocking(Binaries::build_or_find);
            let binaries = binaries.await.expect("the build does not panic").map_err(Arc::new)?;
            match ControlPlane::start(&binaries, Options::default()).await {
                Ok(control_plane) => Ok(Arc::new(control_plane)),
                Err(error) => panic!("the shared control plane did not start: {}", chain(&error)),
            }
        })
        .await
        .clone()
}

/// The value, or `None` for a test to return early by, said loudly on stderr with the
/// way to enable it.
///
/// # Panics
///
/// Under `CI=true`, where a test that needs a control plane must not be skipped.
pub fn required_in_ci<T, E: Error>(result: Result<T, E>) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => chain(&error),
    };
    assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "no control plane, and CI needs one: {error}");
    let current = std::thread::current();
    let test = current.name().unwrap_or("a test");
    say(&format!("SKIPPED {test}: {error}\nhint: {}", Missing::HINT));
    None
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
