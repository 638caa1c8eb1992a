//! kubeconfig files, written as JSON, which every reader of YAML accepts.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// A user whose credentials an exec plugin gives.
#[derive(Debug, Clone, Default)]
pub struct ExecUser {
    /// The plugin: a path, or a name that is looked up in `PATH`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment variables, name and value, that it gets beside those of kubectl.
    pub env: Vec<(String, String)>,
    /// The version of the protocol between kubectl and the plugin.
    pub api_version: ExecApiVersion,
    /// Whether the plugin may talk to the person at the terminal.
    pub interactive_mode: InteractiveMode,
}

/// Version of `client.authentication.k8s.io` that a plugin is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExecApiVersion {
    /// `client.authentication.k8s.io/v1`, of Kubernetes 1.22 and later.
    #[default]
    V1,
    /// `client.authentication.k8s.io/v1beta1`.
    V1beta1,
}

/// Whether a plugin is given standard input; Kubernetes' own words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InteractiveMode {
    /// Never.
    Never,
    /// If standard input is a terminal.
    #[default]
    IfAvailable,
    /// Always; it is an error if standard input is no terminal.
    Always,
}

/// The `user` part of a kubeconfig with a bearer token.
pub(crate) fn token_user(token: &str) -> Value {
    json!({ "token": token })
}

/// The `user` part of a kubeconfig with an exec plugin.
pub(crate) fn exec_user(user: &ExecUser) -> Value {
    let env: Vec<Value> = user.env.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({ "exec": {
        "apiVersion": match user.api_version {
            ExecApiVersion::V1 => "client.authentication.k8s.io/v1",
            ExecApiVersion::V1beta1 => "client.authentication.k8s.io/v1beta1",
        },
        "command": user.command,
        "args": user.args,
        "env": env,
        "interactiveMode": match user.interactive_mode {
            InteractiveMode::Never => "Never",
            InteractiveMode::IfAvailable => "IfAvailable",
            InteractiveMode::Always => "Always",
        },
    }})
}

/// Writes a kubeconfig with one context, readable by the owner alone.
pub(crate) fn write(path: &Path, url: &str, ca_pem: &str, user: &Value) -> io::Result<()> {
    let name = "kube-iam";
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": name, "cluster": {
            "server": url,
            "certificate-authority-data": BASE64_STANDARD.encode(ca_pem),
        }}],
        "users": [{ "name": name, "user": user }],
        "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
        "current-context": name,
    });
    write_private(path, &format!("{config:#}\n"))
}

/// Writes a file that only the owner may read, replacing one that exists.
pub(crate) fn write_private(path: &Path, content: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes())
}
