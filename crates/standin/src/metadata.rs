//! Instance metadata (version 2: a session token first) and container credentials.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::net::TcpStream;

use crate::arns::RoleArn;
use crate::calls::{Outcome, Service};
use crate::keys::Credentials;
use crate::reply::{Reply, ReplyBody};
use crate::settings::Instance;
use crate::standin::Shared;
use crate::{https, limits, random, render, sts};

const TOKEN_PATH: &str = "/latest/api/token";
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";
const TTL_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const ROLE_PATH: &str = "/latest/meta-data/iam/security-credentials/";

/// The path of the container's credentials, for `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
pub(crate) const CONTAINER_PATH: &str = "/v2/credentials";

/// How long a machine's credentials last, and how long before that new ones are made.
const SESSION: SignedDuration = SignedDuration::from_hours(6);
const RENEWAL: SignedDuration = SignedDuration::from_mins(5);

/// The tokens and credentials given out so far.
#[derive(Default)]
pub(crate) struct Metadata {
    tokens: Mutex<HashMap<String, Timestamp>>,
    instance: Mutex<Option<Arc<Credentials>>>,
    container: Mutex<Option<Arc<Credentials>>>,
}

type Answer = Result<Reply, (StatusCode, &'static str)>;

/// Serves one connection.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(&shared, &request)) }
    });
    if let Err(error) = https::http1().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "metadata connection ended");
    }
}

fn respond(shared: &Shared, request: &Request<Incoming>) -> Response<ReplyBody> {
    let path = request.uri().path();
    let (service, answer) = if path.starts_with(CONTAINER_PATH) {
        let answer = container(shared, request.method(), request.headers());
        (Service::ContainerCredentials, answer)
    } else {
        let answer = instance(shared, request.method(), path, request.headers());
        (Service::InstanceMetadata, answer)
    };
    let (reply, outcome) = match answer {
        Ok(reply) => (reply, Outcome::Accepted),
        Err((status, code)) => (Reply::text(status, code), Outcome::Refused(code)),
    };
    shared.record(https::Described {
        service,
        action: path,
        access_key_id: None,
        host: https::host(request.headers(), request.uri()),
        method: request.method(),
        headers: request.headers(),
        outcome,
    });
    https::response(shared, reply, None, 0, None)
}

fn container(shared: &Shared, method: &Method, headers: &HeaderMap) -> Answer {
    let container = shared.container.as_ref().ok_or(NOT_FOUND)?;
    if method != Method::GET {
        return Err(NOT_ALLOWED);
    }
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if container.authorization.is_some() && container.authorization.as_deref() != given {
        return Err((StatusCode::UNAUTHORIZED, "Unauthorized"));
    }
    let (arn, session) = (&container.role_arn, &container.session_name);
    let held = &shared.metadata.container;
    let credentials = role_credentials(shared, held, arn, session)?;
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "RoleArn": arn,
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.session_token,
            "Expiration": render::iso(credentials.expires),
        }),
    ))
}

const NOT_FOUND: (StatusCode, &str) = (StatusCode::NOT_FOUND, "NotFound");
const NOT_ALLOWED: (StatusCode, &str) = (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed");
const UNAUTHORIZED: (StatusCode, &str) = (StatusCode::UNAUTHORIZED, "Unauthorized");
const FAILED: (StatusCode, &str) = (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure");

fn instance(shared: &Shared, method: &Method, path: &str, headers: &HeaderMap) -> Answer {
    let instance = shared.instance.as_ref().ok_or(NOT_FOUND)?;
    let now = shared.clock.now();
    if path == TOKEN_PATH {
        return shared.metadata.token(method, headers, now);
    }
    if method != Method::GET {
        return Err(NOT_ALLOWED);
    }
    if !shared.metadata.knows(headers, now) {
        return Err(UNAUTHORIZED);
    }
    let role = RoleArn::parse(&instance.role_arn).ok_or(FAILED)?;
    let text = |text: &str| Ok(Reply::text(StatusCode::OK, text.to_owned()));
    match path {
        "/latest/meta-data/instance-id" => text(&instance.instance_id),
        "/latest/meta-data/placement/region" => text(&instance.region),
        "/latest/meta-data/placement/availability-zone" => text(&zone(instance)),
        "/latest/dynamic/instance-identity/document" => Ok(Reply::json(
            StatusCode::OK,
            &json!({
                "accountId": role.account,
                "availabilityZone": zone(instance),
                "instanceId": instance.instance_id,
                "region": instance.region,
                "version": "2017-09-30",
            }),
        )),
        _ => match path.strip_prefix(ROLE_PATH) {
            Some("") => text(role.name),
            Some(name) if name == role.name => instance_credentials(shared, instance, now),
            _ if path == ROLE_PATH.trim_end_matches('/') => text(role.name),
            _ => Err(NOT_FOUND),
        },
    }
}

fn instance_credentials(shared: &Shared, instance: &Instance, now: Timestamp) -> Answer {
    let held = &shared.metadata.instance;
    let credentials = role_credentials(shared, held, &instance.role_arn, &instance.instance_id)?;
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "Code": "Success",
            "LastUpdated": render::iso(now),
            "Type": "AWS-HMAC",
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.session_token,
            "Expiration": render::iso(credentials.expires),
        }),
    ))
}

/// The credentials held for a machine, or new ones when those near their end.
fn role_credentials(
    shared: &Shared,
    held: &Mutex<Option<Arc<Credentials>>>,
    role_arn: &str,
    session_name: &str,
) -> Result<Arc<Credentials>, (StatusCode, &'static str)> {
    let now = shared.clock.now();
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(credentials) = held.as_ref().filter(|held| now + RENEWAL < held.expires) {
        return Ok(Arc::clone(credentials));
    }
    let role = shared.role(role_arn).ok_or(FAILED)?;
    let principal = sts::session_principal(role, session_name).ok_or(FAILED)?;
    let credentials = shared.keys.issue(principal, role_arn, now, now + SESSION).map_err(|_| FAILED)?;
    Ok(Arc::clone(held.insert(Arc::new(credentials))))
}

fn zone(instance: &Instance) -> String {
    format!("{}a", instance.region)
}

impl Metadata {
    /// `PUT /latest/api/token`: a token for 1 second to 6 hours.
    fn token(&self, method: &Method, headers: &HeaderMap, now: Timestamp) -> Answer {
        if method != Method::PUT {
            return Err(NOT_ALLOWED);
        }
        if headers.contains_key("x-forwarded-for") {
            return Err((StatusCode::FORBIDDEN, "Forbidden"));
        }
        let ttl = headers
            .get(TTL_HEADER)
            .and_then(|value| value.to_str().ok()?.parse::<i64>().ok())
            .filter(|ttl| (1..=21_600).contains(ttl))
            .ok_or((StatusCode::BAD_REQUEST, "BadRequest"))?;
        let token = random::base64(55).map_err(|_| FAILED)? + "=";
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() == limits::METADATA_TOKENS {
            tokens.clear();
        }
        tokens.insert(token.clone(), now + SignedDuration::from_secs(ttl));
        Ok(Reply::text(StatusCode::OK, token).with_header(TTL_HEADER, ttl.to_string()))
    }

    fn knows(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        headers
            .get(TOKEN_HEADER)
            .and_then(|value| tokens.get(value.to_str().ok()?))
            .is_some_and(|expires| now < *expires)
    }
}
