//! EC2, IAM and CloudFormation as a plain client sees them: shapes, signatures, and how many calls there may be.

use kube_iam_standin::{
    Ec2Instance, Fault, MovableClock, Outcome, Role, Service, Settings, Stack, StandIn, Times, TokenBucket,
};

use crate::client::{Asked, Told, send};
use crate::signer::Signer;
use crate::{USER, at_noon, key, noon};

const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "111122223333";
const ID: &str = "i-0123456789abcdef0";

async fn standin(bucket: Option<TokenBucket>) -> (StandIn, MovableClock) {
    let instance = Ec2Instance::running(ID, "ip-10-0-0-1.internal", REGION, ACCOUNT);
    let settings = Settings {
        roles: vec![Role::new("arn:aws:iam::111122223333:role/a/n", "AROAN")],
        instances: vec![instance],
        stacks: vec![Stack::new("s", REGION, ACCOUNT)],
        ec2_bucket: bucket,
        ..Settings::default()
    };
    at_noon(settings).await
}

fn signer(service: &str) -> Signer {
    let (host, region) = match service {
        "iam" => ("iam.amazonaws.com".to_owned(), "us-east-1"),
        service => (format!("{service}.{REGION}.amazonaws.com"), REGION),
    };
    Signer { host, region: region.to_owned(), service: service.to_owned(), ..Signer::new(&key(), noon()) }
}

const DESCRIBE: [(&str, &str); 3] = [("Action", "DescribeInstances"), ("Version", "2016-11-15"), ("InstanceId.1", ID)];
const ROLE: [(&str, &str); 3] = [("Action", "GetRole"), ("Version", "2010-05-08"), ("RoleName", "n")];
const STACKS: [(&str, &str); 2] = [("Action", "DescribeStacks"), ("Version", "2010-05-15")];

fn describe() -> Asked {
    signer("ec2").post(&DESCRIBE)
}

#[track_caller]
fn assert_refused(told: &Told, status: u16, code: &str) {
    assert_eq!(told.refusal(), (status, code), "{}", told.body);
}

#[tokio::test]
async fn answers_have_the_names_of_each_service() {
    let (standin, _) = standin(None).await;
    let told = send(&standin, &describe()).await;
    assert_eq!((told.status.as_u16(), told.header("content-type")), (200, "text/xml;charset=UTF-8"));
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                 <DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">";
    assert!(told.body.starts_with(start), "{}", told.body);
    assert_eq!((told.element("instanceId"), told.element("requestId")), (ID, told.header("x-amzn-requestid")));

    let told = send(&standin, &signer("iam").post(&ROLE)).await;
    assert!(
        told.body.starts_with("<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"),
        "{}",
        told.body
    );
    assert_eq!(told.element("RequestId"), told.header("x-amzn-requestid"));
    let told = send(&standin, &signer("cloudformation").post(&STACKS)).await;
    let start = "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">";
    assert!(told.body.starts_with(start), "{}", told.body);

    let services: Vec<_> = standin.calls().into_iter().map(|call| (call.service, call.outcome)).collect();
    let accepted = |service| (service, Outcome::Accepted);
    assert_eq!(services, [accepted(Service::Ec2), accepted(Service::Iam), accepted(Service::CloudFormation)]);
}

#[tokio::test]
async fn errors_have_the_form_of_each_service() {
    let (standin, _) = standin(None).await;
    let unknown = [DESCRIBE[0], DESCRIBE[1], ("InstanceId.1", "i-0000000c")];
    let told = send(&standin, &signer("ec2").post(&unknown)).await;
    assert_refused(&told, 400, "InvalidInstanceID.NotFound");
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>";
    assert!(told.body.starts_with(start) && told.body.ends_with("</RequestID></Response>"), "{}", told.body);
    let told = send(&standin, &signer("iam").post(&[ROLE[0], ROLE[1], ("RoleName", "none")])).await;
    assert_refused(&told, 404, "NoSuchEntity");
    let start = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">";
    assert!(told.body.starts_with(start), "{}", told.body);
    assert_eq!(told.element("Type"), "Sender");
    for (fault, status, code) in
        [(Fault::Throttling, 503, "RequestLimitExceeded"), (Fault::Status(503), 503, "Unavailable")]
    {
        standin.inject(fault, Times::Next(1));
        assert_refused(&send(&standin, &describe()).await, status, code);
    }
    standin.inject(Fault::Throttling, Times::Next(1));
    assert_refused(&send(&standin, &signer("cloudformation").post(&STACKS)).await, 400, "Throttling");
    standin.deny("cloudformation:DescribeStacks");
    let told = send(&standin, &signer("cloudformation").post(&STACKS)).await;
    assert_refused(&told, 403, "AccessDenied");
    let said =
        format!("User: {USER} is not authorized to perform: cloudformation:DescribeStacks on resource: arn:aws:");
    assert!(told.element("Message").starts_with(&said), "{}", told.body);
}

#[tokio::test]
async fn a_signature_for_another_service_or_region_is_refused() {
    let (standin, _) = standin(None).await;
    for (service, form) in [("ec2", &DESCRIBE[..]), ("iam", &ROLE), ("cloudformation", &STACKS)] {
        let code = if service == "ec2" { "AuthFailure" } else { "SignatureDoesNotMatch" };
        let status = if service == "ec2" { 401 } else { 403 };
        for signer in [
            Signer { service: "sts".to_owned(), ..signer(service) },
            Signer { region: "us-west-2".to_owned(), ..signer(service) },
            Signer { secret: "not the secret".to_owned(), ..signer(service) },
        ] {
            assert_refused(&send(&standin, &signer.post(form)).await, status, code);
        }
        // At a loopback address any region will do, and the version tells the service.
        let local = Signer { host: "127.0.0.1:1".to_owned(), ..signer(service) };
        assert_eq!(send(&standin, &local.post(form)).await.status, 200, "{service}");
        let mixed = Signer { service: "sts".to_owned(), ..local };
        assert_refused(&send(&standin, &mixed.post(form)).await, status, code);
        let unsigned = Asked::get(format!("/?{}", crate::signer::query(form)), &signer(service).host);
        assert_refused(&send(&standin, &unsigned).await, 403, "MissingAuthenticationToken");
        let other = [("Action", "GetUser"), form[1]];
        assert_refused(&send(&standin, &signer(service).post(&other)).await, 400, "InvalidAction");
    }
}

#[tokio::test]
async fn a_bucket_of_calls_empties_and_fills_with_the_clock() {
    let (standin, clock) = standin(Some(TokenBucket { capacity: 3, refill_per_second: 2 })).await;
    let asked = async |seconds: i64| {
        let signer = Signer { at: noon() + jiff::SignedDuration::from_secs(seconds), ..signer("ec2") };
        send(&standin, &signer.post(&DESCRIBE)).await.status.as_u16()
    };
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(asked(0).await);
    }
    assert_eq!(statuses, [200, 200, 200, 503]);
    clock.advance(1);
    assert_eq!([asked(1).await, asked(1).await, asked(1).await], [200, 200, 503]);
    assert_eq!(standin.count_of("DescribeInstances"), 7);
    // Other services have no such bucket.
    assert_eq!(send(&standin, &signer("iam").post(&ROLE)).await.status, 200);
}

#[tokio::test]
async fn an_instance_becomes_known_call_by_call() {
    let (standin, _) = standin(None).await;
    let instance = Ec2Instance::running(ID, "ip-10-0-0-1.internal", REGION, ACCOUNT);
    standin.add_instance(Ec2Instance { unknown_calls: 1, nameless_calls: 1, ..instance });
    assert_refused(&send(&standin, &describe()).await, 400, "InvalidInstanceID.NotFound");
    assert_eq!(send(&standin, &describe()).await.element("privateDnsName"), "");
    assert_eq!(send(&standin, &describe()).await.element("privateDnsName"), "ip-10-0-0-1.internal");
    standin.remove_instance(ID);
    assert_refused(&send(&standin, &describe()).await, 400, "InvalidInstanceID.NotFound");
}

#[tokio::test]
async fn a_role_may_ask_on_whose_behalf_it_is_taken() {
    let role = "arn:aws:iam::111122223333:role/ec2";
    let source = "arn:aws:eks:eu-west-1:444455556666:cluster/prod";
    let roles = vec![Role { source_arn: Some(source.to_owned()), ..Role::new(role, "AROAEC2") }];
    let (standin, _) = at_noon(Settings { roles, ..Settings::default() }).await;
    let assume =
        [("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", role), ("RoleSessionName", "session")];
    let asked = |headers: &[(&str, &str)]| Signer::new(&key(), noon()).presign(&assume, headers);
    let both = [("x-amz-source-account", "444455556666"), ("x-amz-source-arn", source)];
    assert_eq!(send(&standin, &asked(&both)).await.status, 200);
    let wrong = [("x-amz-source-account", "111122223333"), ("x-amz-source-arn", source)];
    for headers in [&[][..], &both[..1], &both[1..], &wrong] {
        assert_refused(&send(&standin, &asked(headers)).await, 403, "AccessDenied");
    }
}
