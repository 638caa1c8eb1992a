//! Many writers, killed writers, owners in turn.

use std::time::Duration;

use kube_iam_core::aws_auth::{Data, Document, Section};

use super::{SEED, control_plane, on_kubeconfig, run, seeded, stored, write_at_once};

fn names(data: &Data) -> Vec<String> {
    let document = Document::parse(data).unwrap();
    document.rows(Section::MapRoles).map(|row| row.arn().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

/// What a thousand rows, each written once, must have left alone.
fn all_there(data: &Data) {
    let mut names = names(data);
    assert_eq!(names.len(), 1001);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 1001);
    let (head, tail) = SEED.split_once("# the end").unwrap();
    assert!(data["mapRoles"].starts_with(head) && data["mapRoles"].ends_with(&format!("# the end{tail}")));
    assert_eq!(data["other"], "stays");
}

#[tokio::test]
async fn fifty_writers_of_twenty_rows_each_lose_none() {
    let Some(control_plane) = seeded().await else { return };
    let create = |writer, row| {
        format!("create mapping --arn arn:aws:iam::111122223333:role/w{writer}-r{row} --group g --yes --timeout 10m")
    };
    let writer = |writer: usize| (0..20).map(|row| create(writer, row)).collect();
    write_at_once(&control_plane, (0..50).map(writer)).await;
    all_there(&stored(&control_plane).await);
    control_plane.stop().await;
}

#[tokio::test]
async fn fifty_files_of_twenty_rows_lose_none() {
    let Some(control_plane) = seeded().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let writer = |writer: usize| {
        let file = folder.path().join(format!("{writer}.yaml"));
        let row = |row| format!("- arn: arn:aws:iam::111122223333:role/w{writer}-r{row}\n  groups: [g]\n");
        std::fs::write(&file, format!("mappings:\n{}", (0..20).map(row).collect::<String>())).unwrap();
        vec![format!("apply -f {} --yes --timeout 5m", file.display())]
    };
    write_at_once(&control_plane, (0..50).map(writer)).await;
    all_there(&stored(&control_plane).await);
    control_plane.stop().await;
}

#[tokio::test]
async fn twenty_who_find_no_aws_auth_make_one() {
    let Some(control_plane) = control_plane().await else { return };
    let writer = |writer: usize| {
        let arn = format!("arn:aws:iam::111122223333:role/w{writer}");
        vec![format!("create mapping --arn {arn} --group g --yes --timeout 5m")]
    };
    write_at_once(&control_plane, (0..20).map(writer)).await;
    let mut names = names(&stored(&control_plane).await);
    names.sort();
    let mut wanted: Vec<String> = (0..20).map(|writer| format!("w{writer}")).collect();
    wanted.sort();
    assert_eq!(names, wanted);
    control_plane.stop().await;
}

#[tokio::test]
async fn a_writer_killed_at_any_moment_leaves_before_or_after() {
    let Some(control_plane) = seeded().await else { return };
    let (mut count, mut killed) = (1, 0);
    for round in 0..200_u64 {
        let arn = format!("arn:aws:iam::111122223333:role/k{round}");
        let args = ["create", "mapping", "--arn", &arn, "--group", "g", "--yes"];
        let mut command = on_kubeconfig(control_plane.admin_kubeconfig(), &args);
        let mut child =
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        // Moments spread over the life of the program, in no order.
        tokio::time::sleep(Duration::from_millis(round * 37 % 97)).await;
        let _ = child.start_kill();
        killed += usize::from(child.wait().await.unwrap().code().is_none());
        if round % 10 == 9 {
            let data = stored(&control_plane).await;
            let now = names(&data).len();
            assert!((count..=count + 10).contains(&now), "{now} rows after {count}");
            assert!(data["mapRoles"].ends_with("# the end\n"));
            count = now;
        }
    }
    assert!(killed > 20 && count > 1, "{killed} were killed, and {count} rows came of the others");
    control_plane.stop().await;
}

#[tokio::test]
async fn two_owners_in_turn_lose_nothing() {
    let Some(control_plane) = seeded().await else { return };
    let folder = tempfile::tempdir().unwrap();
    for round in 0..100 {
        let owner = ["team-a", "team-b"][round % 2];
        let file = folder.path().join(owner);
        let row = |name: String| format!("- arn: arn:aws:iam::111122223333:role/{name}\n  groups: [g{round}]\n");
        let text = format!("mappings:\n{}{}", row(format!("{owner}-1")), row(format!("{owner}-{}", 2 + round % 4)));
        std::fs::write(&file, text).unwrap();
        let args = ["apply", "-f", file.to_str().unwrap(), "--owner", owner, "--prune", "--yes"];
        run(&control_plane, &args).await.success();
        let names = names(&stored(&control_plane).await);
        let expected = if round == 0 { 3 } else { 5 };
        assert_eq!(names.len(), expected, "round {round}: {names:?}");
        assert_eq!(names[0], "Admin");
    }
    let file = folder.path().join("thief");
    std::fs::write(&file, "mappings:\n- arn: arn:aws:iam::111122223333:role/team-a-1\n  groups: [other]\n").unwrap();
    let args = ["apply", "-f", file.to_str().unwrap(), "--owner", "team-b", "--yes"];
    let refused = run(&control_plane, &args).await.failure(1);
    assert!(refused.contains("is kept by `team-a`") && refused.contains("--take-ownership"), "{refused}");
    control_plane.stop().await;
}
