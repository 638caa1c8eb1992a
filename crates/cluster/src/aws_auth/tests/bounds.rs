//! Bounds in time and size, each at its limit and past it.

use super::*;

const MOMENT: Duration = Duration::from_millis(10);

/// aws-auth as JSON that is `length` bytes long.
fn aws_auth_of(length: usize, wrap: impl Fn(&Value) -> String) -> String {
    let rest = wrap(&aws_auth("5", &users(""))).len();
    let text = wrap(&aws_auth("5", &users(&"x".repeat(length - rest))));
    assert_eq!(text.len(), length);
    text
}

#[tokio::test(start_paused = true)]
async fn a_list_has_its_longest() {
    let listed = |object: &Value| list("10", std::slice::from_ref(object)).to_string();
    let mut conversation = Conversation::start();
    conversation.asked_for_list().await.open().send(&aws_auth_of(limits::OBJECT_BYTES + 1, listed));
    assert_eq!(conversation.observed().await, unreachable("aws-auth is longer than 3145728 bytes"));
    conversation.asked_for_list().await.open().send(&aws_auth_of(limits::OBJECT_BYTES, listed));
    assert!(matches!(conversation.observed().await, Observation::Present { .. }));
    let _watch = conversation.asked_for_watch("10").await.open();
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_has_its_longest() {
    let event = |object: &Value| line("MODIFIED", object);
    let mut conversation = Conversation::start();
    let watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    // The line feed is not part of it.
    let longest = aws_auth_of(limits::OBJECT_BYTES + 1, event);
    watch.send(&longest);
    assert!(matches!(conversation.observed().await, Observation::Present { .. }));
    // One that goes past it is not waited for.
    let start = Instant::now();
    watch.send(longest.trim_end());
    watch.send(" ");
    let _watch = conversation.round(&[]).await;
    assert!(start.elapsed() < limits::SILENCE);
    assert_eq!(conversation.observed().await, Observation::Absent);
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn messages_of_others_are_cut() {
    let mut conversation = Conversation::start();
    conversation.asked_for_list().await.refuse(StatusCode::FORBIDDEN, &"no\n".repeat(10_000));
    let Observation::Unreachable(text) = conversation.observed().await else { panic!("it was refused") };
    assert!(text.chars().count() < limits::ERROR_CHARS + 50 && !text.contains('\n'), "{text}");
    // And no more of an answer is read than an error needs.
    let endless = conversation.asked_for_list().await.open_with(StatusCode::BAD_GATEWAY);
    endless.send(&"x".repeat(limits::STATUS_BYTES + 1));
    let _watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_waited_for_so_long() {
    let timeout = unreachable("kube-apiserver did not answer within 10 s");
    let mut conversation = Conversation::start();
    let silent = conversation.asked_for_list().await;
    let start = silent.at;
    assert_eq!(conversation.observed().await, timeout);
    assert_eq!(start.elapsed(), limits::ANSWER);
    // A body that never ends is no answer either: the connection may be half-open.
    let begun = conversation.asked_for_list().await.open();
    begun.send("{");
    // Just in time.
    let asked = conversation.asked_for_list().await;
    tokio::time::sleep(limits::ANSWER - MOMENT).await;
    asked.answer(&list("10", &[]));
    assert_eq!(conversation.observed().await, Observation::Absent);
    let _silent = conversation.asked_for_watch("10").await;
    assert_eq!(conversation.observed().await, timeout);
    let _watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_watch_is_given_up() {
    let mut conversation = Conversation::start();
    let watch = conversation.round(&[aws_auth("5", &users("a"))]).await;
    assert_eq!(conversation.observed().await, shows("5", &[("mapUsers", "a")]));
    let start = Instant::now();
    tokio::time::sleep(limits::SILENCE - MOMENT).await;
    watch.event("BOOKMARK", &bookmark("11"));
    // Half-open from here on. Meanwhile the object was deleted.
    let asked = conversation.asked_for_list().await;
    let expected = limits::SILENCE * 2 - MOMENT + limits::PAUSE;
    assert!((expected..expected + limits::PAUSE).contains(&start.elapsed()), "{:?}", start.elapsed());
    asked.answer(&list("20", &[]));
    assert_eq!(conversation.observed().await, Observation::Absent);
    let _watch = conversation.asked_for_watch("20").await.open();
    conversation.ends(limits::SILENCE / 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_lively_watch_ends_in_time_for_the_next_list() {
    let mut conversation = Conversation::start();
    let watch = conversation.round(&[]).await;
    assert_eq!(conversation.observed().await, Observation::Absent);
    let start = Instant::now();
    tokio::spawn(async move {
        // A server that forgets to end the watch as it was asked to.
        while watch.0.unbounded_send(Ok(Frame::data(line("BOOKMARK", &bookmark("11")).into()))).is_ok() {
            tokio::time::sleep(limits::SILENCE / 3).await;
        }
    });
    let asked = conversation.asked_for_list().await;
    let earliest = limits::WATCH + limits::ANSWER + limits::PAUSE;
    let latest = earliest + limits::WATCH_JITTER + limits::PAUSE;
    assert!((earliest..latest).contains(&start.elapsed()), "{:?}", start.elapsed());
    asked.answer(&list("20", &[aws_auth("12", &users("a"))]));
    assert_eq!(conversation.observed().await, shows("12", &[("mapUsers", "a")]));
    let _watch = conversation.asked_for_watch("20").await.open();
    conversation.ends(limits::SILENCE / 2).await;
}
