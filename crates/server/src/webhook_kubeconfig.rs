//! The kubeconfig that tells kube-apiserver where the webhook is
//! (`--authentication-token-webhook-config-file`).

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::files;

/// Writes the file. Everybody may read it: it holds no secret.
pub(crate) fn write(path: &Path, certificate_pem: &str, hostname: &str, port: u16) -> io::Result<()> {
    files::write(path, text(certificate_pem, hostname, port).as_bytes(), 0o644)
}

/// The host name as it stands in a URL (RFC 3986, section 3.2.2).
fn host(hostname: &str) -> String {
    if hostname.contains(':') { format!("[{hostname}]") } else { hostname.to_owned() }
}

/// The parts in the order in which the Go authenticator writes them.
fn text(certificate_pem: &str, hostname: &str, port: u16) -> String {
    let (authority, host) = (STANDARD.encode(certificate_pem), host(hostname));
    format!(
        "\
clusters:
  - name: aws-iam-authenticator
    cluster:
      certificate-authority-data: {authority}
      server: https://{host}:{port}/authenticate
users:
  - name: apiserver
current-context: webhook
contexts:
  - name: webhook
    context:
      cluster: aws-iam-authenticator
      user: apiserver
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_the_webhook_and_its_certificate() {
        let text = text("PEM", "localhost", 21362);
        assert!(text.contains("server: https://localhost:21362/authenticate\n"), "{text}");
        assert!(text.contains("certificate-authority-data: UEVN\n"), "{text}");
    }

    #[test]
    fn ipv6_stands_in_brackets() {
        assert!(text("", "::1", 1).contains("server: https://[::1]:1/authenticate\n"));
    }
}
