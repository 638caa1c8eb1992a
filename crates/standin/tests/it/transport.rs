//! TLS, the proxy, bounds, and the stand-in's start and end.

use std::io::ErrorKind;
use std::time::Duration;

use kube_iam_standin::{Certificate, Settings, StandIn, StartError, limits};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::client::{Asked, Route, send, send_http2, tunnel};
use crate::signer::Signer;
use crate::{USER, at_noon, key, noon};

fn signer() -> Signer {
    Signer::new(&key(), noon())
}

#[tokio::test]
async fn every_partition_is_reached_by_the_proxy_under_its_own_certificate() {
    let (standin, _) = at_noon(Settings::default()).await;
    for (host, region) in [
        ("sts.amazonaws.com", "us-east-1"),
        ("sts.us-east-1.amazonaws.com", "us-east-1"),
        ("sts.eu-west-1.api.aws", "eu-west-1"),
        ("sts.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("sts.cn-north-1.api.amazonwebservices.com.cn", "cn-north-1"),
        ("sts.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
        ("sts.eusc-de-east-1.api.amazonwebservices.eu", "eusc-de-east-1"),
        ("sts.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
        ("sts.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
        ("sts.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"),
        ("sts.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"),
    ] {
        let signer = Signer { host: host.to_owned(), region: region.to_owned(), ..signer() };
        let mut connection = Route::proxied(&standin, host).open().await;
        // Twice: the second time the certificate is remembered, and the connection kept.
        for _ in 0..2 {
            assert_eq!(connection.send(&signer.token("prod")).await.unwrap().arn(), USER, "{host}");
        }
        assert_eq!(Route::proxied(&standin, host).open().await.send(&signer.token("a")).await.unwrap().arn(), USER);
    }
    assert!(standin.proxy_refusals().is_empty());
}

#[tokio::test]
async fn the_proxy_leads_nowhere_else() {
    let (standin, _) = at_noon(Settings::default()).await;
    let asked = ["example.com:443", "sts.amazonaws.com:80", "127.0.0.1:443", "169.254.169.254:80"];
    for target in asked {
        let error = tunnel(standin.proxy_address(), target).await.unwrap_err();
        assert!(error.to_string().contains("403"), "{error}");
    }
    let expected: Vec<_> = asked.iter().map(|target| format!("CONNECT {target}")).collect();
    assert_eq!(standin.proxy_refusals(), expected);
    assert_eq!(standin.call_count(), 0);
}

/// Sends bytes and reads until the other side has closed.
async fn converse(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut reply = Vec::new();
    // A close with bytes unread is a reset, which is a close as well.
    _ = stream.read_to_end(&mut reply).await;
    String::from_utf8_lossy(&reply).into_owned()
}

#[tokio::test]
async fn a_proxy_request_that_is_none_is_refused() {
    let (standin, _) = at_noon(Settings::default()).await;
    let proxy = standin.proxy_address();
    let early = b"CONNECT sts.amazonaws.com:443 HTTP/1.1\r\n\r\nearly".as_slice();
    let endless = vec![b'a'; limits::CONNECT_HEAD_BYTES];
    for bytes in [b"nonsense\r\n\r\n".as_slice(), early, &endless] {
        assert!(converse(proxy, bytes).await.starts_with("HTTP/1.1 400 "));
    }
    let get = b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n";
    assert!(converse(proxy, get).await.starts_with("HTTP/1.1 403 "));
}

#[tokio::test]
async fn the_certificate_is_a_leaf_that_strict_clients_accept() {
    let (standin, _) = at_noon(Settings::default()).await;
    let stream = Route::proxied(&standin, "sts.us-east-1.amazonaws.com").connect().await.unwrap();
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
    let ca = CertificateDer::from_pem_slice(standin.ca_pem().as_bytes()).unwrap();
    let (_, ca) = X509Certificate::from_der(&ca).unwrap();
    assert!(!leaf.is_ca());
    assert!(ca.is_ca());
    assert!(leaf.validity().is_valid());
    let lifetime = leaf.validity().not_after - leaf.validity().not_before;
    assert!(lifetime.unwrap().whole_days() <= 398);
    assert!(leaf.extended_key_usage().unwrap().unwrap().value.server_auth);
    let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(names.len(), 1);
    assert!(leaf.extensions().iter().any(|extension| {
        matches!(extension.parsed_extension(), x509_parser::extensions::ParsedExtension::AuthorityKeyIdentifier(_))
    }));
}

#[tokio::test]
async fn loopback_names_are_covered_and_strangers_are_not() {
    let (standin, _) = at_noon(Settings::default()).await;
    for name in ["localhost", "127.0.0.1", "::1", "sts.eu-west-1.amazonaws.com"] {
        let route = Route { name: name.to_owned(), ..Route::direct(&standin) };
        route.connect().await.unwrap();
    }
    let route = Route { name: "example.com".to_owned(), ..Route::direct(&standin) };
    assert!(route.connect().await.is_err());
    // A failed handshake, or none at all, harms nobody else.
    assert!(!converse(standin.address(), b"GET / HTTP/1.1\r\n\r\n").await.contains("200"));
    assert_eq!(send(&standin, &signer().token("prod")).await.arn(), USER);
}

#[tokio::test]
async fn an_untrusted_or_misnamed_certificate_is_refused_by_rustls() {
    for (certificate, cause) in
        [(Certificate::UntrustedAuthority, "UnknownIssuer"), (Certificate::WrongName, "NotValidForName")]
    {
        let (standin, _) = at_noon(Settings { certificate, ..Settings::default() }).await;
        let error = Route::proxied(&standin, "sts.amazonaws.com").connect().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(format!("{error:?}").contains(cause), "{error:?}");
        assert_eq!(standin.call_count(), 0);
    }
}

#[tokio::test]
async fn the_certificate_file_is_the_authoritys() {
    let (standin, _) = at_noon(Settings::default()).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    standin.write_ca(&path).unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), standin.ca_pem());
}

#[tokio::test]
async fn bodies_and_heads_are_bounded() {
    let (standin, _) = at_noon(Settings::default()).await;
    let mut most = signer().post(&[("Action", "GetCallerIdentity")]);
    most.body = vec![b'a'; limits::REQUEST_BODY_BYTES];
    assert_eq!(send(&standin, &most).await.refusal(), (400, "InvalidAction"));
    most.body.push(b'a');
    assert_eq!(send(&standin, &most).await.status, 413);
    assert_eq!(send_http2(&standin, &most).await.status, 413);

    let long = Asked::get(format!("/?a={}", "a".repeat(60_000)), "sts.amazonaws.com");
    assert_eq!(send(&standin, &long).await.refusal(), (400, "InvalidAction"));
    let longer = long.with(&[("x-long", &"a".repeat(limits::REQUEST_HEAD_BYTES))]);
    assert_eq!(send(&standin, &longer).await.status, 431);
}

#[tokio::test]
async fn a_stopped_or_dropped_standin_is_gone() {
    let (standin, _) = at_noon(Settings::default()).await;
    let addresses = [standin.address(), standin.proxy_address(), standin.metadata_address()];
    let connection = Route::direct(&standin).open().await;
    standin.stop().await;
    for address in addresses {
        assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
    _ = connection.ended().await;

    let (standin, _) = at_noon(Settings::default()).await;
    let address = standin.address();
    drop(standin);
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn settings_that_contradict_themselves_are_refused() {
    use kube_iam_standin::{Container, Role};
    let container = Some(Container {
        role_arn: "arn:aws:iam::111122223333:role/None".to_owned(),
        session_name: "task".to_owned(),
        authorization: None,
    });
    let error = StandIn::start(Settings { container, ..Settings::default() }).await.unwrap_err();
    assert!(matches!(error, StartError::UnknownRole { .. }), "{error}");
    let roles = vec![Role::new("arn:aws:iam::111122223333:user/jo", "AIDA")];
    let error = StandIn::start(Settings { roles, ..Settings::default() }).await.unwrap_err();
    assert!(matches!(error, StartError::NotARole { .. }), "{error}");
}
