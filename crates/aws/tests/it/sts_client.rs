//! The server's way to STS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kube_iam_aws::credentials::Credentials;
use kube_iam_aws::environment::Environment;
use kube_iam_aws::http::{HttpSettings, LoopbackAddress};
use kube_iam_aws::presign::{Target, presign};
use kube_iam_aws::sts_client::{StsClient, StsSettings};
use kube_iam_core::partition::StsEndpoint;
use kube_iam_core::ports::{Sts as _, StsFailure, StsReply};
use kube_iam_core::secret::Secret;
use kube_iam_core::sts::StsRequest;
use kube_iam_standin::{Certificate, Fault, Settings, Times};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::world::{KEY, SECRET, Tripwire, World, request};

pub(crate) fn signed() -> StsRequest {
    let credentials = Credentials {
        access_key_id: KEY.to_owned(),
        secret_access_key: Secret::new(SECRET),
        session_token: None,
        expires: None,
    };
    let target = Target::regional("eu-west-1", StsEndpoint::default()).unwrap();
    request(&presign(&credentials, &target, &"test.example.com".parse().unwrap(), Timestamp::now()).unwrap())
}

async fn call(client: &StsClient) -> Result<StsReply, StsFailure> {
    client.call(&signed()).await
}

#[tokio::test]
async fn exactly_four_headers_are_sent() {
    let world = World::new().await;
    let reply = call(&world.client()).await.unwrap();
    assert_eq!((reply.status, reply.content_type.as_str()), (200, "application/json"));
    let seen = world.standin.calls().pop().unwrap();
    let mut names = seen.header_names.clone();
    names.sort_unstable();
    assert_eq!(names, ["accept", "host", "user-agent", "x-k8s-aws-id"]);
    assert_eq!((seen.method.as_str(), seen.host.as_str()), ("GET", "sts.eu-west-1.amazonaws.com"));
    assert_eq!(seen.user_agent.unwrap(), concat!("kube-iam/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let world = World::new().await;
    let elsewhere = Tripwire::new();
    for status in [301, 302, 303, 307, 308] {
        world.standin.inject(Fault::Redirect { status, location: elsewhere.url() }, Times::Next(1));
        assert_eq!(call(&world.client()).await.unwrap().status, status);
    }
    elsewhere.assert_untouched();
    assert_eq!(world.actions().len(), 5);
}

#[tokio::test]
async fn a_reply_is_read_to_64_kib_and_no_further() {
    let world = World::new().await;
    let client = world.client();
    let body = |length| Fault::Body { status: 200, content_type: "text/plain".to_owned(), bytes: vec![b'x'; length] };
    world.standin.inject(body(65_536), Times::Next(1));
    assert_eq!(call(&client).await.unwrap().body.len(), 65_536);
    world.standin.inject(body(65_537), Times::Next(1));
    assert_eq!(call(&client).await.unwrap_err(), StsFailure::TooLarge);
    world.standin.inject(Fault::HugeBody(50_000_000), Times::Next(1));
    assert_eq!(call(&client).await.unwrap_err(), StsFailure::TooLarge);
    assert_eq!(call(&client).await.unwrap().status, 200);
}

#[tokio::test]
async fn silence_ends_in_time() {
    let world = World::new().await;
    world.standin.inject(Fault::Hang, Times::Next(1));
    let client = StsClient::new(StsSettings { http: world.http(), timeout: Some(Duration::from_millis(300)) });
    assert_eq!(call(&client).await.unwrap_err(), StsFailure::Timeout);
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_not_tried_again() {
    let world = World::new().await;
    world.standin.inject(Fault::Reset, Times::Next(1));
    assert!(matches!(call(&world.client()).await.unwrap_err(), StsFailure::Broken(_)));
    assert_eq!(world.actions().len(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_breaks_is_replaced_in_silence() {
    let world = World::new().await;
    let client = world.client();
    call(&client).await.unwrap();
    world.standin.inject(Fault::Reset, Times::Next(1));
    assert_eq!(call(&client).await.unwrap().status, 200);
    assert_eq!(world.actions().len(), 3, "sent once more");
    // Twice in a row is more than a connection that had grown old.
    world.standin.inject(Fault::Reset, Times::Next(2));
    assert!(matches!(call(&client).await.unwrap_err(), StsFailure::Broken(_)));
    world.standin.inject(Fault::CloseAfterReply, Times::Next(1));
    call(&client).await.unwrap();
    assert_eq!(call(&client).await.unwrap().status, 200);
}

#[tokio::test]
async fn other_certificates_are_refused() {
    for certificate in [Certificate::UntrustedAuthority, Certificate::WrongName] {
        let world = World::with(Settings { certificate, ..Settings::default() }).await;
        let failure = call(&world.client()).await.unwrap_err();
        assert!(matches!(failure, StsFailure::Tls(_)), "{certificate:?}: {failure}");
        assert_eq!(world.actions(), [""; 0]);
    }
}

#[tokio::test]
async fn nobody_there_is_a_failure_to_connect() {
    let world = World::new().await;
    // Port 1 of loopback: nobody listens below 1024 without meaning to.
    let nobody = LoopbackAddress::try_from(SocketAddr::from(([127, 0, 0, 1], 1))).unwrap();
    let client =
        StsClient::new(StsSettings { http: HttpSettings { connect: Some(nobody), ..world.http() }, timeout: None });
    let failure = call(&client).await.unwrap_err();
    assert!(matches!(failure, StsFailure::Connect(_)), "{failure}");
    assert!(!failure.to_string().contains("Signature"), "{failure}");
}

#[test]
fn a_fixed_address_is_on_this_host() {
    for good in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1"] {
        assert!(LoopbackAddress::try_from(good.parse::<SocketAddr>().unwrap()).is_ok(), "{good}");
    }
    for bad in ["0.0.0.0:1", "169.254.169.254:80", "10.0.0.1:443", "[::]:1", "[::ffff:10.0.0.1]:1"] {
        assert!(LoopbackAddress::try_from(bad.parse::<SocketAddr>().unwrap()).is_err(), "{bad}");
    }
}

/// Passes connections on and counts them.
async fn counter(to: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut there = TcpStream::connect(to).await.unwrap();
                let _ = copy_bidirectional(&mut here, &mut there).await;
            });
        }
    });
    (address, count)
}

#[tokio::test]
async fn one_connection_serves_many_calls() {
    let world = World::new().await;
    let (address, count) = counter(world.standin.address()).await;
    let connect = Some(LoopbackAddress::try_from(address).unwrap());
    let client = StsClient::new(StsSettings { http: HttpSettings { connect, ..world.http() }, timeout: None });
    for _ in 0..20 {
        call(&client).await.unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_environment_names_proxy_and_authorities() {
    let world = World::new().await;
    let (address, count) = counter(world.standin.proxy_address()).await;
    let proxy = format!("http://{address}");
    let client = |variable: &str, path: &Path| {
        let all = [("https_proxy", proxy.as_str()), (variable, path.to_str().unwrap())];
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        StsClient::new(StsSettings::from_environment(&Environment::from_variables(all)).unwrap())
    };
    assert_eq!(call(&client("SSL_CERT_FILE", &world.ca())).await.unwrap().status, 200);
    assert_eq!(count.load(Ordering::Relaxed), 1, "by the proxy");
    // As with the Go server, `AWS_CA_BUNDLE` has no say here.
    let failure = call(&client("AWS_CA_BUNDLE", &world.ca())).await.unwrap_err();
    assert!(matches!(failure, StsFailure::Tls(_)), "{failure}");

    let directory = world.path("authorities");
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(world.ca(), directory.join("one.pem")).unwrap();
    assert_eq!(call(&client("SSL_CERT_DIR", &directory)).await.unwrap().status, 200);
}
