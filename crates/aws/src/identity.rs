//! Whose credentials a set-up would give, without fetching them.
//!
//! The cache file knows cluster, profile and role only. A profile that was changed, or a container with another role, must not be
//! answered with what was kept for the one before.

use std::fmt::Write as _;

use aws_runtime::env_config::section::Profile;
use sha2::{Digest as _, Sha256};

use crate::config::Config;
use crate::credentials::Origin;
use crate::limits;

/// What tells one set-up from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The source that will be asked.
    pub(crate) origin: Origin,
    /// Digest of everything that decides whose credentials that source gives.
    pub(crate) digest: String,
}

/// The keys of a profile that decide whose credentials it gives.
const KEYS: [&str; 13] = [
    "aws_access_key_id",
    "credential_process",
    "credential_source",
    "external_id",
    "mfa_serial",
    "role_arn",
    "role_session_name",
    "source_profile",
    "sso_account_id",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];

impl Identity {
    /// Follows the order of [`crate::chain::Chain::find`] behind the keys of the environment, which are never cached.
    pub(crate) fn of(config: &Config<'_>) -> Self {
        let environment = config.environment();
        let role = environment.get("AWS_ROLE_ARN").filter(|_| environment.get("AWS_WEB_IDENTITY_TOKEN_FILE").is_some());
        if let Some(role) = role {
            let session = environment.get("AWS_ROLE_SESSION_NAME").unwrap_or_default();
            return Self::new(Origin::WebIdentity, &[role, session]);
        }
        let profile = config.profile_name();
        let parts = profile_parts(config, profile);
        if !parts.is_empty() {
            return Self::new(Origin::Profile(profile.to_owned()), &parts);
        }
        let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
        match environment.first(&container) {
            Some(uri) => Self::new(Origin::Container, &[uri]),
            None => Self::new(Origin::InstanceMetadata, &[]),
        }
    }

    fn new(origin: Origin, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        hash.update(origin.to_string());
        for part in parts {
            hash.update([0]);
            hash.update(part);
        }
        let mut digest = String::new();
        for byte in hash.finalize().iter().take(8) {
            // Writing to a string can't fail.
            let _ = write!(digest, "{byte:02x}");
        }
        Self { origin, digest }
    }
}

/// The deciding keys and values of a profile and of those it builds on; empty if it gives no credentials.
fn profile_parts<'a>(config: &'a Config<'_>, profile: &'a str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut next = Some(profile);
    for _ in 0..limits::SOURCE_PROFILES {
        let Some(profile) = next.and_then(|name| config.profile(name)) else { break };
        parts.extend(KEYS.iter().filter_map(|key| Some([*key, value(profile, key)?])).flatten());
        next = value(profile, "source_profile");
    }
    parts
}

fn value<'a>(profile: &'a Profile, key: &str) -> Option<&'a str> {
    profile.get(key).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    async fn identity(file: &str, variables: &[(&str, &str)]) -> Identity {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config");
        std::fs::write(&path, file).unwrap();
        let own = [("AWS_CONFIG_FILE", path.to_str().unwrap())];
        let all = own.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::from_variables(all);
        Identity::of(&Config::load(&environment).await.unwrap())
    }

    const FILE: &str = "[default]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = base\n\
                        [profile base]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n";

    #[tokio::test]
    async fn whatever_changes_the_caller_changes_the_digest() {
        let first = identity(FILE, &[]).await;
        assert_eq!(first.origin, Origin::Profile("default".to_owned()));
        assert_eq!(identity(&format!("{FILE}region = eu-west-1\n"), &[]).await, first);
        let mut seen = vec![first.digest];
        for (file, variables) in [
            (FILE.replace("role/a", "role/b"), vec![]),
            (FILE.replace("AKIA1", "AKIA2"), vec![]),
            (FILE.replace("source_profile = base", "credential_source = Environment"), vec![]),
            (FILE.to_owned(), vec![("AWS_PROFILE", "base")]),
            (String::new(), vec![]),
            (String::new(), vec![("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/a")]),
            (String::new(), vec![("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/b")]),
            (FILE.to_owned(), vec![("AWS_WEB_IDENTITY_TOKEN_FILE", "f"), ("AWS_ROLE_ARN", "a")]),
            (FILE.to_owned(), vec![("AWS_WEB_IDENTITY_TOKEN_FILE", "f"), ("AWS_ROLE_ARN", "b")]),
        ] {
            let digest = identity(&file, &variables).await.digest;
            assert!(!seen.contains(&digest), "{file} {variables:?}");
            seen.push(digest);
        }
    }

    #[tokio::test]
    async fn a_profile_without_credentials_leads_on() {
        assert_eq!(identity("[default]\nregion = eu-west-1\n", &[]).await.origin, Origin::InstanceMetadata);
    }
}
