//! The shared configuration: `~/.aws/config`, `~/.aws/credentials` and the environment variables beside them.

use std::convert::Infallible;

use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_runtime::env_config::section::{EnvConfigSections, Profile, SsoSession};
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::Fs;
use kube_iam_core::partition::StsEndpoint;

use crate::environment::Environment;
use crate::error::CredentialError;

/// The profile used when `AWS_PROFILE` is not set.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// A variable, and the key of a profile, that are `true` or `false`.
type Switch = (&'static str, &'static str);

const FIPS: Switch = ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
const DUAL_STACK: Switch = ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
const IGNORE_ENDPOINTS: Switch = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");

/// Both files, merged, with the profile that `AWS_PROFILE` selects.
pub(crate) struct Config<'a> {
    environment: &'a Environment,
    sections: EnvConfigSections,
}

impl<'a> Config<'a> {
    /// Reads the files that `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name, or those in the home directory. A file that
    /// does not exist counts as empty.
    pub(crate) async fn load(environment: &'a Environment) -> Result<Self, CredentialError> {
        let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| CredentialError::Config(error);
        let source = source::load(&environment.shim(), &Fs::real(), &EnvConfigFiles::default())
            .await
            .map_err(|error| unreadable(error.into()))?;
        let sections = EnvConfigSections::parse(source).map_err(|error| unreadable(error.into()))?;
        let config = Self { environment, sections };
        config.check_switches()?;
        let profile = config.profile_name();
        if profile != DEFAULT_PROFILE && config.profile(profile).is_none() {
            return Err(CredentialError::UnknownProfile { profile: profile.to_owned(), known: config.profile_names() });
        }
        Ok(config)
    }

    pub(crate) fn environment(&self) -> &'a Environment {
        self.environment
    }

    /// The selected profile.
    pub(crate) fn profile_name(&self) -> &str {
        self.sections.selected_profile()
    }

    pub(crate) fn profile(&self, name: &str) -> Option<&Profile> {
        self.sections.get_profile(name)
    }

    /// All profiles, sorted.
    pub(crate) fn profile_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.sections.profiles().map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn sso_session(&self, name: &str) -> Option<&SsoSession> {
        self.sections.sso_session(name)
    }

    /// A setting: the environment variable, else the key of the selected profile.
    pub(crate) fn setting(&self, variable: &str, key: &str) -> Option<&str> {
        self.environment.get(variable).or_else(|| self.sections.get(key)).filter(|value| !value.is_empty())
    }

    fn switch(&self, (variable, key): Switch) -> bool {
        self.setting(variable, key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A switch that is neither on nor off is refused, as by the AWS SDKs: who wants FIPS must not go without for a typing error.
    fn check_switches(&self) -> Result<(), CredentialError> {
        let is_word = |value: &str| ["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word));
        let wrong = |(variable, key): Switch| {
            self.setting(variable, key).filter(|value| !is_word(value))?;
            let in_environment = self.environment.get(variable).is_some();
            Some(CredentialError::Switch { name: if in_environment { variable } else { key } })
        };
        [FIPS, DUAL_STACK, IGNORE_ENDPOINTS].into_iter().find_map(wrong).map_or(Ok(()), Err)
    }

    /// Which form of the endpoints is wanted.
    pub(crate) fn endpoint_form(&self) -> StsEndpoint {
        StsEndpoint { fips: self.switch(FIPS), dual_stack: self.switch(DUAL_STACK) }
    }

    /// The configured endpoint of a service, such as `sts`: `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, then the same in the profile,
    /// its `services` section first.
    pub(crate) fn endpoint_url(&self, service: &str) -> Option<String> {
        if self.switch(IGNORE_ENDPOINTS) {
            return None;
        }
        EnvConfigValue::new()
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .service_id(service)
            .validate(&self.environment.shim(), Some(&self.sections), |value| Ok::<_, Infallible>(value.to_owned()))
            .ok()
            .flatten()
    }

    /// Whether instance metadata must not be asked.
    pub(crate) fn metadata_disabled(&self) -> bool {
        self.environment.get("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}
