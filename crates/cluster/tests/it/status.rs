//! The status ConfigMap on a real kube-apiserver.

use std::collections::BTreeMap;

use kube_iam_cluster::StatusMap;
use kube_iam_core::ports::{StatusStore as _, StoreFailure};

use crate::World;

const OBJECT: [&str; 4] = ["configmap", "kube-iam-status", "-n", "kube-system"];

fn touched(keys: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    keys.iter().map(|(key, text)| ((*key).to_owned(), text.map(str::to_owned))).collect()
}

fn texts(keys: &[(&str, &str)]) -> BTreeMap<String, String> {
    keys.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn replicas_keep_their_keys_beside_each_other_with_the_rights_that_the_documentation_names() {
    let Some(world) = World::start().await else { return };
    let replica = |user: &str| StatusMap::new(world.client_as(user));
    let stranger = replica("stranger");
    let failure = stranger.read().await.unwrap_err();
    let StoreFailure::Refused(text) = failure else { panic!("{failure:?}") };
    assert!(text.starts_with("`get` on `configmaps` `kube-system/kube-iam-status` is not allowed"), "{text}");

    let on_it = ["--verb=get,patch", "--resource=configmaps", "--resource-name=kube-iam-status"];
    world.allow("writer", &on_it).await;
    world.allow("creator", &on_it).await;
    world
        .kubectl(&["create", "role", "create", "-n", "kube-system", "--verb=create", "--resource=configmaps"], "")
        .await;
    world
        .kubectl(&["create", "rolebinding", "create", "-n", "kube-system", "--role=create", "--user=creator"], "")
        .await;
    let (writer, creator) = (replica("writer"), replica("creator"));
    assert_eq!(writer.read().await, Ok(BTreeMap::new()));
    let failure = writer.write(&touched(&[("b", Some("1"))])).await.unwrap_err();
    assert!(failure.to_string().starts_with("`create` on `configmaps` in namespace"), "{failure}");

    creator.write(&touched(&[("a", Some("1")), ("never", None)])).await.unwrap();
    writer.write(&touched(&[("b", Some("2"))])).await.unwrap();
    assert_eq!(creator.keys().await, Ok(texts(&[("a", "1"), ("b", "2")])));
    writer.write(&touched(&[("b", Some("3")), ("a", None), ("never", None)])).await.unwrap();
    assert_eq!(creator.keys().await, Ok(texts(&[("b", "3")])));

    // Somebody deletes it: it is there again with the next write.
    world.kubectl(&[&["delete"], &OBJECT[..]].concat(), "").await;
    creator.write(&touched(&[("a", Some("4"))])).await.unwrap();
    assert_eq!(writer.keys().await, Ok(texts(&[("a", "4")])));
    world.control_plane.stop().await;
}

/// Twenty replicas, from nothing: no key is lost.
#[tokio::test]
async fn replicas_that_begin_at_once_lose_no_key() {
    let Some(world) = World::start().await else { return };
    let client = kube_iam_cluster::connect(&world.kubeconfig(|_| {})).unwrap();
    let writes: tokio::task::JoinSet<_> = (0..20)
        .map(|number| {
            let status = StatusMap::new(client.clone());
            async move { status.write(&touched(&[(&format!("replica-{number}"), Some("x"))])).await }
        })
        .collect();
    assert!(writes.join_all().await.iter().all(Result::is_ok));
    assert_eq!(StatusMap::new(client).keys().await.unwrap().len(), 20);
    world.control_plane.stop().await;
}
