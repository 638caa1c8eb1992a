//! Where credentials come from, in the order of AWS's Go SDK: environment, web identity, profile, container, instance
//! metadata.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::sso::SsoCredentialsProvider;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_runtime::env_config::section::Profile;
use aws_sdk_sts::config::Region;
use jiff::Timestamp;
use kube_iam_core::secret::Secret;
use tokio::io::AsyncReadExt as _;

use crate::calls::{Calls, RoleRequest, trouble};
use crate::config::Config;
use crate::credentials::{Credentials, Origin};
use crate::environment::Environment;
use crate::error::{CredentialError, Trouble};
use crate::http::causes;
use crate::limits;
use crate::mfa::{MfaPrompt, QUESTION};
use crate::process;

/// The region where everything else fails, as in the Go client.
pub(crate) const LAST_REGION: &str = "us-east-1";

/// Credentials and where they come from.
pub(crate) struct Found {
    pub(crate) credentials: Credentials,
    pub(crate) origin: Origin,
}

/// The sources of credentials of one environment.
pub(crate) struct Chain<'a> {
    pub(crate) config: &'a Config<'a>,
    pub(crate) calls: &'a Calls,
    pub(crate) prompt: &'a dyn MfaPrompt,
    pub(crate) now: Timestamp,
}

/// The keys of the environment; nothing is read for them.
pub(crate) fn of_environment(config: &Config<'_>) -> Option<Found> {
    let environment = config.environment();
    let credentials = Credentials {
        access_key_id: environment.first(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"])?.to_owned(),
        secret_access_key: Secret::new(environment.first(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"])?),
        session_token: environment.get("AWS_SESSION_TOKEN").map(Secret::new),
        expires: environment.get("AWS_CREDENTIAL_EXPIRATION").and_then(|text| text.parse().ok()),
    };
    Some(Found { credentials, origin: Origin::Environment })
}

/// The variable that lacks beside the other half of a key, which alone is not used, as in AWS's Go SDK.
fn missing_half(environment: &Environment) -> Option<&'static str> {
    let id = environment.first(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]);
    let secret = environment.first(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]);
    match (id, secret) {
        (Some(_), None) => Some("AWS_SECRET_ACCESS_KEY"),
        (None, Some(_)) => Some("AWS_ACCESS_KEY_ID"),
        _ => None,
    }
}

impl Chain<'_> {
    /// The first source that has credentials.
    pub(crate) async fn find(&self) -> Result<Found, CredentialError> {
        if let Some(found) = of_environment(self.config) {
            return Ok(found);
        }
        let environment = self.config.environment();
        if let Some(path) = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")
            && let Some(role) = environment.get("AWS_ROLE_ARN")
        {
            let session = environment.get("AWS_ROLE_SESSION_NAME");
            let credentials = self.web_identity(role, session, Path::new(path)).await?;
            return Ok(Found { credentials, origin: Origin::WebIdentity });
        }
        let profile = self.config.profile_name();
        if let Some(credentials) = self.of_profile(profile.to_owned(), Vec::new()).await? {
            return Ok(Found { credentials, origin: Origin::Profile(profile.to_owned()) });
        }
        if environment
            .first(&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"])
            .is_some()
        {
            return Ok(Found { credentials: self.container().await?, origin: Origin::Container });
        }
        let nothing = |source| match missing_half(environment) {
            Some(missing) => CredentialError::HalfKey { missing },
            None => CredentialError::None { profile: profile.to_owned(), known: self.config.profile_names(), source },
        };
        if self.config.metadata_disabled() {
            return Err(nothing(None));
        }
        match self.metadata().await {
            Ok(credentials) => Ok(Found { credentials, origin: Origin::InstanceMetadata }),
            Err(CredentialError::Metadata(source)) => Err(nothing(Some(source))),
            Err(error) => Err(error),
        }
    }

    /// The credentials of a profile; `None` if it has none of its own.
    fn of_profile(
        &self,
        name: String,
        mut visited: Vec<String>,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Credentials>, CredentialError>> + Send + '_>> {
        Box::pin(async move {
            let Some(profile) = self.config.profile(&name) else {
                return match visited.is_empty() {
                    // Without any file there is no default profile either.
                    true => Ok(None),
                    false => Err(CredentialError::UnknownProfile { profile: name, known: self.config.profile_names() }),
                };
            };
            let looped = visited.contains(&name) || visited.len() >= limits::SOURCE_PROFILES;
            visited.push(name.clone());
            if looped {
                return Err(CredentialError::ProfileLoop { profiles: visited });
            }
            // The keys of a source profile come before its own role, as in the AWS CLI.
            if visited.len() > 1
                && let Some(keys) = keys_of(profile)
            {
                return Ok(Some(keys));
            }
            let Some(role) = key(profile, "role_arn") else { return self.without_role(&name, profile).await };
            if let Some(path) = key(profile, "web_identity_token_file") {
                return self.web_identity(role, key(profile, "role_session_name"), Path::new(path)).await.map(Some);
            }
            let base = self.base_of_role(&name, profile, visited).await?;
            self.role_of_profile(&name, profile, role, &base).await.map(Some)
        })
    }

    /// The credentials with which the role of a profile is assumed.
    async fn base_of_role(
        &self,
        name: &str,
        profile: &Profile,
        visited: Vec<String>,
    ) -> Result<Credentials, CredentialError> {
        let problem =
            |problem: &str| CredentialError::Profile { profile: name.to_owned(), problem: problem.to_owned() };
        match (key(profile, "source_profile"), key(profile, "credential_source")) {
            (Some(_), Some(_)) => Err(problem("it has both `source_profile` and `credential_source`")),
            (Some(source), None) if source == name => {
                keys_of(profile).ok_or_else(|| problem("it names itself as `source_profile` and has no keys"))
            }
            (Some(source), None) => {
                let found = self.of_profile(source.to_owned(), visited).await?;
                found.ok_or_else(|| problem(&format!("its `source_profile` `{source}` has no credentials")))
            }
            (None, Some("Environment")) => of_environment(self.config)
                .map(|found| found.credentials)
                .ok_or_else(|| problem("`credential_source = Environment`, but the environment has no keys")),
            (None, Some("EcsContainer")) => self.container().await,
            (None, Some("Ec2InstanceMetadata")) => self.metadata().await,
            (None, Some(other)) => Err(problem(&format!("`credential_source = {other}` is not known"))),
            (None, None) => self
                .without_role(name, profile)
                .await?
                .ok_or_else(|| problem("it has `role_arn` but neither `source_profile` nor `credential_source`")),
        }
    }

    /// The credentials that a profile has without assuming a role.
    async fn without_role(&self, name: &str, profile: &Profile) -> Result<Option<Credentials>, CredentialError> {
        if let Some(keys) = keys_of(profile) {
            return Ok(Some(keys));
        }
        if key(profile, "sso_session").is_some() || key(profile, "sso_start_url").is_some() {
            return self.sso(name, profile).await.map(Some);
        }
        if key(profile, "login_session").is_some() {
            let problem =
                "`login_session` is not supported; use `credential_process = aws configure export-credentials`";
            return Err(CredentialError::Profile { profile: name.to_owned(), problem: problem.to_owned() });
        }
        let Some(command) = key(profile, "credential_process") else { return Ok(None) };
        let ran = process::run(command, self.config.environment()).await;
        ran.map(Some).map_err(|source| CredentialError::Process { profile: name.to_owned(), source })
    }

    async fn role_of_profile(
        &self,
        name: &str,
        profile: &Profile,
        role: &str,
        base: &Credentials,
    ) -> Result<Credentials, CredentialError> {
        let problem = |problem: String| CredentialError::Profile { profile: name.to_owned(), problem };
        let duration_seconds = key(profile, "duration_seconds")
            .map(|text| {
                text.parse().map_err(|_| problem(format!("`duration_seconds = {text}` is no number of seconds")))
            })
            .transpose()?;
        let serial = key(profile, "mfa_serial");
        let mfa = serial.map(|serial| self.ask(name, serial)).transpose()?;
        let request = RoleRequest {
            role: role.to_owned(),
            session_name: key(profile, "role_session_name").map(str::to_owned),
            external_id: key(profile, "external_id").map(str::to_owned),
            duration_seconds,
            mfa,
            on_behalf_of: None,
        };
        let origin = Origin::Profile(name.to_owned());
        let outcome = self.calls.assume_role(base, &origin, &request, self.now).await;
        match (outcome, serial) {
            (Err(CredentialError::AssumeRoleDenied { source, .. }), Some(serial))
                if is_mfa_failure(source.as_ref()) =>
            {
                Err(CredentialError::MfaRejected { profile: name.to_owned(), serial: serial.to_owned() })
            }
            (outcome, _) => outcome,
        }
    }

    fn ask(&self, profile: &str, serial: &str) -> Result<(String, String), CredentialError> {
        let code = self.prompt.ask(QUESTION).map_err(|source| CredentialError::MfaNeeded {
            profile: profile.to_owned(),
            serial: serial.to_owned(),
            source,
        })?;
        Ok((serial.to_owned(), code))
    }

    async fn web_identity(
        &self,
        role: &str,
        session: Option<&str>,
        path: &Path,
    ) -> Result<Credentials, CredentialError> {
        let unreadable = |source| CredentialError::WebIdentityToken { path: path.to_owned(), source };
        let mut token = String::new();
        let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
        file.take(limits::CREDENTIAL_TEXT_BYTES).read_to_string(&mut token).await.map_err(unreadable)?;
        self.calls.assume_role_with_web_identity(role, session.map(str::to_owned), token.trim(), self.now).await
    }

    async fn sso(&self, name: &str, profile: &Profile) -> Result<Credentials, CredentialError> {
        let missing =
            |key: &str| CredentialError::Profile { profile: name.to_owned(), problem: format!("`{key}` is missing") };
        let session = key(profile, "sso_session");
        let section = session.map(|name| self.config.sso_session(name).ok_or(name)).transpose().map_err(|session| {
            CredentialError::Profile {
                profile: name.to_owned(),
                problem: format!("there is no `sso-session {session}`"),
            }
        })?;
        let setting =
            |key_name: &str| section.and_then(|section| section.get(key_name)).or_else(|| key(profile, key_name));
        let account = key(profile, "sso_account_id").ok_or_else(|| missing("sso_account_id"))?;
        let role = key(profile, "sso_role_name").ok_or_else(|| missing("sso_role_name"))?;
        let start_url = setting("sso_start_url").ok_or_else(|| missing("sso_start_url"))?;
        let region = setting("sso_region").ok_or_else(|| missing("sso_region"))?;
        let mut builder = SsoCredentialsProvider::builder()
            .configure(&self.calls.provider_config(region)?)
            .account_id(account)
            .role_name(role)
            .start_url(start_url)
            .region(Region::new(region.to_owned()));
        builder.set_session_name(session.map(str::to_owned));
        let found = builder.build().provide_credentials().await.map_err(|error| {
            let (trouble, told) = (trouble(&error), causes(&error));
            let profile = name.to_owned();
            if trouble != Trouble::Answer {
                CredentialError::Call { action: "GetRoleCredentials", trouble, source: told.into() }
            } else if told.contains("ForbiddenException") || told.contains("ResourceNotFound") {
                CredentialError::SsoRole { profile, role: role.to_owned(), account: account.to_owned() }
            } else {
                CredentialError::SsoSession { profile, source: told.into() }
            }
        })?;
        Ok(Credentials::from_sdk(&found))
    }

    async fn container(&self) -> Result<Credentials, CredentialError> {
        let provider =
            EcsCredentialsProvider::builder().configure(&self.calls.provider_config(&self.calls.region)?).build();
        let found = provider.provide_credentials().await;
        found
            .map(|found| Credentials::from_sdk(&found))
            .map_err(|error| CredentialError::Container(causes(&error).into()))
    }

    async fn metadata(&self) -> Result<Credentials, CredentialError> {
        let config = self.calls.provider_config(&self.calls.region)?;
        let provider = ImdsCredentialsProvider::builder()
            .configure(&config)
            .imds_client(metadata_client(&config, limits::METADATA_TIMEOUT))
            .build();
        let found = provider.provide_credentials().await;
        found
            .map(|found| Credentials::from_sdk(&found))
            .map_err(|error| CredentialError::Metadata(causes(&error).into()))
    }
}

/// The region: flag, environment, profile, instance metadata.
pub(crate) async fn region(flag: Option<&str>, config: &Config<'_>) -> Option<String> {
    let environment = config.environment().first(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
    let known = flag.or(environment).or_else(|| config.setting("AWS_REGION", "region"));
    match known {
        Some(region) => Some(region.to_owned()),
        None if config.metadata_disabled() => None,
        None => region_of_machine(&Calls::new(config, LAST_REGION)).await,
    }
}

/// The region of the machine, if instance metadata tells it at once.
async fn region_of_machine(calls: &Calls) -> Option<String> {
    let config = calls.provider_config(&calls.region).ok()?;
    let client = metadata_client(&config, limits::METADATA_REGION_TIMEOUT);
    let provider = ImdsRegionProvider::builder().configure(&config).imds_client(client).build();
    let asked = tokio::time::timeout(limits::METADATA_REGION_TIMEOUT * 2, provider.region());
    asked.await.ok().flatten().map(|region| region.as_ref().to_owned())
}

fn metadata_client(config: &aws_config::provider_config::ProviderConfig, time: std::time::Duration) -> imds::Client {
    imds::Client::builder()
        .configure(config)
        .max_attempts(1)
        .connect_timeout(time)
        .read_timeout(time)
        .operation_timeout(time * 2)
        .build()
}

fn key<'p>(profile: &'p Profile, name: &str) -> Option<&'p str> {
    profile.get(name).filter(|value| !value.is_empty())
}

fn keys_of(profile: &Profile) -> Option<Credentials> {
    Some(Credentials {
        access_key_id: key(profile, "aws_access_key_id")?.to_owned(),
        secret_access_key: Secret::new(key(profile, "aws_secret_access_key")?),
        session_token: key(profile, "aws_session_token").map(Secret::new),
        // Not AWS's keys, but what the programs write that put temporary keys into the file.
        expires: key(profile, "aws_expiration")
            .or_else(|| key(profile, "x_security_token_expires"))
            .and_then(|text| text.parse().ok()),
    })
}

/// STS says `MultiFactorAuthentication failed …` when the code is wrong.
fn is_mfa_failure(error: &(dyn std::error::Error + Send + Sync)) -> bool {
    error.to_string().contains("MultiFactorAuthentication")
}
