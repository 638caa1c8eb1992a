//! The proxy: `CONNECT` to an AWS host leads to the HTTPS listener, and nothing else
//! leads anywhere.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::standin::Shared;
use crate::{hosts, https, limits};

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
const FORBIDDEN: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What a client asked the proxy for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Tunnel,
    /// Refused, with the method and target to remember.
    Elsewhere(String),
    Unreadable,
}

/// Serves one connection to the proxy. Once it is a tunnel it is served as any
/// connection to the HTTPS listener.
pub(crate) async fn serve(shared: Arc<Shared>, mut stream: TcpStream) {
    let head = tokio::time::timeout(limits::HANDSHAKE, read_head(&mut stream)).await;
    let asked = match head {
        Ok(Some(head)) => judge(&head),
        Ok(None) => Asked::Unreadable,
        Err(_) => return,
    };
    let reply = match asked {
        Asked::Tunnel => ESTABLISHED,
        Asked::Elsewhere(target) => {
            shared.remember_refusal(target);
            FORBIDDEN
        }
        Asked::Unreadable => BAD_REQUEST,
    };
    // A client that is gone already needs no answer.
    let written = stream.write_all(reply).await;
    if reply == ESTABLISHED && written.is_ok() {
        https::serve(shared, stream).await;
    } else {
        _ = stream.shutdown().await;
    }
}

/// Reads a request head to its empty line. A client says nothing more before it is
/// answered; one that does is refused.
async fn read_head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::with_capacity(512);
    while head.len() < limits::CONNECT_HEAD_BYTES {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            return (end + 4 == head.len()).then_some(head);
        }
    }
    None
}

fn judge(head: &[u8]) -> Asked {
    let line = head.split(|byte| *byte == b'\r').next().and_then(|line| str::from_utf8(line).ok());
    let Some((method, rest)) = line.and_then(|line| line.split_once(' ')) else {
        return Asked::Unreadable;
    };
    let Some((target, "HTTP/1.1" | "HTTP/1.0")) = rest.split_once(' ') else {
        return Asked::Unreadable;
    };
    match target.rsplit_once(':') {
        Some((host, "443")) if method == "CONNECT" && hosts::is_aws(host) => Asked::Tunnel,
        _ => Asked::Elsewhere(format!("{method} {target}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_aws_hosts_on_port_443_are_led_on() {
        for host in ["sts.amazonaws.com", "sts.us-east-1.amazonaws.com", "portal.sso.eu-west-1.amazonaws.com"] {
            let head = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n");
            assert_eq!(judge(head.as_bytes()), Asked::Tunnel, "{host}");
        }
        for line in [
            "CONNECT sts.amazonaws.com:80",
            "CONNECT sts.amazonaws.com",
            "CONNECT example.com:443",
            "CONNECT sts.amazonaws.com.example.com:443",
            "GET http://169.254.169.254/latest/",
        ] {
            let head = format!("{line} HTTP/1.1\r\n\r\n");
            assert_eq!(judge(head.as_bytes()), Asked::Elsewhere(line.to_owned()));
        }
        for line in ["", "CONNECT", "CONNECT a:443", "CONNECT a:443 HTTP/2"] {
            let head = format!("{line}\r\n\r\n");
            assert_eq!(judge(head.as_bytes()), Asked::Unreadable, "{line}");
        }
    }
}
