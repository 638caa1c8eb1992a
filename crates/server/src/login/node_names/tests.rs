mod scripted_ec2;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kube_iam_core::identity::UserId;
use kube_iam_core::node_instance::Mismatch;
use kube_iam_core::partition::StsHosts;
use tokio::task::JoinSet;

use super::*;
use scripted_ec2::{AccountBucket, PROFILE, ScriptedEc2, id, instance};

fn settings() -> Settings {
    Settings::new("my-cluster".parse().unwrap(), "/nonexistent")
}

fn caller(role: &str, session: &InstanceId) -> Identity {
    let arn: kube_iam_core::arn::Arn =
        format!("arn:aws:sts::111122223333:assumed-role/{role}/{session}").parse().unwrap();
    let (user_id, session_name) = UserId::parse(&format!("AROANODE:{session}"), arn.kind(), arn.account()).unwrap();
    Identity {
        key: arn.canonical().key(),
        canonical: arn.canonical(),
        account: arn.account(),
        sts_host: StsHosts::of(arn.partition()).iter().next().unwrap().clone(),
        arn,
        user_id,
        session_name,
        access_key_id: "ASIAIOSFODNN7EXAMPLE".parse().unwrap(),
    }
}

/// Look-ups with their task, and a scripted EC2 behind them.
struct Stage {
    names: Arc<NodeNames>,
    ec2: Arc<ScriptedEc2>,
}

impl Stage {
    fn new(ec2: Arc<ScriptedEc2>) -> Self {
        Self::with(ec2, |_| {})
    }

    fn with(ec2: Arc<ScriptedEc2>, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings();
        change(&mut settings);
        let port: Arc<dyn Instances> = Arc::clone(&ec2) as _;
        let (names, dispatcher) = NodeNames::new(&settings, port, Arc::new(Metrics::new()));
        tokio::spawn(dispatcher.run());
        Self { names: Arc::new(names), ec2 }
    }

    async fn look_up(&self, id: &InstanceId) -> Outcome {
        look_up(&self.names, "Node", id).await
    }

    async fn reason(&self, id: &InstanceId) -> Option<Reason> {
        self.look_up(id).await.err().map(|error| error.reason())
    }

    fn calls(&self) -> usize {
        self.ec2.calls().len()
    }
}

async fn look_up(names: &NodeNames, role: &str, id: &InstanceId) -> Outcome {
    names.look_up(id, &caller(role, id), Instant::now() + limits::REQUEST).await
}

/// Nodes log in, each `gap` after the one before; how long the slowest took.
async fn storm(stage: &Stage, nodes: usize, gap: Duration) -> Duration {
    let mut logins = JoinSet::new();
    for node in 0..nodes {
        let names = Arc::clone(&stage.names);
        logins.spawn(async move {
            tokio::time::sleep(gap * node as u32).await;
            let began = Instant::now();
            let found = look_up(&names, "Node", &id(node)).await;
            let found = found.unwrap_or_else(|error| panic!("node {node}: {}", crate::log_text::chain(&error)));
            assert_eq!(found.name.as_str(), format!("{}.ec2.internal", id(node)));
            began.elapsed()
        });
    }
    logins.join_all().await.into_iter().max().unwrap()
}

fn bucketed(latency: u64, level: f64) -> Arc<ScriptedEc2> {
    let bucket = AccountBucket::holding(level);
    ScriptedEc2::new(Duration::from_millis(latency), move |asked| {
        bucket.admit(asked.since)?;
        Ok(asked.ids.iter().map(instance).collect())
    })
}

/// The storm of the requirements: 1,000 nodes within ten seconds.
#[tokio::test(start_paused = true)]
async fn a_thousand_nodes_in_ten_seconds_are_few_calls() {
    for latency in [1, 150, 1000] {
        let stage = Stage::new(bucketed(latency, 100.0));
        let worst = storm(&stage, 1000, Duration::from_millis(10)).await;
        assert!(stage.calls() <= 60, "{} calls at {latency} ms", stage.calls());
        assert!(worst < Duration::from_secs(5), "{worst:?} at {latency} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_nodes_at_once_are_few_calls() {
    let stage = Stage::new(bucketed(300, 100.0));
    let worst = storm(&stage, 1000, Duration::ZERO).await;
    assert!(stage.calls() <= 12, "{} calls", stage.calls());
    assert!(worst < Duration::from_secs(5), "{worst:?}");
}

/// Others of the account have emptied the bucket, and EC2 is slow to know new nodes.
#[tokio::test(start_paused = true)]
async fn a_storm_is_served_where_ec2_throttles_and_lags() {
    let bucket = AccountBucket::holding(0.0);
    let ec2 = ScriptedEc2::new(Duration::from_millis(100), move |asked| {
        bucket.admit(asked.since)?;
        let late: Vec<_> = asked
            .ids
            .iter()
            .filter(|id| {
                let number = usize::from_str_radix(&id.as_str()[2..], 16).unwrap();
                number % 20 == 0 && asked.since < Duration::from_millis(10 * number as u64 + 800)
            })
            .cloned()
            .collect();
        if late.is_empty() {
            Ok(asked.ids.iter().map(instance).collect())
        } else {
            Err(AwsFailure::UnknownInstances(late))
        }
    });
    let stage = Stage::new(ec2);
    let worst = storm(&stage, 1000, Duration::from_millis(10)).await;
    assert!(worst < Duration::from_secs(5), "{worst:?}");
    // Refused calls come on top: still fewer than EC2 bears.
    assert!(stage.calls() <= 150, "{} calls", stage.calls());
}

#[tokio::test(start_paused = true)]
async fn one_look_up_serves_all_who_wait_and_all_who_come() {
    let stage = Stage::new(ScriptedEc2::knowing());
    let mut logins = JoinSet::new();
    for _ in 0..100 {
        let names = Arc::clone(&stage.names);
        logins.spawn(async move { look_up(&names, "Node", &id(1)).await.unwrap().name.to_string() });
    }
    assert_eq!(logins.join_all().await, vec![format!("{}.ec2.internal", id(1)); 100]);
    stage.look_up(&id(1)).await.unwrap();
    assert_eq!(stage.ec2.calls(), [[id(1)]]);
}

/// Two defects of the Go authenticator: one bad ID failed its whole batch, and stayed
/// in flight for ever.
#[tokio::test(start_paused = true)]
async fn bad_instances_keep_no_good_one_out() {
    for names_them in [true, false] {
        let ec2 = ScriptedEc2::new(Duration::from_millis(100), move |asked| {
            let bad: Vec<_> = asked.ids.iter().filter(|asked| [id(3), id(70)].contains(asked)).cloned().collect();
            match bad.is_empty() {
                true => Ok(asked.ids.iter().map(instance).collect()),
                false => Err(AwsFailure::UnknownInstances(if names_them { bad } else { Vec::new() })),
            }
        });
        let stage = Stage::new(ec2);
        let mut logins = JoinSet::new();
        for node in 0..100 {
            let names = Arc::clone(&stage.names);
            logins.spawn(async move {
                let began = Instant::now();
                (node, look_up(&names, "Node", &id(node)).await.map_err(|error| error.reason()), began.elapsed())
            });
        }
        for (node, found, took) in logins.join_all().await {
            if [3, 70].contains(&node) {
                assert_eq!(found.unwrap_err(), Reason::NodeLookup);
            } else {
                assert!(found.is_ok() && took < Duration::from_secs(3), "{node}: {found:?} after {took:?}");
            }
        }
        // They are looked up afresh each time, and others are not held up by them.
        assert_eq!(stage.reason(&id(3)).await, Some(Reason::NodeLookup));
        assert!(stage.look_up(&id(200)).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_comes_late_is_waited_for_and_never_taken_for_empty() {
    let nameless = |asked: &scripted_ec2::Asked<'_>, until: usize, name: Option<&str>| {
        let mut instance = instance(&asked.ids[0]);
        if asked.number < until {
            instance.private_dns_name = name.map(str::to_owned);
        }
        Ok(vec![instance])
    };
    for name in [None, Some("")] {
        let stage = Stage::new(ScriptedEc2::new(Duration::ZERO, move |asked| nameless(asked, 2, name)));
        assert_eq!(stage.look_up(&id(1)).await.unwrap().name.as_str(), format!("{}.ec2.internal", id(1)));
        assert_eq!(stage.calls(), 3);
        // One that never comes is a no, each time anew, until it is there.
        let stage = Stage::new(ScriptedEc2::new(Duration::ZERO, move |asked| nameless(asked, 6, name)));
        assert_eq!(stage.reason(&id(1)).await, Some(Reason::NodeLookup));
        assert_eq!(stage.calls(), 4);
        assert!(stage.look_up(&id(1)).await.is_ok());
        assert_eq!(stage.calls(), 7);
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_ec2_does_not_know_yet_is_asked_about_again() {
    let ec2 = ScriptedEc2::new(Duration::from_millis(50), |asked| match asked.number {
        // Both forms in which EC2 does not know it.
        0 => Err(AwsFailure::UnknownInstances(asked.ids.to_vec())),
        1 => Ok(Vec::new()),
        _ => Ok(asked.ids.iter().map(instance).collect()),
    });
    let stage = Stage::new(ec2);
    assert!(stage.look_up(&id(1)).await.is_ok());
    assert_eq!(stage.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn ids_that_ec2_never_gives_are_not_asked_about() {
    let stage = Stage::new(ScriptedEc2::knowing());
    assert_eq!(stage.reason(&"i-zzzzzzzz".parse().unwrap()).await, Some(Reason::NodeLookup));
    assert_eq!(stage.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn failures_have_their_reasons_in_time() {
    for (failure, reason, calls) in [
        (AwsFailure::Denied("UnauthorizedOperation".to_owned()), Reason::NodeLookup, 1),
        (AwsFailure::Refused("what".to_owned()), Reason::NodeLookup, 1),
        (AwsFailure::Throttled("RequestLimitExceeded".to_owned()), Reason::Ec2Throttled, 2),
        (AwsFailure::Unavailable("connection refused".to_owned()), Reason::Ec2Unavailable, 2),
    ] {
        let ec2 = ScriptedEc2::new(Duration::from_millis(10), move |_| Err(failure.clone()));
        let stage = Stage::new(ec2);
        let began = Instant::now();
        assert_eq!(stage.reason(&id(1)).await, Some(reason));
        assert!(began.elapsed() < limits::REQUEST && stage.calls() >= calls, "{:?}", began.elapsed());
        assert!(calls == 2 || stage.calls() == 1, "{} calls", stage.calls());
    }
}

#[tokio::test(start_paused = true)]
async fn ec2_that_hangs_is_answered_in_time() {
    let stage = Stage::new(ScriptedEc2::new(Duration::from_secs(3600), |_| Ok(Vec::new())));
    let began = Instant::now();
    assert_eq!(stage.reason(&id(1)).await, Some(Reason::Ec2Unavailable));
    assert!(began.elapsed() <= limits::NODE_LOOK_UP + Duration::from_millis(1), "{:?}", began.elapsed());
    // The time of the request counts too.
    let deadline = Instant::now() + Duration::from_secs(1);
    let error = stage.names.look_up(&id(2), &caller("Node", &id(2)), deadline).await.unwrap_err();
    assert!(matches!(error, LookUpError::Deadline(_)) && error.reason() == Reason::Ec2Unavailable);
}

#[tokio::test(start_paused = true)]
async fn ec2_that_comes_back_is_used_at_once() {
    let ec2 = ScriptedEc2::new(Duration::from_millis(10), |asked| match asked.number {
        0..=1 => Err(AwsFailure::Unavailable("503".to_owned())),
        _ => Ok(asked.ids.iter().map(instance).collect()),
    });
    let stage = Stage::new(ec2);
    assert!(stage.look_up(&id(1)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_first_may_leave() {
    let stage =
        Stage::new(ScriptedEc2::new(Duration::from_secs(1), |asked| Ok(asked.ids.iter().map(instance).collect())));
    let first = {
        let names = Arc::clone(&stage.names);
        tokio::spawn(async move { look_up(&names, "Node", &id(1)).await })
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.calls(), 1);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert!(stage.look_up(&id(1)).await.is_ok());
    assert_eq!(stage.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_bounded() {
    let hang = || ScriptedEc2::new(Duration::from_secs(2), |asked| Ok(asked.ids.iter().map(instance).collect()));
    for same in [true, false] {
        let stage = Stage::with(hang(), |settings| settings.limits.waiting = 3);
        let mut logins = JoinSet::new();
        for node in 0..4 {
            let (names, id) = (Arc::clone(&stage.names), id(if same { 0 } else { node }));
            logins.spawn(async move { look_up(&names, "Node", &id).await.err().map(|error| error.reason()) });
        }
        let mut reasons = logins.join_all().await;
        reasons.sort_by_key(Option::is_some);
        assert_eq!(reasons, [None, None, None, Some(Reason::Overloaded)]);
        // Whoever has an answer makes room.
        assert!(stage.look_up(&id(9)).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn abandoned_look_ups_are_bounded_too() {
    let stage = Stage::with(ScriptedEc2::new(Duration::from_secs(3600), |_| Ok(Vec::new())), |settings| {
        settings.limits.waiting = 3;
        settings.limits.ec2_call = Duration::from_secs(3600);
    });
    let brief = |node: usize| {
        let names = Arc::clone(&stage.names);
        async move {
            let deadline = Instant::now() + Duration::from_millis(100);
            names.look_up(&id(node), &caller("Node", &id(node)), deadline).await.unwrap_err().reason()
        }
    };
    for node in 0..3 {
        assert_eq!(brief(node).await, Reason::Ec2Unavailable);
    }
    assert_eq!(brief(3).await, Reason::Overloaded);
    // They end by themselves.
    tokio::time::sleep(limits::NODE_LOOK_UP).await;
    assert_eq!(brief(4).await, Reason::Ec2Unavailable);
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_is_bounded() {
    let stage = Stage::with(ScriptedEc2::knowing(), |settings| settings.limits.nodes = 10);
    for node in 0..11 {
        stage.look_up(&id(node)).await.unwrap();
    }
    assert_eq!((stage.calls(), stage.names.shared.known().len()), (11, 10));
    stage.look_up(&id(10)).await.unwrap();
    stage.look_up(&id(1)).await.unwrap();
    assert_eq!(stage.calls(), 11);
    stage.look_up(&id(0)).await.unwrap();
    assert_eq!(stage.calls(), 12);
}

/// Names are renewed in passing; while EC2 is away they stay for a day.
#[tokio::test(start_paused = true)]
async fn an_outage_of_ec2_keeps_no_known_node_out() {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let ec2 = ScriptedEc2::new(Duration::from_millis(10), move |asked| match is_down.load(Ordering::Relaxed) {
        true => Err(AwsFailure::Unavailable("503".to_owned())),
        false => Ok(asked.ids.iter().map(instance).collect()),
    });
    let stage = Stage::new(ec2);
    stage.look_up(&id(1)).await.unwrap();
    tokio::time::sleep(limits::NODE_FRESH).await;
    let began = Instant::now();
    stage.look_up(&id(1)).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.calls(), 2);
    down.store(true, Ordering::Relaxed);
    tokio::time::sleep(limits::NODE_KEPT - Duration::from_secs(2)).await;
    assert!(stage.look_up(&id(1)).await.is_ok());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(stage.reason(&id(1)).await, Some(Reason::Ec2Unavailable));
}

/// An instance that was ended is forgotten as soon as EC2 says so.
#[tokio::test(start_paused = true)]
async fn an_ended_instance_is_forgotten() {
    let ec2 = ScriptedEc2::new(Duration::ZERO, |asked| {
        let mut instance = instance(&asked.ids[0]);
        if asked.number > 0 {
            (instance.private_dns_name, instance.runs) = (None, false);
        }
        Ok(vec![instance])
    });
    let stage = Stage::new(ec2);
    stage.look_up(&id(1)).await.unwrap();
    tokio::time::sleep(limits::NODE_FRESH).await;
    stage.look_up(&id(1)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(stage.reason(&id(1)).await, Some(Reason::NodeLookup));
    // It is not asked about again while somebody waits: it has no name any more.
    assert_eq!(stage.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_the_port_ends_its_own_look_ups_only() {
    let ec2 = ScriptedEc2::new(Duration::ZERO, |asked| match asked.number {
        1 => panic!("the scripted EC2 panics on purpose"),
        _ => Ok(asked.ids.iter().map(instance).collect()),
    });
    let stage = Stage::new(ec2);
    assert!(stage.look_up(&id(1)).await.is_ok());
    assert_eq!(stage.reason(&id(2)).await, Some(Reason::Internal));
    assert!(stage.look_up(&id(2)).await.is_ok());
}

fn verifying(ec2: Arc<ScriptedEc2>) -> Stage {
    Stage::with(ec2, |settings| settings.verify_node_instance = true)
}

fn mismatch(found: Outcome) -> Mismatch {
    let Err(LookUpError::Node(error)) = found else { panic!("{found:?}") };
    assert_eq!(Reason::from(error.as_ref()), Reason::NodeRoleMismatch);
    let NodeError::Foreign(_, mismatch) = error.as_ref() else { panic!("{error}") };
    mismatch.clone()
}

/// S14: whoever may assume a node's role can name any instance by the session.
#[tokio::test(start_paused = true)]
async fn only_the_role_of_the_instance_gets_its_name() {
    let stage = verifying(ScriptedEc2::knowing());
    stage.look_up(&id(1)).await.unwrap();
    stage.look_up(&id(2)).await.unwrap();
    // The role of the profile both have is asked for once.
    assert_eq!(*stage.ec2.role_calls.lock().unwrap(), 1);
    let role = mismatch(look_up(&stage.names, "Other", &id(1)).await);
    assert_eq!(role, Mismatch::Role("arn:aws:iam::111122223333:role/Node".to_owned()));
    // What was just learned is not asked for again by whoever is turned away.
    assert_eq!((stage.calls(), *stage.ec2.role_calls.lock().unwrap()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn foreign_and_stopped_instances_are_denied() {
    let of = |change: fn(&mut kube_iam_core::ports::Instance)| {
        verifying(ScriptedEc2::new(Duration::from_millis(10), move |asked| {
            let mut all: Vec<_> = asked.ids.iter().map(instance).collect();
            all.iter_mut().for_each(change);
            Ok(all)
        }))
    };
    let stopped = of(|instance| instance.runs = false);
    assert_eq!(mismatch(stopped.look_up(&id(1)).await), Mismatch::Stopped);
    let elsewhere = of(|instance| instance.account = Some("444455556666".parse().unwrap()));
    assert_eq!(mismatch(elsewhere.look_up(&id(1)).await), Mismatch::Account);
    let bare = of(|instance| instance.profile = None);
    assert_eq!(mismatch(bare.look_up(&id(1)).await), Mismatch::NoRole);
    let empty = of(|instance| instance.profile = Some(format!("{PROFILE}-empty").parse().unwrap()));
    assert_eq!(mismatch(empty.look_up(&id(1)).await), Mismatch::NoRole);
    // Where nobody asks for it, nothing is verified.
    let lax = Stage::new(ScriptedEc2::knowing());
    assert!(look_up(&lax.names, "Other", &id(1)).await.is_ok());
    assert_eq!(*lax.ec2.role_calls.lock().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_was_attached_later_counts_soon() {
    let bare = Arc::new(AtomicBool::new(true));
    let is_bare = Arc::clone(&bare);
    let stage = verifying(ScriptedEc2::new(Duration::from_millis(10), move |asked| {
        let mut instance = instance(&asked.ids[0]);
        if is_bare.load(Ordering::Relaxed) {
            instance.profile = None;
        }
        Ok(vec![instance])
    }));
    assert_eq!(mismatch(stage.look_up(&id(1)).await), Mismatch::NoRole);
    bare.store(false, Ordering::Relaxed);
    tokio::time::sleep(limits::JUST_NOW).await;
    assert!(stage.look_up(&id(1)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn iam_that_fails_verifies_nobody() {
    for (failure, reason, calls) in [
        (AwsFailure::Denied("AccessDenied".to_owned()), Reason::NodeLookup, 1),
        (AwsFailure::Throttled("Throttling".to_owned()), Reason::Ec2Throttled, 3),
        (AwsFailure::Unavailable("503".to_owned()), Reason::Ec2Unavailable, 3),
    ] {
        let stage = verifying(ScriptedEc2::knowing());
        stage.ec2.roles.lock().unwrap().insert(PROFILE.parse().unwrap(), Err(failure));
        assert_eq!(stage.reason(&id(1)).await, Some(reason));
        assert_eq!(*stage.ec2.role_calls.lock().unwrap(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_to_iam_are_bounded() {
    for (profiles, refused) in [(limits::PROFILES_IN_FLIGHT, 0), (limits::PROFILES_IN_FLIGHT + 1, 1)] {
        let stage = verifying(ScriptedEc2::new(Duration::from_millis(100), |asked| {
            let of_its_own = |id: &InstanceId| kube_iam_core::ports::Instance {
                profile: Some(format!("{PROFILE}-{id}").parse().unwrap()),
                ..instance(id)
            };
            Ok(asked.ids.iter().map(of_its_own).collect())
        }));
        let (mut logins, moment) = (JoinSet::new(), Instant::now() + Duration::from_secs(5));
        for node in 0..profiles {
            let names = Arc::clone(&stage.names);
            logins.spawn(async move {
                // All come to IAM in one moment.
                names.instance(&id(node), Look::Remembered, Instant::now() + limits::REQUEST).await.unwrap();
                tokio::time::sleep_until(moment).await;
                look_up(&names, "Node", &id(node)).await.unwrap_err().reason()
            });
        }
        let reasons = logins.join_all().await;
        let overloaded = reasons.iter().filter(|reason| **reason == Reason::Overloaded).count();
        let denied = reasons.iter().filter(|reason| **reason == Reason::NodeRoleMismatch).count();
        assert_eq!((overloaded, denied), (refused, limits::PROFILES_IN_FLIGHT), "{reasons:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_ended_instance_is_verified_for_minutes_only() {
    let ended = Arc::new(AtomicBool::new(false));
    let is_ended = Arc::clone(&ended);
    let stage = verifying(ScriptedEc2::new(Duration::from_millis(10), move |asked| {
        let mut instance = instance(&asked.ids[0]);
        instance.runs = !is_ended.load(Ordering::Relaxed);
        Ok(vec![instance])
    }));
    stage.look_up(&id(1)).await.unwrap();
    ended.store(true, Ordering::Relaxed);
    tokio::time::sleep(limits::VERIFIED_NODE_KEPT).await;
    assert_eq!(mismatch(stage.look_up(&id(1)).await), Mismatch::Stopped);
}

#[tokio::test(start_paused = true)]
async fn calls_are_about_each_instance_once() {
    let stage =
        Stage::new(ScriptedEc2::new(Duration::from_millis(700), |asked| Ok(asked.ids.iter().map(instance).collect())));
    storm(&stage, 300, Duration::from_millis(7)).await;
    let calls = stage.ec2.calls();
    let all: Vec<_> = calls.iter().flatten().collect();
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (300, 300));
}
