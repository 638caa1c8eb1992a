//! EC2: `DescribeInstances`, in the shapes of its own query protocol (version 2016-11-15).

mod bucket;
mod instances;

use hyper::StatusCode;

use crate::keys::KnownKey;
use crate::paging::page;
use crate::refusal::Refusal;
use crate::render::{Value, push, xml_members, xml_text};
use crate::reply::Reply;
use crate::sigv4;
use crate::standin::Shared;
use crate::sts::{Asked, Members};

pub(crate) use bucket::Buckets;
pub use bucket::TokenBucket;
pub use instances::Ec2Instance;
pub(crate) use instances::{Instances, Seen};

pub(crate) const VERSION: &str = "2016-11-15";

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

const DESCRIBE: &str = "DescribeInstances";

/// Most results of a page ("MaxResults" in the API reference of `DescribeInstances`).
const MOST_RESULTS: usize = 1000;

/// Answers a request; with the error code if it is refused.
pub(crate) fn answer(shared: &Shared, asked: &Asked<'_>, request_id: &str) -> (Reply, Option<&'static str>) {
    match describe(shared, asked) {
        Ok(members) => (success(&members, request_id), None),
        Err(refusal) => {
            let refusal = translated(&refusal);
            (reply(&refusal, request_id), Some(refusal.code))
        }
    }
}

/// EC2's answers have no element for the result.
fn success(members: &Members, request_id: &str) -> Reply {
    let mut out = String::with_capacity(4096);
    push(
        &mut out,
        &[
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeInstancesResponse xmlns=\"",
            NAMESPACE,
            "\">\n    <requestId>",
            request_id,
            "</requestId>\n",
        ],
    );
    xml_members(members, 4, &mut out);
    out.push_str("</DescribeInstancesResponse>");
    Reply::new(StatusCode::OK, "text/xml;charset=UTF-8", out)
}

/// A refusal in EC2's form.
pub(crate) fn reply(refusal: &Refusal, request_id: &str) -> Reply {
    let refusal = translated(refusal);
    let mut out = String::with_capacity(512);
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>";
    push(&mut out, &[start, refusal.code, "</Code><Message>"]);
    xml_text(&refusal.message, &mut out);
    push(&mut out, &["</Message></Error></Errors><RequestID>", request_id, "</RequestID></Response>"]);
    Reply::new(refusal.status, "text/xml;charset=UTF-8", out)
}

/// What EC2 calls an error that STS has another name for ("Error codes for the Amazon EC2 API").
fn translated(refusal: &Refusal) -> Refusal {
    let own = |status, code, message: &'static str| Refusal::new(status, code, message);
    match refusal.code {
        "AccessDenied" => Refusal::new(
            StatusCode::FORBIDDEN,
            "UnauthorizedOperation",
            format!("You are not authorized to perform this operation. {}", refusal.message),
        ),
        "ExpiredToken" => own(StatusCode::BAD_REQUEST, "RequestExpired", "Request has expired."),
        "InvalidClientTokenId" | "SignatureDoesNotMatch" => {
            own(StatusCode::UNAUTHORIZED, "AuthFailure", "AWS was not able to validate the provided access credentials")
        }
        "InternalFailure" => own(refusal.status, "InternalError", "An internal error has occurred"),
        "ServiceUnavailable" => {
            own(refusal.status, "Unavailable", "The service is unavailable. Please try again shortly.")
        }
        "Throttling" => own(StatusCode::SERVICE_UNAVAILABLE, "RequestLimitExceeded", "Request limit exceeded."),
        _ => refusal.clone(),
    }
}

fn describe(shared: &Shared, asked: &Asked<'_>) -> Result<Members, Refusal> {
    let now = shared.clock.now();
    let caller = asked.caller(sigv4::EC2, now, &shared.keys)?;
    asked.check_action(&[DESCRIBE], VERSION)?;
    let region = asked.region()?;
    if !shared.buckets.take(&caller.principal.account, region, now) {
        return Err(Refusal::throttled());
    }
    shared.world.check(&caller, "ec2:DescribeInstances", "")?;
    let invalid = |message: &str| Refusal::new(StatusCode::BAD_REQUEST, "InvalidParameterValue", message.to_owned());
    if asked.form.iter().any(|(name, _)| name.starts_with("Filter.")) {
        return Err(invalid("The stand-in has no filters"));
    }
    let most = match asked.form.first("MaxResults") {
        None => MOST_RESULTS,
        Some(text) => text.parse().ok().filter(|most| (5..=MOST_RESULTS).contains(most)).ok_or_else(|| {
            invalid("Value for parameter maxResults is invalid. Expecting a value between 5 and 1000.")
        })?,
    };
    let ids: Vec<&str> =
        asked.form.iter().filter(|(name, _)| name.starts_with("InstanceId.")).map(|(_, id)| id).collect();
    if !ids.is_empty() && asked.form.first("MaxResults").is_some() {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "InvalidParameterCombination",
            "The parameter instancesSet cannot be used with the parameter maxResults",
        ));
    }
    let found = shared.world.instances.described(&ids, region, &caller.principal.account)?;
    let page = page(DESCRIBE, &found, asked.form.first("NextToken"), shared.world.page_size(most))
        .ok_or_else(|| invalid("Unable to parse pagination token"))?;
    let items = page.things.iter().map(|seen| written(seen, &caller)).collect();
    let mut members = vec![("reservationSet", Value::List("item", items))];
    members.extend(page.next.map(|next| ("nextToken", Value::Text(next))));
    Ok(members)
}

/// Each instance in a reservation of its own.
fn written(seen: &Seen, caller: &KnownKey) -> Value {
    let instance = &*seen.instance;
    let code = match instance.state.as_str() {
        "pending" => "0",
        "shutting-down" => "32",
        "terminated" => "48",
        "stopping" => "64",
        "stopped" => "80",
        _ => "16",
    };
    let mut members = vec![
        ("instanceId", Value::text(&instance.id)),
        ("imageId", Value::text("ami-0123456789abcdef0")),
        ("instanceState", Value::Group(vec![("code", Value::text(code)), ("name", Value::text(&instance.state))])),
        ("privateDnsName", Value::text(seen.private_dns_name.as_deref().unwrap_or_default())),
        ("dnsName", Value::text("")),
        ("reason", Value::text("")),
        ("amiLaunchIndex", Value::text("0")),
        ("productCodes", Value::List("item", Vec::new())),
        ("instanceType", Value::text("m7i.large")),
        ("launchTime", Value::text("2026-01-01T00:00:00.000Z")),
        (
            "placement",
            Value::Group(vec![
                ("availabilityZone", Value::text(format!("{}a", instance.region))),
                ("groupName", Value::text("")),
                ("tenancy", Value::text("default")),
            ]),
        ),
        ("monitoring", Value::Group(vec![("state", Value::text("disabled"))])),
        ("groupSet", Value::List("item", Vec::new())),
        ("architecture", Value::text("x86_64")),
        ("tagSet", Value::List("item", Vec::new())),
        ("hypervisor", Value::text("xen")),
        ("networkInterfaceSet", Value::List("item", Vec::new())),
    ];
    if let Some(arn) = &instance.profile_arn {
        let profile = vec![("arn", Value::text(arn)), ("id", Value::text("AIPAIOSFODNN7EXAMPLE"))];
        members.push(("iamInstanceProfile", Value::Group(profile)));
    }
    let number = instance.id.strip_prefix("i-").unwrap_or_default();
    Value::Group(vec![
        ("reservationId", Value::text(format!("r-{number}"))),
        ("ownerId", Value::text(&caller.principal.account)),
        ("groupSet", Value::List("item", Vec::new())),
        ("instancesSet", Value::List("item", vec![Value::Group(members)])),
    ])
}
