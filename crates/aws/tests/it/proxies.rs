//! Proxies that want to know who asks.

use std::net::SocketAddr;

use kube_iam_aws::environment::Environment;
use kube_iam_aws::sts_client::{StsClient, StsSettings};
use kube_iam_core::ports::{Sts as _, StsFailure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::sts_client::signed;
use crate::world::World;

fn client(world: &World, proxy: &str) -> StsClient {
    let ca = world.ca().display().to_string();
    let variables = [("HTTPS_PROXY", proxy.to_owned()), ("SSL_CERT_FILE", ca)];
    let environment = Environment::from_variables(variables.map(|(name, value)| (name.to_owned(), value)));
    StsClient::new(StsSettings::from_environment(&environment).unwrap())
}

async fn read_exactly<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn an_http_proxy_is_told_user_and_password() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        String::from_utf8(head).unwrap()
    });
    let failure = client(&world, &format!("http://user:p%40ss@{address}")).call(&signed()).await.unwrap_err();
    assert!(matches!(failure, StsFailure::Connect(_)), "{failure}");
    assert!(!failure.to_string().contains("p@ss"), "{failure}");
    let head = proxy.await.unwrap();
    assert!(head.starts_with("CONNECT sts.eu-west-1.amazonaws.com:443 HTTP/1.1\r\n"), "{head}");
    // `user:p@ss` in base64.
    assert!(head.to_ascii_lowercase().contains("proxy-authorization: basic dxnlcjpwqhnz\r\n"), "{head}");
}

/// Serves one SOCKS 5 connection (RFC 1928) after checking user and password (RFC 1929); the name that was asked for.
async fn socks(listener: TcpListener, to: SocketAddr) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let [5, methods] = read_exactly::<2>(&mut stream).await else { panic!("not SOCKS 5") };
    let mut offered = vec![0; usize::from(methods)];
    stream.read_exact(&mut offered).await.unwrap();
    assert!(offered.contains(&2), "user and password are not offered");
    stream.write_all(&[5, 2]).await.unwrap();
    let mut login = [0; 12];
    stream.read_exact(&mut login).await.unwrap();
    assert_eq!(&login, b"\x01\x04user\x05p@ss!");
    stream.write_all(&[1, 0]).await.unwrap();
    let [5, 1, 0, 3, length] = read_exactly::<5>(&mut stream).await else { panic!("not CONNECT to a name") };
    let mut name = vec![0; usize::from(length)];
    stream.read_exact(&mut name).await.unwrap();
    assert_eq!(u16::from_be_bytes(read_exactly(&mut stream).await), 443);
    stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await.unwrap();
    let mut there = TcpStream::connect(to).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut there).await;
    String::from_utf8(name).unwrap()
}

#[tokio::test]
async fn a_socks_proxy_is_told_user_and_password_and_resolves_the_name() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = tokio::spawn(socks(listener, world.standin.address()));
    let client = client(&world, &format!("socks5://user:p%40ss!@{address}"));
    assert_eq!(client.call(&signed()).await.unwrap().status, 200);
    drop(client);
    assert_eq!(proxy.await.unwrap(), "sts.eu-west-1.amazonaws.com");
}
