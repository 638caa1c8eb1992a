//! Calls to AWS that need credentials: STS through the SDK that aws-config brings.

use std::sync::Arc;

use aws_config::provider_config::ProviderConfig;
use aws_sdk_sts::config::{BehaviorVersion, Region};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::Credentials as IssuedCredentials;
use aws_smithy_runtime_api::client::result::ConnectorError;
use jiff::{SignedDuration, Timestamp};
use kube_iam_core::partition::StsEndpoint;
use kube_iam_core::secret::Secret;

use crate::config::Config;
use crate::credentials::{Credentials, Origin, timestamp};
use crate::ec2::OnBehalfOf;
use crate::environment::Environment;
use crate::error::{CredentialError, Trouble};
use crate::http::{Http, HttpFailure, HttpSettings, Proxy, ProxyError, Roots, SdkHttp, SystemRoots, find};

/// How long a session of the role given with `--role` lasts, in seconds: the least STS allows, and one token's time.
pub(crate) const ROLE_SESSION_SECONDS: i32 = 900;

/// A way to call AWS, with the settings of one environment and profile.
pub(crate) struct Calls {
    /// A proxy that makes no sense is an error only once something is sent.
    http: Result<SdkHttp, ProxyError>,
    pub(crate) region: String,
    form: StsEndpoint,
    url: Option<String>,
}

/// An identity as STS gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `arn:aws:iam::111122223333:user/jo`, or `arn:aws:sts::111122223333:assumed-role/NAME/SESSION` without the role's path.
    pub arn: String,
    /// The account, twelve digits.
    pub account: String,
    /// `AIDA…`, or `AROA…:SESSION`.
    pub user_id: String,
}

/// What is asked of AssumeRole.
#[derive(Clone, Default)]
pub(crate) struct RoleRequest {
    pub(crate) role: String,
    pub(crate) session_name: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) duration_seconds: Option<i32>,
    /// Serial number of the device and its code.
    pub(crate) mfa: Option<(String, String)>,
    pub(crate) on_behalf_of: Option<OnBehalfOf>,
}

impl Calls {
    /// Nothing is read or connected yet.
    pub(crate) fn new(config: &Config<'_>, region: &str) -> Self {
        Self {
            http: sdk_http(config.environment(), config.setting("AWS_CA_BUNDLE", "ca_bundle")),
            region: region.to_owned(),
            form: config.endpoint_form(),
            url: config.endpoint_url("sts"),
        }
    }

    /// The configuration of aws-config's own providers.
    pub(crate) fn provider_config(&self, region: &str) -> Result<ProviderConfig, ProxyError> {
        Ok(ProviderConfig::without_region()
            .with_region(Some(Region::new(region.to_owned())))
            .with_use_fips(Some(self.form.fips))
            .with_use_dual_stack(Some(self.form.dual_stack))
            .with_behavior_version(Some(BehaviorVersion::latest()))
            .with_http_client(self.http.clone()?))
    }

    fn sts(&self, credentials: Option<&Credentials>) -> Result<aws_sdk_sts::Client, ProxyError> {
        let mut builder = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .use_fips(self.form.fips)
            .use_dual_stack(self.form.dual_stack)
            .http_client(self.http.clone()?);
        if let Some(credentials) = credentials {
            builder = builder.credentials_provider(credentials.to_sdk());
        }
        if let Some(url) = &self.url {
            builder = builder.endpoint_url(url);
        }
        Ok(aws_sdk_sts::Client::from_conf(builder.build()))
    }

    /// One AssumeRole call.
    pub(crate) async fn assume_role(
        &self,
        base: &Credentials,
        origin: &Origin,
        request: &RoleRequest,
        now: Timestamp,
    ) -> Result<Credentials, CredentialError> {
        let (serial, code) = request.mfa.clone().unzip();
        let behalf = request.on_behalf_of.clone();
        let reply = self
            .sts(Some(base))?
            .assume_role()
            .role_arn(&request.role)
            .role_session_name(request.session_name.clone().unwrap_or_else(|| generated_name(now)))
            .set_external_id(request.external_id.clone())
            .set_duration_seconds(request.duration_seconds)
            .set_serial_number(serial)
            .set_token_code(code)
            .customize()
            // Before signing. What no header can carry is left out, and the role's policy refuses.
            .mutate_request(move |http| {
                if let Some(OnBehalfOf { arn, account }) = &behalf {
                    let _ = http.headers_mut().try_insert("x-amz-source-arn", arn.clone());
                    let _ = http.headers_mut().try_insert("x-amz-source-account", account.to_string());
                }
            })
            .send()
            .await
            .map_err(|error| refused("AssumeRole", error, base, origin, Some(&request.role)))?;
        issued("AssumeRole", reply.credentials)
    }

    /// One AssumeRoleWithWebIdentity call; needs no credentials.
    pub(crate) async fn assume_role_with_web_identity(
        &self,
        role: &str,
        session_name: Option<String>,
        token: &str,
        now: Timestamp,
    ) -> Result<Credentials, CredentialError> {
        const ACTION: &str = "AssumeRoleWithWebIdentity";
        let reply = self
            .sts(None)?
            .assume_role_with_web_identity()
            .role_arn(role)
            .role_session_name(session_name.unwrap_or_else(|| generated_name(now)))
            .web_identity_token(token)
            .send()
            .await
            .map_err(|error| CredentialError::Call {
                action: ACTION,
                trouble: trouble(&error),
                source: summary(&error).into(),
            })?;
        issued(ACTION, reply.credentials)
    }

    /// Who STS says signs with these credentials.
    pub(crate) async fn caller(&self, base: &Credentials, origin: &Origin) -> Result<Caller, CredentialError> {
        const ACTION: &str = "GetCallerIdentity";
        let reply = self.sts(Some(base))?.get_caller_identity().send().await;
        let reply = reply.map_err(|error| refused(ACTION, error, base, origin, None))?;
        match (reply.arn, reply.account, reply.user_id) {
            (Some(arn), Some(account), Some(user_id)) => Ok(Caller { arn, account, user_id }),
            _ => Err(CredentialError::Call {
                action: ACTION,
                trouble: Trouble::Answer,
                source: "the reply names nobody".into(),
            }),
        }
    }

    /// The client behind all calls, to keep.
    pub(crate) fn shared_http(&self) -> Result<Arc<Http>, ProxyError> {
        self.http.clone().map(|SdkHttp(http)| http)
    }

    /// The client behind all calls.
    pub(crate) fn http(&self) -> Result<&Http, ProxyError> {
        match &self.http {
            Ok(SdkHttp(http)) => Ok(http),
            Err(error) => Err(*error),
        }
    }
}

/// The HTTP client of everything that AWS's own libraries send.
fn sdk_http(environment: &Environment, bundle: Option<&str>) -> Result<SdkHttp, ProxyError> {
    let roots = match bundle {
        Some(path) => Roots::Bundle(path.into()),
        None => Roots::System(SystemRoots::from_environment(environment)),
    };
    let settings = HttpSettings { roots, proxy: Proxy::from_environment(environment)?, ..HttpSettings::default() };
    Ok(SdkHttp(Arc::new(Http::new(settings))))
}

fn generated_name(now: Timestamp) -> String {
    format!("kube-iam-{}", now.as_nanosecond())
}

fn issued(action: &'static str, credentials: Option<IssuedCredentials>) -> Result<Credentials, CredentialError> {
    let credentials = credentials.ok_or_else(|| CredentialError::Call {
        action,
        trouble: Trouble::Answer,
        source: "the reply holds no credentials".into(),
    })?;
    let expires = std::time::SystemTime::try_from(credentials.expiration).ok().and_then(timestamp);
    Ok(Credentials {
        access_key_id: credentials.access_key_id,
        secret_access_key: Secret::new(credentials.secret_access_key),
        session_token: Some(Secret::new(credentials.session_token)),
        expires,
    })
}

/// What a refusal of STS means for whoever sits in front of it.
fn refused<E>(
    action: &'static str,
    error: SdkError<E>,
    base: &Credentials,
    origin: &Origin,
    role: Option<&str>,
) -> CredentialError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let told = |error: SdkError<E>| -> Box<dyn std::error::Error + Send + Sync> { summary(&error).into() };
    match (error.code(), role) {
        (Some("InvalidClientTokenId" | "SignatureDoesNotMatch"), _) => CredentialError::KeyRejected {
            origin: origin.clone(),
            access_key_id: base.access_key_id.clone(),
            source: told(error),
        },
        (Some("ExpiredToken" | "ExpiredTokenException"), _) => {
            CredentialError::Expired { origin: origin.clone(), at: base.expires }
        }
        (Some("AccessDenied"), Some(role)) => CredentialError::AssumeRoleDenied {
            role: role.to_owned(),
            caller: error.message().and_then(caller_in).map(str::to_owned),
            source: told(error),
        },
        _ => CredentialError::Call { action, trouble: trouble(&error), source: told(error) },
    }
}

/// The ARN in STS's `User: ARN is not authorized …`.
pub(crate) fn caller_in(message: &str) -> Option<&str> {
    let rest = message.split_once("User: ")?.1;
    rest.split_once(" is not authorized").map(|(arn, _)| arn)
}

/// What AWS said, or the innermost reason why it said nothing.
fn summary<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &SdkError<E>) -> String {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => crate::http::causes(error),
    }
}

/// What kept a call from being answered.
pub(crate) fn trouble(error: &(dyn std::error::Error + 'static)) -> Trouble {
    let failure = find::<HttpFailure>(error);
    match failure {
        Some(HttpFailure::Tls(_) | HttpFailure::Roots(_)) => Trouble::Certificate,
        Some(HttpFailure::TooLarge) => Trouble::Answer,
        Some(_) => Trouble::Network,
        None if find::<ConnectorError>(error).is_some() => Trouble::Network,
        None => Trouble::Answer,
    }
}

/// Whether credentials end within a time from now.
pub(crate) fn ends_within(credentials: &Credentials, time: SignedDuration, now: Timestamp) -> bool {
    !credentials.last(time, now)
}
