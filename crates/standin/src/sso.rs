//! The portal of IAM Identity Center: `GetRoleCredentials`.

use hyper::{HeaderMap, Method, StatusCode};
use jiff::SignedDuration;
use serde_json::json;

use crate::parameters::Parameters;
use crate::reply::Reply;
use crate::standin::Shared;
use crate::sts;

/// The one path of the portal that is answered.
pub(crate) const ROLE_CREDENTIALS: &str = "/federation/credentials";

/// How long a permission set's credentials last.
const SESSION: SignedDuration = SignedDuration::from_hours(1);

/// Answers a request to the portal; with the error code if it is refused.
pub(crate) fn answer(
    shared: &Shared,
    method: &Method,
    path: &str,
    query: &Parameters<'_>,
    headers: &HeaderMap,
) -> (Reply, Option<&'static str>) {
    match role_credentials(shared, method, path, query, headers) {
        Ok(reply) => (reply, None),
        Err((status, code, message)) => {
            let body = json!({
                "message": message,
                "__type": format!("com.amazonaws.switchboard.portal#{code}"),
            });
            let reply = Reply::json(status, &body).with_header("x-amzn-errortype", code);
            (reply, Some(code))
        }
    }
}

type PortalError = (StatusCode, &'static str, &'static str);

fn role_credentials(
    shared: &Shared,
    method: &Method,
    path: &str,
    query: &Parameters<'_>,
    headers: &HeaderMap,
) -> Result<Reply, PortalError> {
    const FORBIDDEN: PortalError = (StatusCode::FORBIDDEN, "ForbiddenException", "No access");
    const FAILED: PortalError = (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException", "Internal error");
    if path != ROLE_CREDENTIALS || method != Method::GET {
        return Err((StatusCode::NOT_FOUND, "ResourceNotFoundException", "Not found"));
    }
    let token = headers.get("x-amz-sso_bearer_token").and_then(|value| value.to_str().ok());
    let held: Vec<_> = shared.sso.iter().filter(|access| Some(access.access_token.as_str()) == token).collect();
    if held.is_empty() {
        return Err((StatusCode::UNAUTHORIZED, "UnauthorizedException", "Session token not found or invalid"));
    }
    let (Some(account), Some(set)) = (query.first("account_id"), query.first("role_name")) else {
        return Err((StatusCode::BAD_REQUEST, "InvalidRequestException", "Invalid request"));
    };
    let access = held
        .into_iter()
        .find(|access| access.account_id == account && access.permission_set == set)
        .ok_or(FORBIDDEN)?;
    let role = shared.role(&access.role_arn).ok_or(FORBIDDEN)?;
    let principal = sts::session_principal(role, &access.user).ok_or(FORBIDDEN)?;
    let now = shared.clock.now();
    let credentials = shared.keys.issue(principal, &role.arn, now, now + SESSION).map_err(|_| FAILED)?;
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "roleCredentials": {
                "accessKeyId": credentials.access_key_id,
                "secretAccessKey": credentials.secret_access_key,
                "sessionToken": credentials.session_token,
                "expiration": credentials.expires.as_millisecond(),
            }
        }),
    ))
}
