use std::fmt::Write as _;

use kube_iam_core::ports::Observation;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::{ReadError, observe_once};

/// A kubeconfig in a directory of its own.
struct Written {
    directory: TempDir,
}

impl Written {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config"), text).unwrap();
        Self { directory }
    }

    /// One whose current context is `here`, with these lines for its cluster and user.
    fn of(cluster: &str, user: &str) -> Self {
        Self::new(&format!(
            "kind: Config\ncurrent-context: here\n\
             contexts:\n- {{name: here, context: {{cluster: here, user: here}}}}\n\
             clusters:\n- name: here\n  cluster:\n    {cluster}\n\
             users:\n- name: here\n  user:\n    {user}\n"
        ))
    }

    fn settings(&self) -> ConnectSettings {
        ConnectSettings { kubeconfig: Some(self.directory.path().join("config")), ..ConnectSettings::default() }
    }

    /// Why it gives no client, without the place it lies at.
    fn error(&self) -> (ConnectError, String) {
        let error = refused(&self.settings());
        let text = error.to_string().replace(&self.directory.path().display().to_string(), "DIR");
        (error, text)
    }
}

fn no_variable(_: &str) -> Option<String> {
    None
}

fn refused(settings: &ConnectSettings) -> ConnectError {
    match connect_with(settings, &no_variable) {
        Err(error) => error,
        Ok(_) => panic!("{settings:?} gave a client"),
    }
}

/// Answers one request as an API server without aws-auth does; gives its head.
async fn served_once() -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        let head = head(&mut stream).await;
        let body = r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}"#;
        let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(reply.as_bytes()).await.unwrap();
        head
    });
    (address, served)
}

/// What arrives up to the first empty line.
async fn head(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        write!(text, "{}", char::from(stream.read_u8().await.unwrap())).unwrap();
    }
    text
}

/// The head of the request that a client with these settings makes.
async fn head_with(settings: &ConnectSettings, served: JoinHandle<String>) -> String {
    let client = connect_with(settings, &no_variable).unwrap();
    assert_eq!(observe_once(&client).await, Ok(Observation::Absent));
    served.await.unwrap().to_ascii_lowercase()
}

#[tokio::test]
async fn the_kubeconfig_says_where_and_who() {
    let (address, served) = served_once().await;
    let written = Written::of(&format!("server: http://{address}/prefix"), "token: the-token");
    let head = head_with(&written.settings(), served).await;
    let path = "/prefix/api/v1/namespaces/kube-system/configmaps?&fieldselector=metadata.name%3daws-auth";
    assert!(head.starts_with(&format!("get {path} http/1.1\r\n")), "{head}");
    assert!(head.contains("authorization: bearer the-token\r\n"), "{head}");
}

#[tokio::test]
async fn master_and_context_have_the_last_word() {
    let (address, served) = served_once().await;
    let written = Written::of("server: https://nowhere.invalid", "token: the-token");
    let settings = ConnectSettings { master: Some(format!("http://{address}")), ..written.settings() };
    assert!(head_with(&settings, served).await.contains("bearer the-token"));

    let (address, served) = served_once().await;
    let written = Written::new(&format!(
        "current-context: missing\n\
         contexts:\n- {{name: other, context: {{cluster: other, user: other}}}}\n\
         clusters:\n- {{name: other, cluster: {{server: '{address}'}}}}\n\
         users:\n- {{name: other, user: {{token: other-token}}}}\n"
    ));
    assert_eq!(written.error().1, "kubeconfig `DIR/config` can't be used: it has no context `missing`");
    let settings = ConnectSettings { context: Some("other".to_owned()), ..written.settings() };
    assert!(head_with(&settings, served).await.contains("bearer other-token"));
}

#[tokio::test]
async fn a_master_alone_is_asked_without_credentials() {
    let (address, served) = served_once().await;
    let settings = ConnectSettings { master: Some(address), ..ConnectSettings::default() };
    assert!(!head_with(&settings, served).await.contains("authorization"));
    for master in ["ftp://k8s.example", "https://", "a b", ""] {
        let settings = ConnectSettings { master: Some(master.to_owned()), ..ConnectSettings::default() };
        assert_eq!(refused(&settings).to_string(), format!("`{master}` is not a URL of a kube-apiserver"));
    }
}

#[tokio::test]
async fn a_server_without_scheme_is_encrypted_if_there_is_something_to_trust() {
    for (trust, scheme) in [("insecure-skip-tls-verify: true", "https"), ("tls-server-name: x", "http")] {
        let written = Written::of(&format!("server: k8s.example:6443\n    {trust}"), "token: t");
        let settings = written.settings();
        let path = settings.kubeconfig.as_deref().unwrap();
        let config = from_kubeconfig(&settings, path, Kubeconfig::read_from(path)).unwrap();
        assert_eq!(config.cluster_url.to_string(), format!("{scheme}://k8s.example:6443/"));
    }
}

#[tokio::test]
async fn an_exec_plugin_gives_the_token() {
    let (address, served) = served_once().await;
    let credential =
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"from-plugin"}}"#;
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, interactiveMode: Never, \
         args: [-c, 'echo ''{credential}''']}}"
    );
    let head = head_with(&Written::of(&format!("server: http://{address}"), &exec).settings(), served).await;
    assert!(head.contains("bearer from-plugin"), "{head}");
}

#[tokio::test]
async fn an_exec_plugin_that_fails_is_an_error_without_secrets() {
    let script = "echo output-secret; echo talk-secret >&2; exit 3";
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, interactiveMode: Never, \
         args: [-c, '{script}'], env: [{{name: KEY, value: environment-secret}}]}}"
    );
    let (error, text) = Written::of("server: https://127.0.0.1:1", &exec).error();
    assert_eq!(text, "there are no credentials for kube-apiserver: the exec plugin ended with exit status: 3");
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test]
async fn the_api_server_need_not_be_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let written = Written::of(&format!("server: https://{address}\n    insecure-skip-tls-verify: true"), "token: t");
    let client = connect_with(&written.settings(), &no_variable).unwrap();
    let error = observe_once(&client).await.unwrap_err();
    assert_eq!(error, ReadError::NotUp("the connection was refused".to_owned()));
}

#[tokio::test]
async fn who_hangs_up_while_tls_begins_is_not_up() {
    // It hangs up in the middle of the handshake, as a proxy without a server does.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hangs_up = tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        stream.read_u8().await.unwrap();
    });
    let written = Written::of(&format!("server: https://{address}\n    insecure-skip-tls-verify: true"), "token: t");
    let client = connect_with(&written.settings(), &no_variable).unwrap();
    assert!(matches!(observe_once(&client).await, Err(ReadError::NotUp(_))));
    hangs_up.await.unwrap();
}

#[tokio::test]
async fn the_proxy_is_asked_for_a_tunnel() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        let head = head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
        head
    });
    let written = Written::of("server: https://k8s.invalid:6443", "token: the-token");
    let environment = |name: &str| (name == "HTTPS_PROXY").then(|| format!("http://user:secret@{address}"));
    let client = connect_with(&written.settings(), &environment).unwrap();
    let error = observe_once(&client).await.unwrap_err();
    assert!(matches!(error, ReadError::Connection(_)) && !error.to_string().contains("secret"), "{error}");
    let head = proxy.await.unwrap();
    assert!(head.starts_with("CONNECT k8s.invalid:6443 HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("the-token"));
}

#[tokio::test]
async fn without_any_cluster_it_says_what_it_looked_for() {
    let error = refused(&ConnectSettings::default());
    assert_eq!(
        error.to_string(),
        "there is no cluster: no kubeconfig was given, and this is not a pod (`KUBERNETES_SERVICE_HOST` is not set)"
    );
    assert_eq!(error.hint(), "name a kubeconfig with `--kubeconfig` or `server.kubeconfig`, or run in a pod");
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_is_an_error_that_says_why() {
    let missing = ConnectSettings { kubeconfig: Some("/nonexistent/config".into()), ..ConnectSettings::default() };
    assert_eq!(refused(&missing).to_string(), "could not read kubeconfig `/nonexistent/config`");

    let server = "server: https://k8s.example";
    for (written, problem) in [
        (Written::new("users:\n- user:\n    token: secret\n  name: [\n"), "its YAML can't be read at line 4 column 9"),
        (Written::new(""), "it has no current context"),
        (Written::of("server: 'a b'", "token: t"), "the `server` of its cluster is not a URL"),
        (Written::of("tls-server-name: x", "token: t"), "its cluster has no `server`"),
        (
            Written::of(&format!("{server}\n    certificate-authority-data: '?'"), "token: t"),
            "the certificate authority is not base64",
        ),
        (
            Written::of(&format!("{server}\n    certificate-authority: /nonexistent/ca"), "token: t"),
            "the certificate authority `/nonexistent/ca` can't be read: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(written.error().1, format!("kubeconfig `DIR/config` can't be used: {problem}"));
    }
    let written = Written::of(server, "client-certificate-data: '?'\n    client-key-data: '?'");
    assert_eq!(
        written.error().1,
        "the certificates for kube-apiserver can't be used: the client certificate is not base64"
    );
    let written = Written::of(server, "tokenFile: /nonexistent/token");
    assert_eq!(
        written.error().1,
        "there are no credentials for kube-apiserver: the token file `/nonexistent/token` can't be read: \
         No such file or directory (os error 2)"
    );
}

#[tokio::test]
async fn an_exec_plugin_is_run_once() {
    let directory = tempfile::tempdir().unwrap();
    let (runs, plugin) = (directory.path().join("runs"), directory.path().join("plugin"));
    let credential =
        r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}"#;
    std::fs::write(&plugin, format!("echo run >>'{}'; echo '{credential}'", runs.display())).unwrap();
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, interactiveMode: Never, args: ['{}']}}",
        plugin.display()
    );
    let written = Written::of("server: https://127.0.0.1:1\n    insecure-skip-tls-verify: true", &exec);
    connect_with(&written.settings(), &no_variable).unwrap();
    assert_eq!(std::fs::read_to_string(runs).unwrap(), "run\n");
}

#[tokio::test]
async fn groups_are_acted_as_only_with_a_user() {
    let (address, served) = served_once().await;
    let written = Written::of(&format!("server: http://{address}"), "token: t");
    let groups = || vec!["a".to_owned(), "b".to_owned()];
    let of_nobody = Impersonation { user: None, groups: groups() };
    let error = refused(&ConnectSettings { impersonation: of_nobody, ..written.settings() });
    assert_eq!(error.to_string(), "there are groups to act as, but no user");
    let alice = Impersonation { user: Some("alice".to_owned()), groups: groups() };
    let head = head_with(&ConnectSettings { impersonation: alice, ..written.settings() }, served).await;
    for line in ["impersonate-user: alice", "impersonate-group: a", "impersonate-group: b", "user-agent: kube-iam/"] {
        assert!(head.contains(line), "{head}");
    }
}

#[tokio::test]
async fn kubectls_own_files_are_merged_and_missing_ones_left_out() {
    let (address, served) = served_once().await;
    let first = Written::new("current-context: here\ncontexts:\n- {name: here, context: {cluster: c, user: u}}\n");
    let second = Written::new(&format!(
        "current-context: other\nclusters:\n- {{name: c, cluster: {{server: 'http://{address}'}}}}\n\
         users:\n- {{name: u, user: {{token: merged-token}}}}\n"
    ));
    let path = |written: &Written| written.settings().kubeconfig.unwrap().display().to_string();
    let list = format!("/nonexistent/a:{}::{}", path(&first), path(&second));
    let environment = |name: &str| (name == "KUBECONFIG").then(|| list.clone());
    let settings = ConnectSettings { like_kubectl: true, ..ConnectSettings::default() };
    let client = connect_with(&settings, &environment).unwrap();
    assert_eq!(observe_once(&client).await, Ok(Observation::Absent));
    assert!(served.await.unwrap().contains("Bearer merged-token"));

    let missing = |name: &str| (name == "HOME").then(|| "/nonexistent".to_owned());
    let Err(error) = connect_with(&settings, &missing) else { panic!("there is none") };
    assert_eq!(error.to_string(), "could not read kubeconfig `/nonexistent/.kube/config`");
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_used_is_an_error_without_its_token() {
    let endpoint = |url: &str, ca_pem: &str| Endpoint {
        url: url.to_owned(),
        ca_pem: ca_pem.to_owned(),
        token: Token::new("the-secret\n"),
        impersonation: Impersonation::default(),
    };
    let broken = "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n";
    for ca_pem in ["", "no PEM", broken] {
        let Err(error) = connect_endpoint(&endpoint("https://k8s.example", ca_pem)) else { panic!("{ca_pem}") };
        let text =
            "the certificates for kube-apiserver can't be used: the certificate authority of the cluster is not PEM";
        assert_eq!(error.to_string(), text);
    }
    assert!(!format!("{:?}", endpoint("", "")).contains("the-secret"));
}
