use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn cache(directory: &Path) -> Cache {
    Cache { path: directory.join("sub/credentials.yaml"), owner: geteuid().as_raw() }
}

fn key(cluster: &str) -> Key {
    Key { cluster: cluster.to_owned(), profile: "default".to_owned(), role: String::new() }
}

fn identity(digest: &str) -> Identity {
    Identity { origin: Origin::Profile("default".to_owned()), digest: digest.to_owned() }
}

fn credentials(id: &str) -> Credentials {
    Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: Secret::new("secret: with 'quotes' and #"),
        session_token: Some(Secret::new("token==")),
        expires: Some("2026-01-01T10:00:00Z".parse().unwrap()),
    }
}

#[tokio::test]
async fn what_was_written_is_read_by_its_key_alone() {
    let home = tempfile::TempDir::new().unwrap();
    let cache = cache(home.path());
    assert!(cache.read(&key("a"), &identity("one")).await.unwrap().is_none());
    cache.write(&key("a"), &identity("one"), &credentials("ASIA1")).await.unwrap();
    cache.write(&key("b"), &identity("one"), &credentials("ASIA2")).await.unwrap();
    let found = cache.read(&key("a"), &identity("one")).await.unwrap().unwrap();
    assert_eq!((found.access_key_id.as_str(), found.expires), ("ASIA1", credentials("").expires));
    assert_eq!(found.secret_access_key.expose(), "secret: with 'quotes' and #");
    assert!(
        cache
            .read(&Key { role: "arn:aws:iam::111122223333:role/x".to_owned(), ..key("a") }, &identity("one"))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(std::fs::metadata(&cache.path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(cache.path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_file_of_the_go_program_is_understood() {
    let home = tempfile::TempDir::new().unwrap();
    let cache = cache(home.path());
    std::fs::create_dir(cache.path.parent().unwrap()).unwrap();
    let text = "clusters:\n  a:\n    default:\n      \"\":\n        accesskeyid: ASIAGO\n        secretaccesskey: s\n        sessiontoken: t\n        source: SSOProvider\n        canexpire: true\n        expires: 2026-01-01T10:00:00Z\n        accountid: \"\"\n";
    std::fs::write(&cache.path, text).unwrap();
    std::fs::set_permissions(&cache.path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(cache.read(&key("a"), &identity("one")).await.unwrap().unwrap().access_key_id, "ASIAGO");
}

#[tokio::test]
async fn an_entry_is_for_the_identity_it_was_made_for() {
    let home = tempfile::TempDir::new().unwrap();
    let cache = cache(home.path());
    cache.write(&key("a"), &identity("one"), &credentials("ASIA1")).await.unwrap();
    assert!(cache.read(&key("a"), &identity("two")).await.unwrap().is_none());
    cache.write(&key("a"), &identity("two"), &credentials("ASIA2")).await.unwrap();
    assert_eq!(cache.read(&key("a"), &identity("two")).await.unwrap().unwrap().access_key_id, "ASIA2");
    // The Go program's entry does not say whose it is: good for a profile, which the key names, but not for a machine.
    let text = std::fs::read_to_string(&cache.path).unwrap().replace("kube-iam two", "EC2RoleProvider");
    std::fs::write(&cache.path, text).unwrap();
    assert!(cache.read(&key("a"), &identity("two")).await.unwrap().is_some());
    let machine = Identity { origin: Origin::InstanceMetadata, ..identity("two") };
    assert!(cache.read(&key("a"), &machine).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_not_a_private_file_is_left_alone() {
    let home = tempfile::TempDir::new().unwrap();
    let cache = cache(home.path());
    cache.write(&key("a"), &identity("one"), &credentials("ASIA1")).await.unwrap();
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&cache.path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(cache.read(&key("a"), &identity("one")).await, Err(CacheProblem::NotPrivate(_))), "{mode:o}");
        assert!(matches!(
            cache.write(&key("a"), &identity("one"), &credentials("ASIA2")).await,
            Err(CacheProblem::NotPrivate(_))
        ));
    }
    std::fs::set_permissions(&cache.path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let elsewhere = home.path().join("elsewhere");
    std::fs::rename(&cache.path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &cache.path).unwrap();
    assert!(matches!(cache.read(&key("a"), &identity("one")).await, Err(CacheProblem::NotAFile(_))));
    assert!(matches!(
        cache.write(&key("a"), &identity("one"), &credentials("ASIA2")).await,
        Err(CacheProblem::NotAFile(_))
    ));
    assert!(std::fs::read_to_string(&elsewhere).unwrap().contains("ASIA1"));
}

#[tokio::test]
async fn a_file_of_another_user_is_left_alone() {
    let home = tempfile::TempDir::new().unwrap();
    let cache = cache(home.path());
    cache.write(&key("a"), &identity("one"), &credentials("ASIA1")).await.unwrap();
    let before = std::fs::read(&cache.path).unwrap();
    // The same file as somebody else sees it.
    let theirs = Cache { path: cache.path.clone(), owner: cache.owner + 1 };
    let read = theirs.read(&key("a"), &identity("one")).await;
    assert!(matches!(read, Err(CacheProblem::NotOurs(path)) if path == cache.path));
    // Their lock could hold us up, so that it is not used either.
    let written = theirs.write(&key("a"), &identity("one"), &credentials("ASIA2")).await;
    assert!(matches!(written, Err(CacheProblem::NotOurs(path)) if path == cache.path.with_extension("lock")));
    assert_eq!(std::fs::read(&cache.path).unwrap(), before);
}

#[tokio::test]
async fn what_stands_in_the_place_of_the_lock_is_not_followed_and_holds_nobody_up() {
    let home = tempfile::TempDir::new().unwrap();
    let cache = cache(home.path());
    let (lock, elsewhere) = (cache.path.with_extension("lock"), home.path().join("elsewhere"));
    std::fs::create_dir(cache.path.parent().unwrap()).unwrap();
    let attempts: [&dyn Fn(); 3] = [
        &|| std::os::unix::fs::symlink(&elsewhere, &lock).unwrap(),
        &|| assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success()),
        &|| std::fs::create_dir(&lock).unwrap(),
    ];
    for attempt in attempts {
        attempt();
        let written = cache.write(&key("a"), &identity("one"), &credentials("ASIA1")).await;
        assert!(matches!(written, Err(CacheProblem::NotAFile(path)) if path == lock));
        assert!(!elsewhere.exists() && !cache.path.exists());
        let _ = std::fs::remove_file(&lock);
    }
}

#[tokio::test]
async fn a_text_that_is_no_cache_is_said_so_and_kept() {
    let home = tempfile::TempDir::new().unwrap();
    let cache = cache(home.path());
    std::fs::create_dir(cache.path.parent().unwrap()).unwrap();
    std::fs::write(&cache.path, "clusters: [\n").unwrap();
    std::fs::set_permissions(&cache.path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(cache.read(&key("a"), &identity("one")).await, Err(CacheProblem::Unreadable(_))));
    assert!(matches!(
        cache.write(&key("a"), &identity("one"), &credentials("ASIA1")).await,
        Err(CacheProblem::Unreadable(_))
    ));
    assert_eq!(std::fs::read_to_string(&cache.path).unwrap(), "clusters: [\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_writers_lose_nothing() {
    let home = tempfile::TempDir::new().unwrap();
    let writers = (0..8).map(|number| {
        let cache = cache(home.path());
        // Each is patient: the lock is tried for a second only, and all want it at once.
        tokio::spawn(async move {
            while cache
                .write(&key(&number.to_string()), &identity("one"), &credentials(&format!("ASIA{number}")))
                .await
                .is_err()
            {}
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let cache = cache(home.path());
    for number in 0..8 {
        let found = cache.read(&key(&number.to_string()), &identity("one")).await.unwrap().unwrap();
        assert_eq!(found.access_key_id, format!("ASIA{number}"));
    }
}
