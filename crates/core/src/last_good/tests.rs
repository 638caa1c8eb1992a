use std::string::ToString as _;

use super::*;

const A: &str = "arn:aws:iam::111122223333:role/a";
const B: &str = "arn:aws:iam::111122223333:role/b";

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> Timestamp {
    start() + SignedDuration::from_mins(minutes)
}

fn row(arn: &str, username: &str) -> String {
    format!("- {{rolearn: '{arn}', username: {username}}}\n")
}

fn present(roles: &str) -> Observation {
    let data = [("mapRoles".to_string(), roles.to_string())].into_iter().collect();
    Observation::Present { data, resource_version: "7".into() }
}

fn new() -> LastGood {
    LastGood::new(LastGoodPolicy::default())
}

/// The usernames that the state lets in, in order.
fn usernames(state: &LastGood) -> Vec<String> {
    let snapshot = state.snapshot();
    let mut names: Vec<_> = snapshot.mappings().map(|m| m.username.as_ref().unwrap().to_string()).collect();
    names.sort();
    names
}

fn good() -> LastGood {
    let mut state = new();
    assert_eq!(state.observe(&present(&(row(A, "a") + &row(B, "b"))), start()), []);
    assert_eq!(usernames(&state), ["a", "b"]);
    state
}

fn alarms(remarks: &[Remark]) -> usize {
    remarks.iter().filter(|remark| remark.severity == Severity::Alarm).count()
}

#[test]
fn a_section_that_parses_is_obeyed_at_once() {
    for emptied in ["[]", "", "''", "null", "# all gone"] {
        let mut state = good();
        assert_eq!(alarms(&state.observe(&present(emptied), after(1))), 0);
        assert!(usernames(&state).is_empty() && state.stale().is_empty(), "{emptied}");
    }
    let mut state = good();
    state.observe(&present(&row(B, "b2")), after(1));
    assert_eq!(usernames(&state), ["b2"]);
}

#[test]
fn a_section_that_cannot_be_read_keeps_its_rows() {
    let mut state = good();
    for broken in ["- rolearn: [", "a: b", "text"] {
        assert_eq!(alarms(&state.observe(&present(broken), after(1))), 1);
        assert_eq!(usernames(&state), ["a", "b"]);
    }
    assert_eq!(state.stale()[0].since, after(1));
    state.observe(&present(&row(A, "a3")), after(100_000));
    assert_eq!((usernames(&state), state.stale()), (["a3".to_string()].to_vec(), [].to_vec()));
}

#[test]
fn other_sections_are_not_held_back() {
    let mut state = good();
    let data = [("mapRoles", "- ["), ("mapUsers", "- {userarn: 'arn:aws:iam::111122223333:user/u', username: u}")];
    let data = data.into_iter().map(|(key, text)| (key.to_string(), text.to_string())).collect();
    state.observe(&Observation::Present { data, resource_version: "8".into() }, after(1));
    assert_eq!(usernames(&state), ["a", "b", "u"]);
}

#[test]
fn a_broken_section_can_be_dropped_instead() {
    let mut state = LastGood::new(LastGoodPolicy { on_bad_config: OnBadConfig::Drop, ..Default::default() });
    state.observe(&present(&row(A, "a")), start());
    state.observe(&present("- ["), after(1));
    assert!(usernames(&state).is_empty());
}

#[test]
fn a_row_that_cannot_be_read_keeps_the_previous_row_of_its_arn() {
    let mut state = good();
    let bad = format!("- {{rolearn: 'arn:aws:iam::111122223333:role/team/A', username: [x]}}\n{}", row(B, "b2"));
    let remarks = state.observe(&present(&bad), after(1));
    assert_eq!(usernames(&state), ["a", "b2"]);
    assert!(remarks[0].text.contains("the previous row of this principal stays"), "{remarks:?}");
}

#[test]
fn a_row_that_cannot_be_read_and_is_new_drops_alone() {
    let mut state = good();
    let text = row(A, "a")
        + &row(B, "b")
        + "- {rolearn: 'arn:aws:iam::111122223333:role/c', groups: x}\n- {rolearn: nonsense}\n";
    let remarks = state.observe(&present(&text), after(1));
    assert_eq!(usernames(&state), ["a", "b"]);
    assert_eq!(remarks.iter().filter(|remark| remark.text.contains("left out")).count(), 2);
}

#[test]
fn a_readable_row_beats_the_kept_one() {
    let mut state = good();
    state.observe(&present(&(row(A, "new") + &format!("- {{rolearn: '{A}', username: [x]}}\n"))), after(1));
    assert_eq!(usernames(&state), ["new"]);
}

#[test]
fn a_vanished_key_or_object_has_its_grace() {
    let gone = Observation::Present { data: BTreeMap::new(), resource_version: "9".into() };
    for gone in [gone, Observation::Absent] {
        let mut state = good();
        assert_eq!(alarms(&state.observe(&gone, after(1))), 1);
        assert_eq!(
            (usernames(&state), state.next_deadline()),
            (["a".to_string(), "b".to_string()].to_vec(), Some(after(6)))
        );
        // Seeing it gone again does not start the clock anew.
        assert_eq!(alarms(&state.observe(&gone, after(4))), 0);
        assert_eq!(alarms(&state.expire(after(6) - SignedDuration::from_secs(1))), 0);
        assert_eq!(usernames(&state), ["a", "b"]);
        assert_eq!(alarms(&state.expire(after(6))), 1);
        assert!(usernames(&state).is_empty());
    }
}

#[test]
fn what_comes_back_within_the_grace_was_never_gone() {
    let mut state = good();
    state.observe(&Observation::Absent, after(1));
    state.observe(&present(&row(A, "back")), after(3));
    assert_eq!(alarms(&state.expire(after(60))), 0);
    assert_eq!(usernames(&state), ["back"]);
}

#[test]
fn without_grace_a_deletion_counts_at_once() {
    let mut state = LastGood::new(LastGoodPolicy { deletion_grace: SignedDuration::ZERO, ..Default::default() });
    state.observe(&present(&row(A, "a")), start());
    state.observe(&Observation::Absent, after(1));
    assert!(usernames(&state).is_empty());
}

#[test]
fn an_unreachable_source_changes_nothing() {
    let mut state = good();
    state.observe(&Observation::Unreachable("connection refused".into()), after(1_000_000));
    assert_eq!(usernames(&state), ["a", "b"]);
}

fn restarted(state: &LastGood) -> LastGood {
    LastGood::restore(LastGoodPolicy::default(), &state.save()).unwrap()
}

#[test]
fn a_restart_in_the_bad_period_keeps_the_rows() {
    let mut state = good();
    state.observe(&present("- ["), after(1));
    let mut state = restarted(&state);
    assert_eq!(usernames(&state), ["a", "b"]);
    state.observe(&present("- ["), after(2));
    assert_eq!(usernames(&state), ["a", "b"]);
    state.observe(&present(&row(B, "mended")), after(3));
    assert_eq!(usernames(&state), ["mended"]);
}

#[test]
fn a_saved_state_ends_with_the_first_read() {
    let mut state = restarted(&good());
    assert_eq!(state.stale()[0].reason, "it was not read since the restart");
    state.observe(&present("[]"), after(1));
    assert!(usernames(&state).is_empty());
}

#[test]
fn a_saved_state_serves_24_hours_at_most() {
    let mut state = restarted(&good());
    state.observe(&present("- ["), after(1));
    assert_eq!(state.next_deadline(), Some(after(24 * 60)));
    state.expire(after(24 * 60) - SignedDuration::from_secs(1));
    assert_eq!(usernames(&state), ["a", "b"]);
    assert_eq!(alarms(&state.expire(after(24 * 60))), 1);
    assert!(usernames(&state).is_empty());
}

#[test]
fn the_clock_of_the_grace_survives_a_restart() {
    let mut state = good();
    state.observe(&Observation::Absent, after(1));
    let mut state = restarted(&state);
    state.observe(&Observation::Absent, after(5));
    assert_eq!(usernames(&state), ["a", "b"]);
    state.expire(after(6));
    assert!(usernames(&state).is_empty());
    assert!(usernames(&restarted(&state)).is_empty());
}

#[test]
fn every_kind_of_row_survives_a_restart() {
    let roles = format!(
        "- {{sso: {{permissionSetName: Admin, accountID: '111122223333', partition: aws-cn}}, username: s, groups: ['g:{{{{SessionName}}}}']}}\n{}",
        row(A, "'{{AccountID}}'")
    );
    let data = [
        ("mapRoles", roles.as_str()),
        ("mapUsers", "- {userarn: 'arn:aws:iam::111122223333:user/div/u', username: u, userid: AIDAX}"),
        ("mapAccounts", "[012345678901]"),
    ];
    let data = data.into_iter().map(|(key, text)| (key.to_string(), text.to_string())).collect();
    let mut state = new();
    state.observe(&Observation::Present { data, resource_version: "1".into() }, start());
    let again = restarted(&state);
    assert_eq!(again.save(), state.save());
    assert_eq!((usernames(&again), again.snapshot().accounts().count()), (usernames(&state), 1));
}

#[test]
fn a_spoilt_saved_state_is_refused() {
    for text in [
        "",
        "{}",
        "[]",
        "{\"sections\":[{}]}",
        "{\"sections\":[{\"section\":\"mapRoles\",\"readAt\":\"x\",\"rows\":[]}]}",
    ] {
        assert!(LastGood::restore(LastGoodPolicy::default(), text).is_err(), "{text}");
    }
}

#[test]
fn a_key_in_the_wrong_letter_case_is_named() {
    let data = [("mapusers".to_string(), "[]".to_string())].into_iter().collect();
    let remarks = new().observe(&Observation::Present { data, resource_version: "1".into() }, start());
    assert!(remarks[0].text.contains("`mapUsers` is spelt exactly so"), "{remarks:?}");
}

#[test]
fn rows_that_mean_something_else_to_others_are_named() {
    let remarks = new().observe(&present(&row("arn:aws:iam::111122223333:role/team/x", "x")), start());
    assert!(remarks[0].text.contains("matched without its path"), "{remarks:?}");
}

#[test]
fn a_key_written_twice_is_named() {
    let text = format!("- {{rolearn: '{A}', username: first, UserName: second, username: last}}\n");
    let mut state = new();
    let remarks = state.observe(&present(&text), start());
    assert_eq!(remarks.iter().filter(|remark| remark.text.contains("written twice")).count(), 2, "{remarks:?}");
    assert_eq!(usernames(&state), ["last"]);
}

#[test]
fn a_large_section_survives_a_restart() {
    let text = format!("- rolearn: {A}\n").repeat(20_000);
    let mut state = new();
    state.observe(&present(&text), start());
    assert!(state.save().len() > crate::limits::YAML_BYTES);
    assert_eq!(restarted(&state).save(), state.save());
}
