//! Ports that do as they are told, and remember what they were asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube_iam_core::arn::{Arn, InstanceProfileArn};
use kube_iam_core::ids::InstanceId;
use kube_iam_core::ports::{
    AwsFailure, BoxFuture, Instance, Instances, MappingSource, Observation, StatusStore, StoreFailure, Sts, StsFailure,
    StsReply,
};
use kube_iam_core::sts::StsRequest;
use tokio::sync::mpsc;

/// What happens when STS is called.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// A complete reply: status, media type, body.
    Reply(u16, &'static str, String),
    /// No complete reply.
    Fail(StsFailure),
    /// Nothing, ever.
    Hang,
    /// Something after a while.
    After(Duration, Box<Self>),
    /// A bug in the port.
    Panic,
}

impl Act {
    /// STS vouches for somebody.
    pub(crate) fn vouch(account: &str, arn: &str, user_id: &str) -> Self {
        let body = format!(
            r#"{{"GetCallerIdentityResponse":{{"GetCallerIdentityResult":{{"Account":"{account}","Arn":"{arn}","UserId":"{user_id}"}},"ResponseMetadata":{{"RequestId":"r"}}}}}}"#
        );
        Self::Reply(200, "application/json", body)
    }

    /// STS vouches for a session of a role in account 111122223333.
    pub(crate) fn role(name: &str, session: &str) -> Self {
        let arn = format!("arn:aws:sts::111122223333:assumed-role/{name}/{session}");
        Self::vouch("111122223333", &arn, &format!("AROA{}:{session}", name.to_uppercase()))
    }

    /// STS refuses with a code.
    pub(crate) fn refuse(status: u16, code: &str) -> Self {
        Self::Reply(status, "application/json", format!(r#"{{"Error":{{"Code":"{code}","Message":"m"}}}}"#))
    }

    async fn play(self) -> Result<StsReply, StsFailure> {
        match self {
            Self::Reply(status, content_type, body) => {
                Ok(StsReply { status, content_type: content_type.to_owned(), body: body.into_bytes() })
            }
            Self::Fail(failure) => Err(failure),
            Self::Hang => std::future::pending().await,
            Self::After(delay, act) => {
                tokio::time::sleep(delay).await;
                Box::pin(act.play()).await
            }
            Self::Panic => panic!("the scripted STS panics on purpose"),
        }
    }
}

/// One call to STS as it was made.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// How many calls came before.
    pub(crate) number: usize,
    /// The host.
    pub(crate) host: String,
    /// The value of `x-k8s-aws-id`.
    pub(crate) cluster_id: String,
    /// The number in the signature of the token.
    pub(crate) signature: u64,
}

/// STS by a script.
pub(crate) struct ScriptedSts {
    script: Box<dyn Fn(&Asked) -> Act + Send + Sync>,
    asked: Mutex<Vec<Asked>>,
}

impl ScriptedSts {
    /// Does what `script` says of each call.
    pub(crate) fn new(script: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        Self { script: Box::new(script), asked: Mutex::default() }
    }

    /// Every call so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Sts for ScriptedSts {
    fn call<'a>(&'a self, request: &'a StsRequest) -> BoxFuture<'a, Result<StsReply, StsFailure>> {
        let query = request.path_and_query().expose();
        let (_, signature) = query.rsplit_once('=').unwrap();
        let mut asked = self.asked.lock().unwrap();
        let call = Asked {
            number: asked.len(),
            host: request.host().name().to_owned(),
            cluster_id: request.cluster_id().as_str().to_owned(),
            signature: u64::from_str_radix(&signature[48..], 16).unwrap(),
        };
        asked.push(call.clone());
        drop(asked);
        Box::pin(async move { (self.script)(&call).play().await })
    }
}

type InstanceScript = Box<dyn Fn(&InstanceId) -> Result<Instance, AwsFailure> + Send + Sync>;

/// EC2 by a script: what it says of each instance, and how long it takes. The role in
/// every instance profile is `Node`.
pub(crate) struct ScriptedInstances {
    script: InstanceScript,
    latency: Duration,
    asked: Mutex<usize>,
}

impl ScriptedInstances {
    pub(crate) fn new(
        latency: Duration,
        script: impl Fn(&InstanceId) -> Result<Instance, AwsFailure> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), latency, asked: Mutex::default() })
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    /// A running instance of account 111122223333.
    pub(crate) fn running(id: &InstanceId, name: &str) -> Instance {
        Instance {
            id: id.clone(),
            private_dns_name: Some(name.to_owned()),
            account: Some("111122223333".parse().unwrap()),
            runs: true,
            profile: Some("arn:aws:iam::111122223333:instance-profile/node".parse().unwrap()),
        }
    }
}

impl Instances for ScriptedInstances {
    fn describe<'a>(&'a self, ids: &'a [InstanceId]) -> BoxFuture<'a, Result<Vec<Instance>, AwsFailure>> {
        *self.asked.lock().unwrap() += 1;
        Box::pin(async move {
            tokio::time::sleep(self.latency).await;
            ids.iter().map(&self.script).collect()
        })
    }

    fn role_of_profile<'a>(&'a self, _: &'a InstanceProfileArn) -> BoxFuture<'a, Result<Option<Arn>, AwsFailure>> {
        Box::pin(async { Ok(Some("arn:aws:iam::111122223333:role/Node".parse().unwrap())) })
    }
}

/// A status ConfigMap that keeps what is written, or refuses everything.
pub(crate) struct ScriptedStatus {
    keys: Mutex<BTreeMap<String, String>>,
    refuses: bool,
    asked: Mutex<usize>,
}

impl ScriptedStatus {
    pub(crate) fn new(refuses: bool) -> Arc<Self> {
        Arc::new(Self { keys: Mutex::default(), refuses, asked: Mutex::default() })
    }

    /// The text of a key; empty if there is none.
    pub(crate) fn key(&self, key: &str) -> String {
        self.keys.lock().unwrap().get(key).cloned().unwrap_or_default()
    }

    /// How often it was read.
    pub(crate) fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

impl StatusStore for ScriptedStatus {
    fn read(&self) -> BoxFuture<'_, Result<BTreeMap<String, String>, StoreFailure>> {
        *self.asked.lock().unwrap() += 1;
        Box::pin(async {
            match self.refuses {
                true => Err(StoreFailure::Refused("the right to get it is missing".to_owned())),
                false => Ok(self.keys.lock().unwrap().clone()),
            }
        })
    }

    fn write<'a>(&'a self, touched: &'a BTreeMap<String, Option<String>>) -> BoxFuture<'a, Result<(), StoreFailure>> {
        let set = touched.iter().filter_map(|(key, text)| Some((key.clone(), text.clone()?)));
        self.keys.lock().unwrap().extend(set);
        Box::pin(async { Ok(()) })
    }
}

/// What the source of aws-auth does next.
#[derive(Debug)]
pub(crate) enum Scene {
    /// Shows something.
    Show(Observation),
    /// A bug in the port.
    Panic,
}

/// Directs a [`ScriptedSource`].
#[derive(Debug, Clone)]
pub(crate) struct Director(mpsc::UnboundedSender<Scene>);

impl Director {
    /// aws-auth is there with these data keys.
    pub(crate) fn present(&self, version: &str, data: &[(&str, &str)]) {
        let data: BTreeMap<_, _> = data.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        self.play(Scene::Show(Observation::Present { data, resource_version: version.to_owned() }));
    }

    /// aws-auth is not there.
    pub(crate) fn absent(&self) {
        self.play(Scene::Show(Observation::Absent));
    }

    /// kube-apiserver can't be reached.
    pub(crate) fn unreachable(&self) {
        self.play(Scene::Show(Observation::Unreachable("connection refused".to_owned())));
    }

    /// The port has a bug.
    pub(crate) fn panic(&self) {
        self.play(Scene::Panic);
    }

    fn play(&self, scene: Scene) {
        self.0.send(scene).unwrap();
    }
}

/// A source of mappings by a script.
pub(crate) struct ScriptedSource(mpsc::UnboundedReceiver<Scene>);

impl ScriptedSource {
    /// A source and whoever directs it.
    pub(crate) fn new() -> (Self, Director) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(receiver), Director(sender))
    }
}

impl MappingSource for ScriptedSource {
    fn observe(&mut self) -> BoxFuture<'_, Observation> {
        Box::pin(async move {
            match self.0.recv().await {
                Some(Scene::Show(observation)) => observation,
                Some(Scene::Panic) => panic!("the scripted source panics on purpose"),
                None => std::future::pending().await,
            }
        })
    }
}
