//! The stand-in as a whole: started, told things, asked things, stopped.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io};

use hyper::header::HeaderValue;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::arns::RoleArn;
use crate::calls::{Call, Calls};
use crate::clock::Clock;
use crate::cloudformation::Stack;
use crate::ec2::{Buckets, Ec2Instance};
use crate::eks::{Cluster, Clusters, Nodegroup};
use crate::faults::{Fault, Faults, Times};
use crate::https::Described;
use crate::iam::InstanceProfile;
use crate::keys::Keys;
use crate::listener::Listener;
use crate::metadata::{self, Metadata};
use crate::random::{self, NoRandomness};
use crate::settings::{Container, Instance, Key, Role, Settings, SsoAccess, WebIdentity};
use crate::tls::{self, TlsError};
use crate::world::{Things, World};
use crate::{https, limits, proxy};

/// A running stand-in. Dropping it ends it; [`StandIn::stop`] also waits for that.
pub struct StandIn {
    shared: Arc<Shared>,
    ca_pem: String,
    https: Listener,
    proxy: Listener,
    metadata: Listener,
    /// Dropped to stop the listeners.
    _running: watch::Sender<()>,
}

/// The stand-in could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A loopback port could not be opened.
    #[error("could not listen on 127.0.0.1")]
    Listen(#[from] io::Error),
    /// The certificates could not be made.
    #[error("could not prepare TLS")]
    Tls(#[from] TlsError),
    /// There is no randomness for request ids.
    #[error("could not start")]
    Randomness(#[from] NoRandomness),
    /// A role's ARN is not one.
    #[error("`{arn}` is not the ARN of a role")]
    NotARole {
        /// The text given.
        arn: String,
    },
    /// A sign-in or machine has a role that is not among the settings' roles.
    #[error("there is no role `{arn}` in the settings")]
    UnknownRole {
        /// The role named.
        arn: String,
    },
}

impl StandIn {
    /// Starts a stand-in on free ports of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        check_roles(&settings)?;
        let (tls, ca_pem) = tls::acceptor(settings.certificate)?;
        let shared = Arc::new(Shared::new(settings, tls)?);
        let (running, stop) = watch::channel(());
        let open = |shared: &Arc<Shared>| (Arc::clone(shared), stop.clone());
        let (state, stopped) = open(&shared);
        let https = Listener::open(stopped, move |stream| https::serve(Arc::clone(&state), stream));
        let (state, stopped) = open(&shared);
        let proxy = Listener::open(stopped, move |stream| proxy::serve(Arc::clone(&state), stream));
        let (state, stopped) = open(&shared);
        let metadata = Listener::open(stopped, move |stream| metadata::serve(Arc::clone(&state), stream));
        Ok(Self {
            ca_pem,
            https: https.await?,
            proxy: proxy.await?,
            metadata: metadata.await?,
            _running: running,
            shared,
        })
    }

    /// The HTTPS listener, which answers as every service but instance metadata.
    pub fn address(&self) -> SocketAddr {
        self.https.address
    }

    /// The proxy, for `HTTPS_PROXY=http://ADDRESS`.
    pub fn proxy_address(&self) -> SocketAddr {
        self.proxy.address
    }

    /// Instance metadata, for `AWS_EC2_METADATA_SERVICE_ENDPOINT=http://ADDRESS`.
    pub fn metadata_address(&self) -> SocketAddr {
        self.metadata.address
    }

    /// The container's credentials, for `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn container_credentials_uri(&self) -> String {
        let address = self.metadata.address;
        format!("http://{address}{}", metadata::CONTAINER_PATH)
    }

    /// The certificate of the authority that signed the HTTPS listener's, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Writes [`StandIn::ca_pem`] to a file, for `AWS_CA_BUNDLE` and `SSL_CERT_FILE`.
    ///
    /// # Errors
    ///
    /// If the file can't be written.
    pub fn write_ca(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, &self.ca_pem)
    }

    /// Adds an access key, or replaces the one of the same id.
    pub fn add_key(&self, key: Key) {
        self.shared.keys.add(key);
    }

    /// Forgets an access key, given or issued; false if it was unknown.
    pub fn revoke_key(&self, access_key_id: &str) -> bool {
        self.shared.keys.revoke(access_key_id)
    }

    /// Adds a cluster, or replaces the one of the same name, region and account.
    pub fn add_cluster(&self, cluster: Cluster) {
        self.shared.clusters.add(cluster);
    }

    /// Adds a node group, or replaces the one of the same name and cluster.
    pub fn add_nodegroup(&self, nodegroup: Nodegroup) {
        self.shared.world.nodegroups.add(nodegroup, Nodegroup::is_same);
    }

    /// Adds an EC2 instance, or replaces the one of the same ID, which is then new to EC2.
    pub fn add_instance(&self, instance: Ec2Instance) {
        self.shared.world.instances.add(instance);
    }

    /// Forgets an EC2 instance.
    pub fn remove_instance(&self, id: &str) {
        self.shared.world.instances.remove(id);
    }

    /// Adds an instance profile, or replaces the one of the same ARN.
    pub fn add_profile(&self, profile: InstanceProfile) {
        self.shared.world.profiles.add(profile, |one, other| one.arn == other.arn);
    }

    /// Adds a stack, or replaces the one of the same name, region and account.
    pub fn add_stack(&self, stack: Stack) {
        self.shared.world.stacks.add(stack, Stack::is_same);
    }

    /// From now on nobody has this permission, such as `ec2:DescribeInstances`.
    pub fn deny(&self, permission: impl Into<String>) {
        self.shared.world.denied.add(permission.into(), String::eq);
    }

    /// Gives a permission back.
    pub fn allow(&self, permission: &str) {
        self.shared.world.denied.remove(|denied| denied == permission);
    }

    /// The calls remembered, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.calls_since(0)
    }

    /// The calls remembered with a number above `number`, which is an earlier
    /// [`StandIn::call_count`] or the number of a call.
    pub fn calls_since(&self, number: u64) -> Vec<Call> {
        self.shared.calls.since(number)
    }

    /// How many calls there were, remembered or not.
    pub fn call_count(&self) -> u64 {
        self.shared.calls.count()
    }

    /// How many calls there were of this action, such as `DescribeInstances`, remembered or
    /// not, and whatever became of them.
    pub fn count_of(&self, action: &str) -> u64 {
        self.shared.calls.count_of(action)
    }

    /// The latest requests that the proxy refused, each as method and target.
    pub fn proxy_refusals(&self) -> Vec<String> {
        let refusals = self.shared.proxy_refusals.lock();
        let refusals = refusals.unwrap_or_else(PoisonError::into_inner);
        refusals.iter().cloned().collect()
    }

    /// Stages a fault for requests to the HTTPS listener. Faults befall requests in the
    /// order they were staged, one at a time.
    pub fn inject(&self, fault: Fault, times: Times) {
        self.shared.faults.stage(fault, None, times);
    }

    /// Stages a fault for requests signed with this key alone.
    pub fn inject_for(&self, access_key_id: impl Into<String>, fault: Fault, times: Times) {
        let key = Some(access_key_id.into());
        self.shared.faults.stage(fault, key, times);
    }

    /// Drops all faults that are still staged. One that has befallen a request goes on.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Stops: closes all listeners and connections and waits until they are gone.
    pub async fn stop(self) {
        let Self { https, proxy, metadata, _running: running, .. } = self;
        drop(running);
        https.ended().await;
        proxy.ended().await;
        metadata.ended().await;
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandIn")
            .field("address", &self.address())
            .field("proxy_address", &self.proxy_address())
            .field("metadata_address", &self.metadata_address())
            .finish_non_exhaustive()
    }
}

fn check_roles(settings: &Settings) -> Result<(), StartError> {
    for Role { arn, .. } in &settings.roles {
        if RoleArn::parse(arn).is_none() {
            return Err(StartError::NotARole { arn: arn.clone() });
        }
    }
    let identities = settings.web_identities.iter().map(|one| &one.role_arn);
    let used = identities
        .chain(settings.sso.iter().map(|access| &access.role_arn))
        .chain(settings.instance.iter().map(|instance| &instance.role_arn))
        .chain(settings.container.iter().map(|one| &one.role_arn));
    for arn in used {
        if !settings.roles.iter().any(|role| role.arn == *arn) {
            return Err(StartError::UnknownRole { arn: arn.clone() });
        }
    }
    Ok(())
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) keys: Keys,
    pub(crate) roles: Vec<Role>,
    pub(crate) web_identities: Vec<WebIdentity>,
    pub(crate) sso: Vec<SsoAccess>,
    pub(crate) clusters: Clusters,
    pub(crate) world: World,
    pub(crate) buckets: Buckets,
    pub(crate) instance: Option<Instance>,
    pub(crate) container: Option<Container>,
    pub(crate) clock: Clock,
    pub(crate) tls: TlsAcceptor,
    pub(crate) faults: Faults,
    pub(crate) metadata: Metadata,
    calls: Calls,
    proxy_refusals: Mutex<VecDeque<String>>,
    /// A request id's upper half, and the number that is its lower half.
    run: [u8; 8],
    requests: AtomicU64,
    /// The `Date` header of the second it was last written for.
    date: Mutex<Option<(i64, HeaderValue)>>,
}

impl Shared {
    fn new(settings: Settings, tls: TlsAcceptor) -> Result<Self, NoRandomness> {
        let Settings {
            keys,
            roles,
            web_identities,
            sso,
            clusters,
            nodegroups,
            instances,
            ec2_bucket,
            profiles,
            stacks,
            denied,
            page_size,
            instance,
            container,
            certificate: _,
            recording,
            clock,
        } = settings;
        let known = Keys::default();
        for key in keys {
            known.add(key);
        }
        let found = Clusters::default();
        for cluster in clusters {
            found.add(cluster);
        }
        let world = World {
            profiles: Things::of(profiles),
            stacks: Things::of(stacks),
            nodegroups: Things::of(nodegroups),
            denied: Things::of(denied),
            page_size,
            ..World::default()
        };
        for instance in instances {
            world.instances.add(instance);
        }
        Ok(Self {
            keys: known,
            roles,
            web_identities,
            sso,
            clusters: found,
            world,
            buckets: Buckets::new(ec2_bucket),
            instance,
            container,
            clock,
            tls,
            faults: Faults::default(),
            metadata: Metadata::default(),
            calls: Calls::new(recording),
            proxy_refusals: Mutex::default(),
            run: random::bytes()?,
            requests: AtomicU64::new(0),
            date: Mutex::default(),
        })
    }

    pub(crate) fn role(&self, arn: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.arn == arn)
    }

    pub(crate) fn record(&self, described: Described<'_>) {
        self.calls.record(described.action, |number| described.call(number));
    }

    pub(crate) fn remember_refusal(&self, target: String) {
        let refusals = self.proxy_refusals.lock();
        let mut refusals = refusals.unwrap_or_else(PoisonError::into_inner);
        if refusals.len() == limits::PROXY_REFUSALS {
            refusals.pop_front();
        }
        refusals.push_back(target);
    }

    /// An id unlike any other, in the form AWS gives it: a version 4 UUID's.
    pub(crate) fn request_id(&self) -> String {
        let [a, b, c, d, e, f, g, h] = self.run;
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!(
            "{a:02x}{b:02x}{c:02x}{d:02x}-{e:02x}{f:02x}-4{:03x}-8{:03x}-{:012x}",
            (u16::from(g) << 4) | u16::from(h >> 4),
            number >> 48 & 0xfff,
            number & 0xffff_ffff_ffff
        )
    }

    /// The `Date` header by the stand-in's clock: clients correct their own by it.
    pub(crate) fn date(&self) -> Option<HeaderValue> {
        let now = self.clock.now();
        let mut date = self.date.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((second, value)) = date.as_ref()
            && *second == now.as_second()
        {
            return Some(value.clone());
        }
        let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let value = HeaderValue::try_from(text).ok()?;
        *date = Some((now.as_second(), value.clone()));
        Some(value)
    }
}
