//! Conditional writes on a real kube-apiserver.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube_iam_cluster::{
    Answer, ApiError, Attempt, AwsAuthStore, Current, Derived, EditError, Edited, Stored, Touched, WriteOptions,
    connect, edit_until,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::World;
use crate::gate::Thief;

fn touching(texts: &[(&str, Option<&str>)]) -> Touched {
    let texts = texts.iter().map(|(key, text)| ((*key).to_owned(), text.map(str::to_owned)));
    Touched { data: texts.collect(), ..Touched::default() }
}

/// Appends a row to `mapUsers`, and refuses to if it is there.
fn add(row: &str) -> impl FnMut(&Attempt<'_>) -> Result<Derived, String> {
    move |attempt| {
        let Current::Stored(stored) = attempt.current else {
            return Ok(Derived::Write(touching(&[("mapUsers", Some(row))])));
        };
        let text = stored.data.get("mapUsers").cloned().unwrap_or_default();
        match text.contains(row) {
            true if attempt.maybe_written => Ok(Derived::Unchanged),
            true => Err(format!("{row} exists")),
            false => Ok(Derived::Write(touching(&[("mapUsers", Some(&format!("{text}{row}")))]))),
        }
    }
}

fn stored(current: Current) -> Box<Stored> {
    match current {
        Current::Stored(stored) => stored,
        Current::Absent => panic!("aws-auth is absent"),
    }
}

/// As it is, without what a write may change.
fn untouched(manifest: &Value) -> Value {
    let mut manifest = manifest.clone();
    manifest["data"].as_object_mut().unwrap().remove("mapUsers");
    for field in ["managedFields", "resourceVersion"] {
        manifest["metadata"].as_object_mut().unwrap().remove(field);
    }
    manifest
}

#[tokio::test]
async fn only_the_touched_keys_change_and_the_writer_is_named() {
    let Some(world) = World::start().await else { return };
    let store = world.store();
    let options = WriteOptions::default();
    assert_eq!(store.read().await, Ok(Current::Absent));
    let object = json!({
        "kind": "ConfigMap", "apiVersion": "v1",
        "data": { "mapUsers": "a\n", "mapRoles": "# a comment\r\n- x", "other": "o", "gone": "g" },
        "binaryData": { "b": "AAEC" },
        "metadata": {
            "name": "aws-auth", "namespace": "kube-system", "labels": { "l": "1" },
            "annotations": { "kept": "1", "changed": "1", "gone": "1" }, "finalizers": ["example.com/f"],
        },
    });
    world.kubectl(&["create", "-f", "-"], &object.to_string()).await;
    let before = stored(store.read().await.unwrap());
    assert_eq!(before.data["mapRoles"], "# a comment\r\n- x");
    assert_eq!((&before.labels["l"], &before.annotations["kept"]), (&"1".to_owned(), &"1".to_owned()));

    // What a dry run would write is told, and not written.
    let mut touched = touching(&[("mapUsers", Some("b\n"))]);
    let dry = WriteOptions { dry_run: true, ..options.clone() };
    let current = Current::Stored(before.clone());
    let Ok(Answer::Written(would_be)) = store.write_if_unchanged(&current, &touched, &dry).await else { panic!() };
    assert_eq!(would_be.data["mapUsers"], "b\n");
    assert_eq!(store.read().await, Ok(current.clone()));

    let Ok(Answer::Written(after)) = store.write_if_unchanged(&current, &touched, &options).await else { panic!() };
    assert_eq!(store.read().await, Ok(Current::Stored(after.clone())));
    assert_eq!(after.data["mapUsers"], "b\n");
    assert_eq!(untouched(&after.manifest), untouched(&before.manifest));
    let managers = after.manifest["metadata"]["managedFields"].as_array().unwrap();
    let ours = managers.iter().find(|entry| entry["manager"] == "kube-iam").expect("the writer is named");
    assert_eq!(ours["fieldsV1"], json!({ "f:data": { "f:mapUsers": {} } }));

    touched = touching(&[("gone", None)]);
    touched.annotations = BTreeMap::from([("changed".to_owned(), Some("2".to_owned())), ("gone".to_owned(), None)]);
    let current = Current::Stored(after);
    let Ok(Answer::Written(after)) = store.write_if_unchanged(&current, &touched, &options).await else { panic!() };
    assert!(!after.data.contains_key("gone"));
    assert_eq!(after.annotations, BTreeMap::from([("kept", "1"), ("changed", "2")].map(|(k, v)| (k.into(), v.into()))));
    assert_eq!(after.manifest["binaryData"], json!({ "b": "AAEC" }));
    world.control_plane.stop().await;
}

#[tokio::test]
async fn what_was_read_before_somebody_elses_change_is_not_written() {
    let Some(world) = World::start().await else { return };
    let store = world.store();
    let options = WriteOptions::default();
    let touched = touching(&[("mapUsers", Some("ours"))]);
    world.write(json!({ "mapUsers": "a" })).await;
    let stale = store.read().await.unwrap();
    world.write(json!({ "mapUsers": "b" })).await;
    assert_eq!(store.write_if_unchanged(&stale, &touched, &options).await, Ok(Answer::Conflict));

    let deleted = store.read().await.unwrap();
    world.delete().await;
    assert_eq!(store.write_if_unchanged(&deleted, &touched, &options).await, Ok(Answer::Gone));
    let absent = store.read().await.unwrap();
    assert_eq!(absent, Current::Absent);
    // The same name and the same text, and yet another object.
    world.write(json!({ "mapUsers": "b" })).await;
    assert_eq!(store.write_if_unchanged(&deleted, &touched, &options).await, Ok(Answer::Conflict));
    // Even if it were of the same version.
    let now = stored(store.read().await.unwrap());
    let forged = Stored { uid: stored(deleted).uid, ..(*now).clone() };
    let answer = store.write_if_unchanged(&Current::Stored(Box::new(forged)), &touched, &options).await;
    assert!(matches!(answer, Ok(Answer::Conflict) | Err(ApiError::Invalid(_))), "{answer:?}");
    assert_eq!(store.write_if_unchanged(&absent, &touched, &options).await, Ok(Answer::AlreadyExists));
    assert_eq!(store.read().await, Ok(Current::Stored(now)));
    world.control_plane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_who_create_it_at_once_none_loses() {
    let Some(world) = World::start().await else { return };
    let mut writers = JoinSet::new();
    for writer in 0..20 {
        let store = world.store();
        writers.spawn(async move {
            let options = WriteOptions::default();
            edit_until(&store, None, &options, add(&format!("- {writer:02}\n"))).await
        });
    }
    for edited in writers.join_all().await {
        assert!(matches!(edited, Ok(Edited::Written(_))), "{edited:?}");
    }
    let text = stored(world.store().read().await.unwrap()).data["mapUsers"].clone();
    let rows: BTreeSet<&str> = text.lines().collect();
    assert_eq!((text.lines().count(), rows.len()), (20, 20), "{text}");
    world.control_plane.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_write_twenty_rows_each_none_loses_one() {
    let Some(world) = World::start().await else { return };
    world.write(json!({ "mapUsers": "# kept\n", "mapRoles": "# kept too" })).await;
    let world = Arc::new(world);
    let mut writers = JoinSet::new();
    for writer in 0..50 {
        let store = world.store();
        writers.spawn(async move {
            for row in 0..20 {
                let options = WriteOptions::default();
                edit_until(&store, None, &options, add(&format!("- {writer:02}/{row:02}\n"))).await?;
            }
            Ok(())
        });
    }
    let outcomes: Vec<Result<(), EditError<String>>> = writers.join_all().await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let object = stored(world.store().read().await.unwrap());
    let text = &object.data["mapUsers"];
    let rows: BTreeSet<&str> = text.lines().collect();
    assert_eq!((text.lines().count(), rows.len()), (1001, 1001));
    assert!(text.starts_with("# kept\n") && object.data["mapRoles"] == "# kept too");
    Arc::into_inner(world).unwrap().control_plane.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_neither_fails_nor_doubles_an_edit() {
    let Some(world) = World::start().await else { return };
    let server: SocketAddr = world.control_plane.url().trim_start_matches("https://").parse().unwrap();
    let thief = Thief::before(server).await;
    let settings = world.kubeconfig(|kubeconfig| {
        kubeconfig["clusters"][0]["cluster"]["server"] = format!("https://{}", thief.address).into();
    });
    let store = AwsAuthStore::new(connect(&settings).unwrap());
    // First a creation, then a change.
    for (row, expected) in [("- a\n", "- a\n"), ("- b\n", "- a\n- b\n")] {
        let start = store.read().await.unwrap();
        thief.steal_the_next_answer();
        let edited = edit_until(&store, Some(start), &WriteOptions::default(), add(row)).await;
        assert!(thief.has_stolen(), "the answer was lost");
        let Ok(Edited::Written(written)) = edited else { panic!("{edited:?}") };
        assert_eq!(written.data["mapUsers"], expected);
    }
    // A single write can't tell.
    let current = store.read().await.unwrap();
    thief.steal_the_next_answer();
    let touched = touching(&[("mapUsers", Some(""))]);
    let answer = store.write_if_unchanged(&current, &touched, &WriteOptions::default()).await;
    assert!(matches!(answer, Ok(Answer::Ambiguous(_))), "{answer:?}");
    assert_eq!(stored(store.read().await.unwrap()).data["mapUsers"], "");
    world.control_plane.stop().await;
}

#[tokio::test]
async fn an_edit_outlasts_a_restart_of_the_api_server() {
    let Some(world) = World::start().await else { return };
    world.write(json!({ "mapUsers": "- a\n" })).await;
    let store = world.store();
    let start = store.read().await.unwrap();
    world.control_plane.stop_apiserver().await;
    // As it takes long to start on a busy machine.
    let options = WriteOptions { timeout: Duration::from_secs(180), ..WriteOptions::default() };
    let (edited, restarted) =
        tokio::join!(edit_until(&store, Some(start), &options, add("- b\n")), world.control_plane.start_apiserver(),);
    restarted.unwrap();
    let Ok(Edited::Written(written)) = edited else { panic!("{edited:?}") };
    assert_eq!(written.data["mapUsers"], "- a\n- b\n");
    world.control_plane.stop().await;
}

#[tokio::test]
async fn a_server_that_is_dead_or_silent_ends_an_edit_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = crate::store_at(&format!("http://{address}"));
    let options = WriteOptions { timeout: Duration::from_secs(1), ..WriteOptions::default() };
    let never = |_: &Attempt<'_>| -> Result<Derived, Infallible> { panic!("nothing was read") };
    let EditError::Api(error) = edit_until(&store, None, &options, never).await.unwrap_err() else { panic!() };
    assert_eq!(error.to_string(), "kube-apiserver did not answer within 1 s");

    drop(listener);
    let EditError::Api(error) = edit_until(&store, None, &options, never).await.unwrap_err() else { panic!() };
    assert_eq!(error.to_string(), "kube-apiserver can't be reached: the connection was refused");
    assert!(error.hint().is_some());
    // Once it has been read, it is waited for, to the end.
    let edit = edit_until(&store, Some(Current::Absent), &options, add("- a\n"));
    assert!(matches!(edit.await, Err(EditError::Api(ApiError::Unreachable(_)))));
}

#[tokio::test]
async fn rights_that_are_missing_are_named() {
    let Some(world) = World::start().await else { return };
    world.write(json!({ "mapUsers": "a" })).await;
    let store = AwsAuthStore::new(world.client_as("editor"));
    let expected = |verb: &str| format!("`{verb}` on `configmaps` `kube-system/aws-auth`");
    let Err(ApiError::Forbidden { right, .. }) = store.read().await else { panic!() };
    assert_eq!(right.to_string(), expected("get"));

    world.allow("editor", &["--verb=get", "--resource=configmaps", "--resource-name=aws-auth"]).await;
    let edit = async || edit_until(&store, None, &WriteOptions::default(), add("b")).await;
    let Err(EditError::Api(ApiError::Forbidden { right, .. })) = edit().await else { panic!() };
    assert_eq!(right.to_string(), expected("patch"));
    world.delete().await;
    let Err(EditError::Api(ApiError::Forbidden { right, .. })) = edit().await else { panic!() };
    assert_eq!(right.to_string(), "`create` on `configmaps` in namespace `kube-system`");
    world.control_plane.stop().await;
}

#[tokio::test]
async fn refusals_of_the_api_server_are_told_apart() {
    let Some(world) = World::start().await else { return };
    let store = world.store();
    let options = WriteOptions::default();
    // A policy, as operators guard aws-auth with.
    let policy = json!({ "kind": "List", "apiVersion": "v1", "items": [
        {
            "kind": "ValidatingAdmissionPolicy", "apiVersion": "admissionregistration.k8s.io/v1",
            "metadata": { "name": "aws-auth" },
            "spec": {
                "matchConstraints": { "resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                    "resources": ["configmaps"],
                }] },
                "validations": [{
                    "expression": "object.metadata.name != 'aws-auth' || !object.data['mapUsers'].contains('evil')",
                    "message": "no evil rows",
                }],
            },
        },
        {
            "kind": "ValidatingAdmissionPolicyBinding", "apiVersion": "admissionregistration.k8s.io/v1",
            "metadata": { "name": "aws-auth" },
            "spec": { "policyName": "aws-auth", "validationActions": ["Deny"] },
        },
    ] });
    world.kubectl(&["create", "-f", "-"], &policy.to_string()).await;
    // It comes into force after a moment.
    let denied = loop {
        let dry = WriteOptions { dry_run: true, ..options.clone() };
        let touched = touching(&[("mapUsers", Some("evil"))]);
        match store.write_if_unchanged(&Current::Absent, &touched, &dry).await {
            Ok(Answer::Written(_)) => tokio::time::sleep(Duration::from_millis(200)).await,
            other => break other,
        }
    };
    let Err(ApiError::Denied(message)) = denied else { panic!("{denied:?}") };
    assert!(message.contains("no evil rows"), "{message}");

    world.write(json!({ "mapUsers": "a" })).await;
    let current = store.read().await.unwrap();
    // kube-apiserver counts as we do.
    let touched = touching(&[("mapUsers", Some(&"x".repeat(1024 * 1024)))]);
    let answer = store.write_if_unchanged(&current, &touched, &options).await;
    assert!(matches!(answer, Ok(Answer::Written(_))), "{answer:?}");
    let current = store.read().await.unwrap();
    let touched =
        Touched { annotations: BTreeMap::from([("a".to_owned(), Some("x".repeat(256 * 1024)))]), ..Touched::default() };
    let answer = store.write_if_unchanged(&current, &touched, &options).await;
    assert!(matches!(answer, Err(ApiError::TooLarge(_))), "{answer:?}");
    let invalid = touching(&[("not a key", Some(""))]);
    let answer = store.write_if_unchanged(&current, &invalid, &options).await;
    assert!(matches!(answer, Err(ApiError::TooLarge(_) | ApiError::Invalid(_))), "{answer:?}");
    world.control_plane.stop().await;
}
