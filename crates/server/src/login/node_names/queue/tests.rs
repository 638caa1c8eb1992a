use std::num::NonZeroU32;

use super::*;

fn id(number: usize) -> InstanceId {
    format!("i-{number:017x}").parse().unwrap()
}

fn ids(numbers: impl IntoIterator<Item = usize>) -> Vec<InstanceId> {
    numbers.into_iter().map(id).collect()
}

fn queue() -> Queue {
    let of = |number| NonZeroU32::new(number).unwrap();
    Queue::new(Bucket::new(of(15), of(5)))
}

fn called(next: Next) -> Batch {
    match next {
        Next::Call(batch) => batch,
        other => panic!("no call, but {other:?}"),
    }
}

fn call(queue: &mut Queue, now: Instant) -> Batch {
    called(queue.next(now, |_| true))
}

#[test]
fn the_first_goes_at_once_and_the_next_ones_together() {
    let (mut queue, now) = (queue(), Instant::now());
    assert_eq!(queue.next(now, |_| true), Next::Idle);
    queue.push(id(0));
    assert_eq!(call(&mut queue, now).ids, ids([0]));
    queue.push(id(1));
    queue.push(id(2));
    // Twice is once.
    queue.push(id(2));
    assert_eq!(queue.next(now, |_| true), Next::At(now + limits::EC2_SPACING));
    assert_eq!(call(&mut queue, now + limits::EC2_SPACING).ids, ids([1, 2]));
    assert_eq!(queue.len(), 0);
}

#[test]
fn a_full_call_waits_for_the_bucket_alone() {
    let (mut queue, now) = (queue(), Instant::now());
    (0..250).for_each(|number| queue.push(id(number)));
    assert_eq!(call(&mut queue, now).ids, ids(0..100));
    assert_eq!(call(&mut queue, now).ids, ids(100..200));
    assert_eq!(queue.next(now, |_| true), Next::At(now + limits::EC2_SPACING));
}

#[test]
fn calls_side_by_side_are_bounded() {
    let (mut queue, now) = (queue(), Instant::now());
    (0..1000).for_each(|number| queue.push(id(number)));
    for _ in 0..limits::EC2_CALLS {
        call(&mut queue, now);
    }
    assert_eq!(queue.next(now, |_| true), Next::Idle);
    queue.answered();
    call(&mut queue, now);
}

#[test]
fn the_rate_is_bounded() {
    let (mut queue, start) = (queue(), Instant::now());
    (0..10_000).for_each(|number| queue.push(id(number)));
    let (mut now, mut calls) = (start, 0);
    while now < start + Duration::from_secs(2) {
        match queue.next(now, |_| true) {
            Next::Call(_) => calls += 1,
            Next::At(at) => now = at,
            Next::Idle => panic!("something waits"),
        }
        queue.answered();
    }
    assert_eq!(calls, 5 + 2 * 15);
}

#[test]
fn what_nobody_wants_any_more_is_not_asked() {
    let (mut queue, now) = (queue(), Instant::now());
    (0..3).for_each(|number| queue.push(id(number)));
    queue.push_part(ids([7, 8]));
    assert_eq!(called(queue.next(now, |wanted| *wanted == id(1))).ids, ids([1]));
    assert_eq!((queue.len(), queue.next(now, |_| false)), (0, Next::Idle));
}

#[test]
fn unknown_ones_stay_apart_and_take_turns() {
    let (mut queue, now) = (queue(), Instant::now());
    let due = now + Duration::from_secs(1);
    queue.push_missing(id(90), due);
    queue.push_missing(id(91), due + Duration::from_secs(9));
    assert_eq!(queue.next(now, |_| true), Next::At(due));
    queue.push(id(0));
    assert_eq!(call(&mut queue, due).ids, ids([90]));
    assert_eq!(call(&mut queue, due + limits::EC2_SPACING).ids, ids([0]));
    queue.push(id(1));
    let late = due + Duration::from_secs(9);
    assert_eq!(call(&mut queue, late).ids, ids([91]));
    assert_eq!(call(&mut queue, late + limits::EC2_SPACING).ids, ids([1]));
}

#[test]
fn parts_of_a_refused_call_go_at_once_and_by_themselves() {
    let (mut queue, now) = (queue(), Instant::now());
    (0..3).for_each(|number| queue.push(id(number)));
    call(&mut queue, now);
    queue.answered();
    queue.push_part(ids([0]));
    queue.push_part(ids([1, 2]));
    assert_eq!(call(&mut queue, now).ids, ids([0]));
    assert_eq!(call(&mut queue, now).ids, ids([1, 2]));
}

#[test]
fn failures_put_back_and_wait_longer_each_time() {
    let (mut queue, mut now) = (queue(), Instant::now());
    queue.push(id(1));
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let batch = call(&mut queue, now);
        assert_eq!(batch.ids, ids([1]));
        queue.failed(batch, 1.0, now);
        let Next::At(at) = queue.next(now, |_| true) else { panic!("it waits") };
        pauses.push((at - now).as_millis());
        now = at;
    }
    assert_eq!(pauses, [500, 1000, 2000, 4000, 4000, 4000]);
    // Replicas do not come back together.
    call(&mut queue, now);
    queue.answered();
    queue.push(id(2));
    let now = now + limits::EC2_SPACING;
    let batch = call(&mut queue, now);
    queue.failed(batch, 0.0, now);
    assert_eq!(queue.next(now, |_| true), Next::At(now + limits::EC2_PAUSE / 2));
}

#[test]
fn calls_that_fail_together_count_once() {
    let (mut queue, now) = (queue(), Instant::now());
    (0..300).for_each(|number| queue.push(id(number)));
    let batches: Vec<_> = (0..3).map(|_| call(&mut queue, now)).collect();
    for batch in batches {
        queue.failed(batch, 1.0, now);
    }
    assert_eq!((queue.len(), queue.next(now, |_| true)), (300, Next::At(now + limits::EC2_PAUSE)));
}

#[test]
fn misses_have_an_end() {
    let pauses: Vec<_> = (1..).map_while(pause_after_miss).map(|pause| pause.as_millis()).collect();
    assert_eq!(pauses, [500, 1000, 2000]);
}
