//! An AWS with a few people in it, and a home directory.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use kube_iam_aws::http::{HttpSettings, LoopbackAddress, Roots};
use kube_iam_aws::sts_client::{StsClient, StsSettings};
use kube_iam_core::partition::{Partition, StsHosts};
use kube_iam_core::ports::Sts as _;
use kube_iam_core::secret::Token;
use kube_iam_core::sts::{StsRequest, conclude};
use kube_iam_core::token::{TokenPolicy, check};
use kube_iam_standin::{Key, Principal, Role, Settings, StandIn};

use crate::child::{Asked, Told, told};

pub(crate) const USER: &str = "arn:aws:iam::111122223333:user/jo";
pub(crate) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub(crate) struct World {
    pub(crate) standin: StandIn,
    pub(crate) home: tempfile::TempDir,
    pub(crate) variables: BTreeMap<String, String>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    /// A stand-in with these settings and one user, whose keys are in [`World::user`].
    pub(crate) async fn with(settings: Settings) -> Self {
        let user = Key::long_term(KEY, SECRET, Principal::new(USER, "AIDACKCEVSQ6C2EXAMPLE"));
        let standin = StandIn::start(Settings { keys: vec![user], ..settings }).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        standin.write_ca(home.path().join("ca.pem")).unwrap();
        let mut world = Self { standin, home, variables: BTreeMap::new() };
        let home = world.home.path().display().to_string();
        let ca = world.ca().display().to_string();
        let proxy = format!("http://{}", world.standin.proxy_address());
        world
            .set("HOME", &home)
            .set("PATH", "/usr/bin:/bin")
            .set("AWS_CA_BUNDLE", &ca)
            .set("HTTPS_PROXY", &proxy)
            .set("AWS_REGION", "eu-west-1")
            .set("AWS_EC2_METADATA_DISABLED", "true");
        world
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(name);
        self
    }

    /// Puts the user's keys into the environment.
    pub(crate) fn user(&mut self) -> &mut Self {
        self.set("AWS_ACCESS_KEY_ID", KEY).set("AWS_SECRET_ACCESS_KEY", SECRET)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Writes `~/.aws/config`, in which a profile `base` has the user's keys.
    pub(crate) fn config(&self, text: &str) {
        let base = format!("[profile base]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n");
        self.write(".aws/config", &format!("{base}{text}"));
    }

    pub(crate) async fn ask(&self, asked: &Asked) -> Told {
        told(asked, &self.variables).await
    }

    pub(crate) async fn mint(&self) -> Told {
        self.ask(&Asked::default()).await
    }

    /// Mints and verifies: the ARN that STS gives for the token.
    pub(crate) async fn caller(&self) -> String {
        self.caller_of(&self.mint().await.made().token).await
    }

    /// The ARN that STS gives for a token.
    pub(crate) async fn caller_of(&self, token: &Token) -> String {
        let request = request(token);
        let reply = self.client().call(&request).await;
        let identity = conclude(&request, Partition::Aws, reply).unwrap();
        identity.arn.to_string()
    }

    /// A client that trusts the stand-in and connects nowhere else.
    pub(crate) fn client(&self) -> StsClient {
        StsClient::new(StsSettings { http: self.http(), timeout: None })
    }

    pub(crate) fn http(&self) -> HttpSettings {
        HttpSettings {
            roots: Roots::Bundle(self.ca()),
            connect: Some(LoopbackAddress::try_from(self.standin.address()).unwrap()),
            ..HttpSettings::default()
        }
    }

    /// The actions that the stand-in was asked for, in their order.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.standin.calls().into_iter().map(|call| call.action).collect()
    }
}

/// The request that our server rebuilds from a token.
pub(crate) fn request(token: &Token) -> StsRequest {
    let policy = TokenPolicy { hosts: StsHosts::of(Partition::Aws), cluster_id: "test.example.com".parse().unwrap() };
    check(token, &policy, Timestamp::now()).unwrap()
}

pub(crate) fn role(name: &str) -> Role {
    Role::new(format!("arn:aws:iam::111122223333:role/{name}"), format!("AROA{}", name.to_uppercase()))
}

/// The session of a [`role`].
pub(crate) fn session(role: &str, name: &str) -> String {
    format!("arn:aws:sts::111122223333:assumed-role/{role}/{name}")
}

pub(crate) fn minutes_left(expires: Timestamp) -> i64 {
    let left = expires.duration_since(Timestamp::now()) + SignedDuration::from_secs(30);
    left.as_secs() / 60
}

/// A listener that nobody is expected to connect to.
pub(crate) struct Tripwire(TcpListener);

impl Tripwire {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// Fails if anybody connected. The kernel completes connections by itself, so a past one is still in the queue.
    pub(crate) fn assert_untouched(&self) {
        let met = self.0.accept().expect_err("somebody connected");
        assert_eq!(met.kind(), std::io::ErrorKind::WouldBlock);
    }
}

pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
