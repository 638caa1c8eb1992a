use std::collections::BTreeSet;
use std::string::ToString as _;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::aws_auth::{Section, read_section};
use crate::mapping::{Backend, RolePaths, Snapshot, resolve};
use crate::ports::Instance;
use crate::testing::identity;

fn id(number: usize) -> InstanceId {
    std::format!("i-{number:017x}").parse().unwrap()
}

fn instance(id: &InstanceId, name: &str) -> Instance {
    Instance {
        id: id.clone(),
        private_dns_name: Some(name.to_string()),
        account: Some("111122223333".parse().unwrap()),
        runs: true,
        profile: Some("arn:aws:iam::111122223333:instance-profile/node".parse().unwrap()),
    }
}

fn needed_by(username: &str, groups: &str, session: &str, verifies: bool) -> bool {
    let row = std::format!(
        "- {{rolearn: 'arn:aws:iam::111122223333:role/Node', username: '{username}', groups: [{groups}]}}"
    );
    let rows = read_section(Section::MapRoles, &row).unwrap();
    let snapshot = Snapshot::new(Backend::EksConfigMap, [&rows], RolePaths::Match);
    let identity = identity("arn:aws:sts::111122223333:assumed-role/Node/x", session);
    let needed = needed(&resolve([&snapshot], &identity), &identity, verifies);
    assert!(needed.as_ref().is_none_or(|id| id.as_str() == session));
    needed.is_some()
}

#[test]
fn an_instance_is_needed_for_its_name_or_to_be_verified() {
    const INSTANCE: &str = "i-0123456789abcdef0";
    for (username, groups, session, plain, verified) in [
        ("system:node:{{EC2PrivateDNSName}}", "g", INSTANCE, true, true),
        ("x", "'{{EC2PrivateDNSName}}'", INSTANCE, true, true),
        ("system:node:{{EC2PrivateDNSName}}", "g", "alice", false, false),
        ("system:node:{{SessionName}}", "g", INSTANCE, false, true),
        ("system:node:{{SessionNameRaw}}", "g", INSTANCE, false, true),
        ("system:node:{{SessionName}}", "g", "fargate-ip-10-0-0-1.ec2.internal", false, false),
        ("system:node:fixed", "g", INSTANCE, false, false),
        ("ops:{{SessionName}}", "g", INSTANCE, false, false),
    ] {
        assert_eq!(needed_by(username, groups, session, false), plain, "{username} {session}");
        assert_eq!(needed_by(username, groups, session, true), verified, "{username} {session}, verified");
    }
}

#[test]
fn an_instance_is_its_callers_only_if_everything_agrees() {
    let good = NodeInstance {
        name: "ip-10-0-0-1.ec2.internal".parse().unwrap(),
        account: Some("111122223333".parse().unwrap()),
        runs: true,
        profile: Some("arn:aws:iam::111122223333:instance-profile/node".parse().unwrap()),
    };
    let caller = identity("arn:aws:sts::111122223333:assumed-role/Node/x", "i-0123456789abcdef0");
    let mismatch = |instance: &NodeInstance, role: Option<&str>| {
        let role: Option<Arn> = role.map(|role| role.parse().unwrap());
        let profile = profile_to_check(&id(1), instance, &caller);
        match profile.and_then(|_| check_role(&id(1), role.as_ref(), &caller)) {
            Ok(()) => None,
            Err(error) => {
                assert_eq!(Reason::from(&error), Reason::NodeRoleMismatch);
                let NodeError::Foreign(_, mismatch) = error else { panic!("{error}") };
                Some(mismatch)
            }
        }
    };
    const ROLE: &str = "arn:aws:iam::111122223333:role/a/path/node";
    assert_eq!(mismatch(&good, Some(ROLE)), None);
    assert_eq!(mismatch(&NodeInstance { runs: false, ..good.clone() }, Some(ROLE)), Some(Mismatch::Stopped));
    for account in [None, Some("444455556666".parse().unwrap())] {
        assert_eq!(mismatch(&NodeInstance { account, ..good.clone() }, Some(ROLE)), Some(Mismatch::Account));
    }
    let profile = Some("arn:aws:iam::444455556666:instance-profile/node".parse().unwrap());
    assert_eq!(mismatch(&NodeInstance { profile, ..good.clone() }, Some(ROLE)), Some(Mismatch::Account));
    assert_eq!(mismatch(&NodeInstance { profile: None, ..good.clone() }, Some(ROLE)), Some(Mismatch::NoRole));
    assert_eq!(mismatch(&good, None), Some(Mismatch::NoRole));
    for other in [
        "arn:aws:iam::111122223333:role/Other",
        "arn:aws:iam::444455556666:role/Node",
        "arn:aws-cn:iam::111122223333:role/Node",
        "arn:aws:iam::111122223333:user/Node",
    ] {
        assert_eq!(mismatch(&good, Some(other)), Some(Mismatch::Role(other.to_string())), "{other}");
    }
}

fn fates(concluded: &Concluded) -> Vec<&Fate> {
    concluded.fates.iter().map(|(_, fate)| fate).collect()
}

#[test]
fn an_answer_gives_each_instance_its_fate() {
    let (ended, nameless) = (
        Instance { private_dns_name: None, runs: false, ..instance(&id(3), "") },
        Instance { private_dns_name: None, ..instance(&id(4), "") },
    );
    let answer = vec![instance(&id(1), "a.b"), instance(&id(2), "a b"), ended, nameless, instance(&id(6), "not.asked")];
    let concluded = conclude((1..=5).map(id).collect(), Ok(answer));
    assert!(concluded.parts.is_empty());
    assert!(
        matches!(
            fates(&concluded)[..],
            [
                Fate::Found(NodeInstance { .. }),
                Fate::Refused(NodeError::Name(..)),
                Fate::Refused(NodeError::Ended(_)),
                Fate::Missing(NodeError::Nameless(_)),
                Fate::Missing(NodeError::Unknown(_)),
            ]
        ),
        "{concluded:?}"
    );
    // An empty text is no name either, whoever delivers it.
    let empty = conclude(vec![id(1)], Ok(vec![instance(&id(1), "")]));
    assert!(matches!(fates(&empty)[..], [Fate::Missing(NodeError::Nameless(_))]));
}

#[test]
fn failures_are_final_where_asking_again_would_change_nothing() {
    let of = |failure| conclude(vec![id(1), id(2)], Err(failure));
    let unasked = |passing| AwsFailure::Unasked { told: "u".into(), passing };
    for failure in [
        AwsFailure::Throttled("t".into()),
        AwsFailure::Unavailable("u".into()),
        AwsFailure::Expired("e".into()),
        unasked(true),
    ] {
        let concluded = of(failure.clone());
        assert_eq!(fates(&concluded), [&Fate::Failed(failure.clone()), &Fate::Failed(failure)]);
    }
    for failure in [AwsFailure::Denied("d".into()), unasked(false)] {
        let refused = of(failure);
        let is_final = refused.fates.iter().all(|(_, fate)| matches!(fate, Fate::Refused(NodeError::Aws(..))));
        assert!(is_final && refused.fates.len() == 2);
    }
    // Whose fault a refusal is shows once each is asked about alone.
    assert_eq!(of(AwsFailure::Refused("r".into())).parts, [vec![id(1)], vec![id(2)]]);
    let alone = conclude(vec![id(1)], Err(AwsFailure::Refused("r".into())));
    assert!(matches!(fates(&alone)[..], [Fate::Refused(NodeError::Aws(..))]));
}

/// EC2 as it answers: for all or for none. `names` says how many of the unknown ones
/// it names.
fn ec2(asked: &[InstanceId], unknown: &BTreeSet<InstanceId>, names: usize) -> Result<Vec<Instance>, AwsFailure> {
    let bad: Vec<_> = asked.iter().filter(|id| unknown.contains(id)).cloned().collect();
    if bad.is_empty() {
        return Ok(asked.iter().map(|id| instance(id, "a.b")).collect());
    }
    Err(AwsFailure::UnknownInstances(bad.into_iter().take(names).collect()))
}

proptest! {
    /// However many are bad and however EC2 names them: all good ones are found, all
    /// bad ones missed, each once, and the calls come to an end.
    #[test]
    fn no_bad_instance_hides_a_good_one(
        count in 1_usize..=100,
        unknown in prop::collection::btree_set(0_usize..100, 0..12),
        names in 0_usize..4,
    ) {
        let unknown: BTreeSet<_> = unknown.into_iter().filter(|number| *number < count).map(id).collect();
        let mut calls = vec![(0..count).map(id).collect::<Vec<_>>()];
        let (mut found, mut missing, mut number) = (BTreeSet::new(), BTreeSet::new(), 0);
        while let Some(asked) = calls.pop() {
            number += 1;
            let answer = ec2(&asked, &unknown, names);
            let Concluded { fates, parts } = conclude(asked.clone(), answer);
            let of_parts = parts.iter().flatten();
            let all: BTreeSet<_> = fates.iter().map(|(id, _)| id).chain(of_parts).cloned().collect();
            prop_assert_eq!(fates.len() + parts.iter().map(Vec::len).sum::<usize>(), asked.len());
            prop_assert_eq!(all, asked.iter().cloned().collect::<BTreeSet<_>>());
            prop_assert!(parts.iter().all(|part| !part.is_empty() && part.len() < asked.len()));
            for (id, fate) in fates {
                let fresh = match fate { Fate::Found(_) => found.insert(id), _ => missing.insert(id) };
                prop_assert!(fresh);
            }
            calls.extend(parts);
        }
        prop_assert_eq!(&missing, &unknown);
        prop_assert_eq!(found.len() + missing.len(), count);
        // One more call for each bad one that is named; seven levels of halves else.
        prop_assert!(number <= 1 + unknown.len() * if names > 0 { 1 } else { 14 }, "{} calls", number);
    }
}
