//! The requests about aws-auth and how their answers are read.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{ListParams, ObjectList, WatchParams};
use kube::core::Request;
use kube_iam_core::ports::Observation;

use crate::watch::{Change, Watch, ask, in_time, read};
use crate::{ReadError, limits};

const COLLECTION: &str = "/api/v1/namespaces/kube-system/configmaps";
const NAME: &str = "aws-auth";
/// A collection narrowed to one name: RBAC's `resourceNames` can allow that.
const SELECTOR: &str = "metadata.name=aws-auth";

/// aws-auth at one moment.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) observation: Observation,
    /// Where a watch has to start to miss nothing.
    pub(super) resource_version: String,
}

/// Lists aws-auth: a consistent read, which sees every write before it.
pub(super) async fn list(client: &Client) -> Result<Listed, ReadError> {
    in_time(async {
        let request = Request::new(COLLECTION).list(&ListParams::default().fields(SELECTOR));
        let body = ask(client, request).await?;
        let bytes = read(body, limits::OBJECT_BYTES).await?;
        let list: ObjectList<ConfigMap> =
            serde_json::from_slice(&bytes).map_err(|error| ReadError::malformed("the list", &error))?;
        let found = list.items.into_iter().find(is_aws_auth);
        Ok(Listed {
            observation: found.map_or(Observation::Absent, present),
            resource_version: list.metadata.resource_version.unwrap_or_default(),
        })
    })
    .await
}

/// Starts to watch aws-auth from a version on.
pub(super) async fn watch(client: &Client, since: &str) -> Result<Watch<ConfigMap>, ReadError> {
    let parameters = WatchParams::default().fields(SELECTOR);
    Watch::start(client, COLLECTION, parameters, since, |line| serde_json::from_slice(line)).await
}

/// What a change says of aws-auth, if it is about it.
pub(super) fn observation(change: Change<ConfigMap>) -> Option<Observation> {
    match change {
        Change::Present(object) => is_aws_auth(&object).then(|| present(object)),
        Change::Gone(object) => is_aws_auth(&object).then_some(Observation::Absent),
    }
}

fn is_aws_auth(object: &ConfigMap) -> bool {
    object.metadata.name.as_deref() == Some(NAME)
}

fn present(object: ConfigMap) -> Observation {
    Observation::Present {
        data: object.data.unwrap_or_default(),
        resource_version: object.metadata.resource_version.unwrap_or_default(),
    }
}
