//! What may be said of credentials that could not be had.

use kube::client::AuthError;

/// Why there are no credentials. The library's own words would show the
/// environment and the output of an exec plugin, and so its secrets.
pub(crate) fn why_none(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => format!("the exec plugin can't be run: {error}"),
        AuthError::AuthExecRun { out, .. } => format!("the exec plugin ended with {}", out.status),
        AuthError::AuthExecParse(_) => "the output of the exec plugin is not an ExecCredential".to_owned(),
        AuthError::ExecPluginFailed => "the ExecCredential of the exec plugin has no status".to_owned(),
        AuthError::MissingCommand => "the exec plugin has no command".to_owned(),
        AuthError::MalformedTokenExpirationDate(_) => "the expiry of the token is not a time stamp".to_owned(),
        AuthError::ReadTokenFile(error, path) => format!("the token file `{}` can't be read: {error}", path.display()),
        AuthError::InvalidBearerToken(_) => "the token has characters that no header may have".to_owned(),
        AuthError::UnrefreshableTokenResponse => "the exec plugin gave no token any more".to_owned(),
        _ => "the kubeconfig has no credentials that can be used".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn an_exec_plugin_that_fails_shows_neither_its_environment_nor_its_output() {
        let out = Command::new("/bin/sh").args(["-c", "echo output-secret; exit 3"]).output().unwrap();
        let cmd = "AWS_SECRET_ACCESS_KEY=\"environment-secret\" \"plugin\"".to_owned();
        let text = why_none(&AuthError::AuthExecRun { cmd, out: Box::new(out) });
        assert_eq!(text, "the exec plugin ended with exit status: 3");
    }
}
