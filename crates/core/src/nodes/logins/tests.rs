use std::borrow::ToOwned as _;
use std::format;
use std::string::ToString as _;

use proptest::collection::btree_map;
use proptest::prelude::*;

use super::record::Record;
use super::*;
use crate::testing::identity;

const NODE: &str = "ip-10-0-0-1.ec2.internal";
const INSTANCE: &str = "i-0123456789abcdef0";
/// The beginning of 2026.
const START: i64 = 1_767_225_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

fn session_of(account: &str, role: &str, session: &str) -> Identity {
    identity(&format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"), session)
}

fn session(name: &str) -> Identity {
    session_of("111122223333", "nodes", name)
}

fn username(node: &str) -> String {
    format!("system:node:{node}")
}

fn id(number: usize) -> String {
    format!("i-{number:017x}")
}

#[test]
fn logins_and_failed_tries_are_told_from_what_is_no_news() {
    let mut logins = NodeLogins::default();
    let denied = |logins: &mut NodeLogins, reason, seconds| logins.note_denied(&session(INSTANCE), reason, at(seconds));
    assert_eq!(denied(&mut logins, Reason::NotMapped, 0), Noted::News);
    assert_eq!(denied(&mut logins, Reason::NotMapped, 1), Noted::Time);
    assert_eq!(denied(&mut logins, Reason::NodeLookup, 2), Noted::News);
    let failed = logins.failed_try(INSTANCE).unwrap();
    assert_eq!((failed.at, failed.reason.as_str()), (at(2), "node_lookup_failed"));
    assert_eq!(failed.role.as_str(), "arn:aws:iam::111122223333:role/nodes");

    assert_eq!(logins.note_granted(&username(NODE), INSTANCE, at(3)), Noted::News);
    assert_eq!(logins.failed_tries().count(), 0);
    assert_eq!(logins.note_granted(&username(NODE), INSTANCE, at(5)), Noted::Time);
    assert_eq!(logins.note_granted(&username(NODE), INSTANCE, at(4)), Noted::Time, "the clock was set back");
    assert_eq!(logins.last_login(NODE), Some(at(5)));

    // A mapping that makes a person of an instance lets it in, too.
    denied(&mut logins, Reason::NotMapped, 6);
    assert_eq!(logins.note_granted("dev", INSTANCE, at(7)), Noted::News);
    assert_eq!(logins.note_granted("dev", "bob", at(7)), Noted::Nothing);
    assert_eq!((logins.last.len(), logins.failed.len()), (1, 0));
}

#[test]
fn only_machines_fail_and_only_names_of_nodes_are_kept() {
    let mut logins = NodeLogins::default();
    for stranger in ["bob", "", "i-ABCDEF12", "i-0123456", "mi-0123", "mi-0123456789abcdefg", "i-0123456789abcdef0x"] {
        assert_eq!(logins.note_denied(&session(stranger), Reason::NotMapped, at(0)), Noted::Nothing, "{stranger}");
    }
    let user = identity("arn:aws:iam::111122223333:user/i-0123456789abcdef0", "");
    assert_eq!(logins.note_denied(&user, Reason::NotMapped, at(0)), Noted::Nothing);
    for name in ["", "UPPER", "a b", "a\u{1b}[2J", &"n".repeat(limits::NODE_NAME_BYTES + 1)] {
        assert_eq!(logins.note_granted(&username(name), "x", at(0)), Noted::Nothing, "{name}");
    }
    assert_eq!(logins, NodeLogins::default());
    for machine in ["i-01234567", INSTANCE, "mi-0123456789abcdef0"] {
        assert_eq!(logins.note_denied(&session(machine), Reason::NotMapped, at(0)), Noted::News, "{machine}");
    }
    let longest = "n".repeat(limits::NODE_NAME_BYTES);
    assert_eq!(logins.note_granted(&username(&longest), "x", at(0)), Noted::News);
}

#[test]
fn the_oldest_logins_go_first() {
    let mut logins = NodeLogins::default();
    let name = |number: usize| format!("node-{number}");
    for number in 0..limits::NODE_LOGINS {
        logins.note_granted(&username(&name(number)), "x", at(number as i64));
    }
    logins.note_granted(&username(&name(0)), "x", at(10_000));
    assert_eq!(logins.last.len(), limits::NODE_LOGINS);
    logins.note_granted(&username("one-more"), "x", at(10_001));
    assert_eq!(logins.last.len(), limits::NODE_LOGINS);
    assert_eq!((logins.last_login(&name(1)), logins.last_login(&name(0))), (None, Some(at(10_000))));
    assert!(logins.last_login(&name(2)).is_some() && logins.last_login("one-more").is_some());
    logins.resume(seen("older", -1));
    logins.resume(seen("newer", 10_002));
    assert_eq!(logins.last.len(), limits::NODE_LOGINS);
    assert!(logins.last_login("older").is_none() && logins.last_login("newer").is_some());
}

/// Anybody who has a role of his own may call his sessions whatever he likes.
#[test]
fn no_account_pushes_out_the_tries_of_another() {
    let mut logins = NodeLogins::default();
    logins.note_denied(&session(INSTANCE), Reason::NotMapped, at(0));
    for number in 0..3 * limits::FAILED_TRIES {
        let stranger = session_of("444455556666", &format!("role-{number}"), &id(number));
        logins.note_denied(&stranger, Reason::NotMapped, at(1 + number as i64));
        assert!(logins.failed.len() <= limits::FAILED_TRIES);
    }
    assert_eq!(logins.failed.len(), limits::FAILED_TRIES);
    assert!(logins.failed_try(INSTANCE).is_some());
    let last = 3 * limits::FAILED_TRIES - 1;
    assert!(logins.failed_try(&id(last)).is_some());
    assert!(logins.failed_try(&id(last - limits::FAILED_TRIES + 1)).is_none(), "its own oldest made room");
    assert!(logins.failed_try(&id(last - limits::FAILED_TRIES + 2)).is_some());
}

#[test]
fn what_is_old_is_forgotten() {
    let mut logins = NodeLogins::default();
    logins.note_granted(&username(NODE), "x", at(0));
    logins.note_denied(&session(INSTANCE), Reason::NotMapped, at(0));
    let (login, failed) = (limits::NODE_LOGIN_KEPT.as_secs(), limits::FAILED_TRY_KEPT.as_secs());
    for (seconds, left) in [(failed, (1, 1)), (failed + 1, (1, 0)), (login, (1, 0)), (login + 1, (0, 0))] {
        logins.forget_old(at(seconds));
        assert_eq!((logins.last.len(), logins.failed.len()), left, "{seconds}");
    }
}

fn keys(records: &[(&str, &NodeLogins, i64)]) -> BTreeMap<String, String> {
    let key = |(key, logins, written): &(&str, &NodeLogins, i64)| {
        ((*key).to_owned(), logins.encode(at(*written), limits::STATUS_RECORD_BYTES))
    };
    records.iter().map(key).collect()
}

fn seen(node: &str, seconds: i64) -> NodeLogins {
    let mut logins = NodeLogins::default();
    logins.note_granted(&username(node), "x", at(seconds));
    logins
}

#[test]
fn of_what_replicas_tell_the_latest_counts_and_silence_does_not() {
    let (mut a, mut b, mut c) = (seen(NODE, 10), seen(NODE, 20), seen(NODE, 30));
    a.note_denied(&session(INSTANCE), Reason::NotMapped, at(102));
    b.note_denied(&session(INSTANCE), Reason::NodeLookup, at(101));
    c.note_granted(&username("other"), "x", at(5));
    let silence = limits::REPLICA_SILENCE.as_secs();
    let mut data = keys(&[("a", &a, 100), ("b", &b, 100), ("c", &c, 99)]);
    data.insert("note".to_owned(), "written by a person".to_owned());

    let all = published(&data, at(99 + silence));
    let logins = all.logins.unwrap();
    assert_eq!((logins.last_login(NODE), logins.last_login("other")), (Some(at(30)), Some(at(5))));
    assert_eq!(logins.failed_try(INSTANCE).unwrap().reason, "not_mapped");
    let unread: Vec<_> = all.unread.iter().map(|one| format!("{one}: {}", one.error)).collect();
    assert_eq!(unread, ["key `note` can't be read: it is no record of a server: expected value at line 1 column 1"]);

    let two = published(&data, at(100 + silence)).logins.unwrap();
    assert_eq!((two.last_login(NODE), two.last_login("other")), (Some(at(20)), None));
    assert_eq!(two.failed_tries().count(), 1);
    assert_eq!(published(&data, at(101 + silence)).logins, None, "nobody tells anything any more");
    assert_eq!(published(&BTreeMap::new(), at(0)), Published::default());
}

#[test]
fn a_replica_writes_its_own_key_and_removes_those_of_silent_ones() {
    let own: ReplicaName = "own".parse().unwrap();
    let silence = limits::REPLICA_SILENCE.as_secs();
    let mut data = keys(&[("own", &seen(NODE, 0), 0), ("gone", &seen(NODE, 0), 0), ("quiet", &seen(NODE, 0), 1)]);
    data.insert("later".to_owned(), format!(r#"{{"version":2,"written":{START},"more":[]}}"#));
    data.insert("note".to_owned(), "written by a person".to_owned());
    assert_eq!(restored(&data, &own), Ok(seen(NODE, 0)));
    assert_eq!(restored(&data, &"new".parse().unwrap()), Ok(NodeLogins::default()));
    assert!(restored(&data, &"note".parse().unwrap()).is_err());

    let now = at(1 + silence);
    let touched = publication(&data, &own, &seen(NODE, 7), now);
    let keys: Vec<_> = touched.iter().map(|(key, text)| (key.as_str(), text.is_some())).collect();
    assert_eq!(keys, [("gone", false), ("later", false), ("own", true)]);
    let record = Record::decode(touched["own"].as_ref().unwrap()).unwrap();
    assert_eq!((record.written, record.logins), (now, seen(NODE, 7)));
}

/// As many nodes as are remembered, by names as EC2 gives them.
fn full() -> NodeLogins {
    let mut logins = NodeLogins::default();
    for number in 0..limits::NODE_LOGINS {
        let name = format!("ip-10-100-{}-{}.eu-central-1.compute.internal", 100 + number / 156, 100 + number % 156);
        logins.note_granted(&username(&name), "x", at(number as i64));
    }
    for number in 0..limits::FAILED_TRIES {
        logins.note_denied(&session(&id(number)), Reason::NotMapped, at(number as i64));
    }
    logins
}

#[test]
fn a_full_record_fits_and_a_full_config_map_takes_no_more() {
    let logins = full();
    let text = logins.encode(at(0), limits::STATUS_RECORD_BYTES);
    assert!((200 * 1024..=limits::STATUS_RECORD_BYTES).contains(&text.len()), "{}", text.len());
    assert_eq!(Record::decode(&text).unwrap().logins, logins);

    let own: ReplicaName = "own".parse().unwrap();
    let mut data = BTreeMap::new();
    for others in ["a", "b", "c", "d"] {
        data.insert(others.to_owned(), text.clone());
    }
    let room = limits::CONFIG_MAP_BYTES - 4 * text.len();
    let written = publication(&data, &own, &logins, at(0)).remove("own").flatten().unwrap();
    assert!(written.len() <= room && written.len() > room / 2, "{} of {room}", written.len());
    let kept = Record::decode(&written).unwrap().logins;
    assert_eq!(kept.failed, logins.failed, "whoever fails is more important");
    let oldest_kept = kept.last.values().min().unwrap();
    assert!(logins.last.iter().all(|(node, at)| at < oldest_kept || kept.last.contains_key(node)));

    data.insert("e".to_owned(), "x".repeat(room));
    let written = publication(&data, &own, &logins, at(0)).remove("own").flatten().unwrap();
    assert_eq!(written, format!(r#"{{"version":1,"written":{START},"logins":{{}},"failed":{{}}}}"#));
}

#[test]
fn a_record_has_its_bounds() {
    let text = seen(NODE, 0).encode(at(0), usize::MAX);
    let padded = |length: usize| format!("{text}{}", " ".repeat(length - text.len()));
    assert!(Record::decode(&padded(limits::STATUS_RECORD_BYTES)).is_ok());
    assert_eq!(Record::decode(&padded(limits::STATUS_RECORD_BYTES + 1)), Err(RecordError::TooLong));

    let mut many = NodeLogins::default();
    let add = |many: &mut NodeLogins, number: usize| many.last.insert(format!("n{number}"), at(0));
    for number in 0..limits::NODE_LOGINS {
        add(&mut many, number);
    }
    assert!(Record::decode(&many.encode(at(0), usize::MAX)).is_ok());
    add(&mut many, limits::NODE_LOGINS);
    assert_eq!(Record::decode(&many.encode(at(0), usize::MAX)), Err(RecordError::TooMany));

    let mut many = NodeLogins::default();
    let failed = FailedTry { at: at(0), reason: "r".repeat(limits::REASON_BYTES), role: role("nodes") };
    for number in 0..limits::FAILED_TRIES {
        many.failed.insert(id(number), failed.clone());
    }
    assert!(Record::decode(&many.encode(at(0), usize::MAX)).is_ok());
    many.failed.insert(INSTANCE.to_owned(), failed.clone());
    assert_eq!(Record::decode(&many.encode(at(0), usize::MAX)), Err(RecordError::TooMany));
    let long = FailedTry { reason: "r".repeat(limits::REASON_BYTES + 1), ..failed };
    many.failed = BTreeMap::from([(INSTANCE.to_owned(), long)]);
    assert!(matches!(Record::decode(&many.encode(at(0), usize::MAX)), Err(RecordError::Form(_))));
}

#[test]
fn what_is_not_written_by_a_server_is_refused() {
    let good = r#"{"version":1,"written":1,"logins":{"a":2},"failed":{"i-0123456789abcdef0":{"at":3,"reason":"r","role":"arn:aws:iam::111122223333:role/n"}}}"#;
    assert!(Record::decode(good).is_ok());
    for (part, bad) in [
        (r#""version":1"#, r#""version":2"#),
        (r#""version":1,"#, ""),
        (r#""version":1"#, r#""version":"1""#),
        (r#""written":1"#, r#""written":1,"more":1"#),
        (r#""written":1"#, r#""written":1,"written":1"#),
        (r#""written":1"#, r#""written":1e300"#),
        (r#""written":1"#, r#""written":9223372036854775807"#),
        (r#""a":2"#, r#""a":9223372036854775807"#),
        (r#""a":2"#, r#""a":-9223372036854775808"#),
        (r#""a":2"#, r#""a":null"#),
        (r#""a":2"#, r#""a\u001b[2J":2"#),
        (r#""a":2"#, r#""":2"#),
        (r#"{"a":2}"#, "[]"),
        ("i-0123456789abcdef0", "i-\u{202e}"),
        ("i-0123456789abcdef0", "bob"),
        (r#""reason":"r""#, r#""reason":"`reboot`""#),
        (r#""reason":"r""#, r#""reason":"""#),
        ("role/n", "user/n"),
        ("arn:aws:iam::111122223333:role/n", ""),
        (
            r#"{"at":3,"reason":"r","role":"arn:aws:iam::111122223333:role/n"}"#,
            r#"[3,"r","arn:aws:iam::111122223333:role/n"]"#,
        ),
        (r#""at":3,"#, ""),
    ] {
        assert!(good.contains(part), "{part}");
        let text = good.replacen(part, bad, 1);
        let error = Record::decode(&text).unwrap_err().to_string();
        assert!(!error.chars().any(char::is_control), "{text}: {error:?}");
    }
    for text in
        ["", "null", "[]", "{}", "\u{feff}{}", &"[".repeat(100_000), &good[..good.len() - 1], &format!("{good}x")]
    {
        assert!(Record::decode(text).is_err());
    }
}

fn role(name: &str) -> Arn {
    format!("arn:aws:iam::111122223333:role/{name}").parse().unwrap()
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (0..400_000_000_i64).prop_map(at)
}

prop_compose! {
    fn any_logins()(
        last in btree_map("[a-z0-9][a-z0-9.-]{0,60}", any_time(), 0..40),
        failed in btree_map("m?i-[0-9a-f]{17}", (any_time(), "[a-z_]{1,20}", "[A-Za-z0-9+=,.@_-]{1,64}"), 0..40),
    ) -> NodeLogins {
        let failed = failed.into_iter();
        let failed = failed.map(|(id, (at, reason, name))| (id, FailedTry { at, reason, role: role(&name) })).collect();
        NodeLogins { last, failed }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(logins in any_logins(), now in any_time(), room in 0_usize..4_000) {
        let whole = logins.encode(now, usize::MAX);
        prop_assert_eq!(Record::decode(&whole), Ok(Record { written: now, logins: logins.clone() }));
        let part = logins.encode(now, room);
        let kept = Record::decode(&part).unwrap().logins;
        prop_assert!(part.len() <= room || kept == NodeLogins::default());
        prop_assert!(kept.last.iter().all(|(node, at)| logins.last.get(node) == Some(at)));
        let oldest = kept.last.values().min();
        prop_assert!(logins.last.iter().all(|(node, at)| kept.last.contains_key(node) || oldest.is_none_or(|oldest| at <= oldest)));
        prop_assert!(kept.failed == logins.failed || (kept.failed.is_empty() && kept.last.is_empty()));
    }

    #[test]
    fn damaged_records_never_break_anything(
        logins in any_logins(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<char>()), 0..6),
        now in any_time(),
    ) {
        let mut text: Vec<char> = logins.encode(now, usize::MAX).chars().collect();
        for (place, char) in damage {
            let place = place.index(text.len());
            text[place] = char;
        }
        let text: String = text.into_iter().collect();
        let data = BTreeMap::from([("a".to_owned(), text)]);
        let all = published(&data, now);
        prop_assert!(all.logins.is_some_and(|logins| logins.last.len() <= 40) || all.unread.len() <= 1);
        publication(&data, &"a".parse().unwrap(), &logins, now);
        publication(&data, &"b".parse().unwrap(), &logins, now);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let data = BTreeMap::from([("a".to_owned(), text)]);
        prop_assert_eq!(published(&data, at(0)).unread.len(), 1);
    }

    #[test]
    fn it_does_not_matter_who_is_put_together_first(a in any_logins(), b in any_logins()) {
        let both = |mut first: NodeLogins, second: NodeLogins| { first.absorb(second); first };
        prop_assert_eq!(both(a.clone(), b.clone()), both(b, a));
    }
}
