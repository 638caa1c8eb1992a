//! What is said of outages, and how they are left behind.

use super::*;

/// From the failure at `last` to the list that is asked for now.
fn pause(last: Instant, asked: &Asked) -> Duration {
    asked.at - last
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_up_is_told_once_and_looked_for_often() {
    let mut conversation = Conversation::start();
    for outage in 0..2 {
        let mut last = Instant::now();
        for attempt in 0..20 {
            let asked = conversation.asked_for_list().await;
            assert!(pause(last, &asked) <= limits::SHORT_PAUSE);
            assert!(pause(last, &asked) >= limits::PAUSE || attempt == 0);
            last = asked.at;
            asked.break_off(io::ErrorKind::ConnectionRefused);
            if attempt == 0 {
                let expected = unreachable("kube-apiserver is not up: the connection was refused");
                assert_eq!(conversation.observed().await, expected, "outage {outage}");
            }
        }
        // Nothing was observed since: the next is this.
        let watch = conversation.round(&[aws_auth("5", &users("a"))]).await;
        assert_eq!(conversation.observed().await, shows("5", &[("mapUsers", "a")]));
        // The watch breaks, and the list of the next round tells that it is an outage.
        drop(watch);
    }
    let _watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_once_and_asked_about_ever_less() {
    let mut conversation = Conversation::start();
    for (status, name) in [(StatusCode::FORBIDDEN, "403"), (StatusCode::UNAUTHORIZED, "401")] {
        let mut last = Instant::now();
        let mut pauses = Vec::new();
        for attempt in 0..12 {
            let asked = conversation.asked_for_list().await;
            pauses.push(pause(last, &asked));
            last = asked.at;
            asked.refuse(status, "not you");
            if attempt == 0 {
                let expected = unreachable(&format!("kube-apiserver answered {name}: not you"));
                assert_eq!(conversation.observed().await, expected);
            }
        }
        assert!(pauses[1] < Duration::from_secs(1), "{pauses:?}");
        assert!(pauses[11] >= limits::LONG_PAUSE / 2 && pauses[11] <= limits::LONG_PAUSE, "{pauses:?}");
        conversation.round(&[]).await;
        assert_eq!(conversation.observed().await, Observation::Absent);
    }
    let _watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_starts_is_followed_through_its_start() {
    let mut conversation = Conversation::start();
    for _ in 0..100 {
        conversation.asked_for_list().await.break_off(io::ErrorKind::ConnectionRefused);
    }
    assert!(matches!(conversation.observed().await, Observation::Unreachable(_)));
    // It listens, but its roles are not yet there.
    let listens = Instant::now();
    conversation.asked_for_list().await.refuse(StatusCode::FORBIDDEN, "RBAC: clusterrole not found");
    assert!(matches!(conversation.observed().await, Observation::Unreachable(_)));
    let _watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    assert!(listens.elapsed() <= Duration::from_millis(2250), "{:?}", listens.elapsed());
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_watch_it_lists_and_says_so_once() {
    let mut conversation = Conversation::start();
    for version in 1..=6 {
        let version = version.to_string();
        conversation.asked_for_list().await.answer(&list("10", &[aws_auth(&version, &json!({}))]));
        assert_eq!(conversation.observed().await, shows(&version, &[]));
        conversation.asked_for_watch("10").await.refuse(StatusCode::FORBIDDEN, "you may not watch");
        if version == "1" {
            assert_eq!(conversation.observed().await, unreachable("kube-apiserver answered 403: you may not watch"));
        }
    }
    // A failure of the list is another matter.
    conversation.asked_for_list().await.refuse(StatusCode::FORBIDDEN, "you may not list");
    assert_eq!(conversation.observed().await, unreachable("kube-apiserver answered 403: you may not list"));
    let _watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_after_another_is_told_again() {
    let mut conversation = Conversation::start();
    for _ in 0..2 {
        // Between the two, the list was answered but no watch began.
        conversation.asked_for_list().await.break_off(io::ErrorKind::ConnectionRefused);
        assert!(matches!(conversation.observed().await, Observation::Unreachable(_)));
        conversation.asked_for_list().await.answer(&list("10", &[]));
        assert_eq!(conversation.observed().await, Observation::Absent);
        conversation.asked_for_watch("10").await.refuse(StatusCode::GONE, "too old resource version");
    }
    for _ in 0..2 {
        // Between the two there was a watch.
        conversation.asked_for_list().await.answer(&list("10", &[]));
        assert_eq!(conversation.observed().await, Observation::Absent);
        conversation.asked_for_watch("10").await.refuse(StatusCode::FORBIDDEN, "you may not watch");
        assert!(matches!(conversation.observed().await, Observation::Unreachable(_)));
        drop(conversation.round(&[]).await);
        assert_eq!(conversation.observed().await, Observation::Absent);
    }
    let _watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn watches_that_end_at_once_do_not_spin() {
    let mut conversation = Conversation::start();
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < Duration::from_secs(60) {
        let before = Instant::now();
        drop(conversation.round(&[]).await);
        assert_eq!(conversation.observed().await, Observation::Absent);
        // Changes are still seen within two seconds, by the list.
        assert!(before.elapsed() <= limits::SHORT_PAUSE);
        rounds += 1;
        assert!(rounds <= 62, "too many within {:?}", start.elapsed());
    }
    let _watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_steady_watch_that_ends_is_followed_by_the_shortest_pause() {
    let mut conversation = Conversation::start();
    let mut ended = Instant::now();
    for round in 0..5 {
        let asked = conversation.asked_for_list().await;
        assert!(pause(ended, &asked) <= limits::PAUSE.mul_f64(1.5));
        assert!(pause(ended, &asked) >= limits::PAUSE || round == 0);
        asked.answer(&list("10", &[]));
        assert_eq!(conversation.observed().await, Observation::Absent);
        let watch = conversation.asked_for_watch("10").await.open();
        tokio::time::sleep(limits::STEADY).await;
        drop(watch);
        ended = Instant::now();
    }
    let _watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_breaks_off_or_makes_no_sense_leads_to_a_list() {
    let mut conversation = Conversation::start();
    let broken = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    broken.0.unbounded_send(Err(io::ErrorKind::ConnectionReset.into())).unwrap();

    let senseless = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    senseless.send("<html>\n");

    let cut_off = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    cut_off.send(line("ADDED", &aws_auth("11", &users("a"))).trim_end());
    drop(cut_off);

    let _watch = conversation.round(&[aws_auth("12", &users("b"))]).await;
    assert_eq!(conversation.observed().await, shows("12", &[("mapUsers", "b")]));
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_of_kubernetes_is_told_without_quoting_it() {
    let mut conversation = Conversation::start();
    conversation.asked_for_list().await.open().send("<html>Sign in with token=secret</html>");
    let expected = "the answer is not that of a kube-apiserver: the list can't be read at line 1 column 1";
    assert_eq!(conversation.observed().await, unreachable(expected));
    conversation.asked_for_list().await.open_with(StatusCode::BAD_GATEWAY).send("<html>token=secret</html>");
    assert_eq!(conversation.observed().await, unreachable("kube-apiserver answered 502: Bad Gateway"));
    let _watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    conversation.ends(limits::SILENCE / 2).await;
}
