use super::*;

fn flag(name: &'static str, short: Option<char>, kind: Kind) -> Flag {
    Flag { name, short, kind, old_name_of: None, help: "" }
}

fn flags() -> Vec<Flag> {
    vec![
        flag("cluster", Some('c'), Kind::Text),
        Flag { old_name_of: Some("cluster"), ..flag("name", Some('n'), Kind::Text) },
        flag("verbose", Some('v'), Kind::Int),
        flag("dumpLogs", Some('d'), Kind::Bool),
        flag("group", None, Kind::Texts),
        flag("timeout", None, Kind::Duration),
        flag("all", None, Kind::Bool),
    ]
}

fn typed(args: &[&str]) -> Result<(Typed, Vec<String>), String> {
    let args: Vec<_> = args.iter().map(ToString::to_string).collect();
    let mut notices = Vec::new();
    parse(&flags(), &args, &mut notices).map(|typed| (typed, notices))
}

fn error(args: &[&str]) -> String {
    typed(args).map(|_| ()).unwrap_err()
}

#[test]
fn every_way_to_write_a_value() {
    for args in [
        &["--cluster=x"][..],
        &["--cluster", "x"],
        &["-c", "x"],
        &["-cx"],
        &["-c=x"],
        &["-dc", "x"],
        &["-dcx"],
        &["-n=x"],
        &["--name=y", "-cx"],
    ] {
        assert_eq!(typed(args).unwrap().0.text("cluster"), "x", "{args:?}");
    }
    assert_eq!(typed(&["--cluster", "--all"]).unwrap().0.text("cluster"), "--all");
    assert_eq!(typed(&["-c="]).unwrap().0.text("cluster"), "=");
    assert_eq!(typed(&["--cluster="]).unwrap().0.text("cluster"), "");
    assert_eq!(typed(&["--cluster=a=b"]).unwrap().0.text("cluster"), "a=b");
}

#[test]
fn bools_take_no_further_argument() {
    let (line, _) = typed(&["--all", "false", "-", "--", "--all=false"]).unwrap();
    assert!(line.bool("all"));
    assert_eq!(line.positional, ["false", "-", "--all=false"]);
    assert!(!typed(&["--all", "--all=0"]).unwrap().0.bool("all"));
    assert!(!typed(&["-d=F"]).unwrap().0.bool("dumpLogs"));
}

#[test]
fn lists_are_csv_and_grow() {
    let line = |args: &[&str]| typed(args).unwrap().0.texts("group");
    assert_eq!(line(&["--group", "b,a", "--group=c"]), ["b", "a", "c"]);
    assert_eq!(line(&["--group", ""]), [""; 0]);
    assert_eq!(line(&["--group", ","]), ["", ""]);
    assert_eq!(line(&["--group", " a, b "]), [" a", " b "]);
    assert_eq!(line(&["--group", "\"a,b\",\"c\"\"d\",\"\""]), ["a,b", "c\"d", ""]);
    assert_eq!(line(&["--group", "a\nb"]), ["a"]);
    assert_eq!(line(&["--group", "\n\na\r\n"]), ["a"]);
    assert_eq!(line(&["--group", "\"a\r\nb\""]), ["a\nb"]);
    let bad = |text: &str| error(&["--group", text]);
    assert_eq!(
        bad("a\"b"),
        r#"invalid argument "a\"b" for "--group" flag: parse error on line 1, column 2: bare " in non-quoted-field"#
    );
    assert!(bad("x,\"a\"b").ends_with("parse error on line 1, column 5: extraneous or missing \" in quoted-field"));
    assert!(bad("\"a").ends_with("extraneous or missing \" in quoted-field"));
    assert!(bad("\n").ends_with("flag: EOF"));
}

#[test]
fn old_names_leave_a_notice() {
    let (line, notices) = typed(&["--name", "x", "-ny"]).unwrap();
    assert_eq!((line.text("cluster"), line.is_given("cluster"), line.is_given("name")), ("y", false, true));
    assert_eq!(notices, ["Flag --name has been deprecated, use --cluster"; 2]);
}

#[test]
fn what_is_wrong_is_said_in_pflags_words() {
    assert_eq!(error(&["--invalid", "dummy"]), "unknown flag: --invalid");
    assert_eq!(error(&["--invalid=dummy"]), "unknown flag: --invalid");
    assert_eq!(error(&["-dx", "y"]), "unknown shorthand flag: 'x' in -x");
    assert_eq!(error(&["-xd"]), "unknown shorthand flag: 'x' in -xd");
    assert_eq!(error(&["--cluster"]), "flag needs an argument: --cluster");
    assert_eq!(error(&["-dc"]), "flag needs an argument: 'c' in -c");
    assert_eq!(error(&["---x"]), "bad flag syntax: ---x");
    assert_eq!(error(&["--=x"]), "bad flag syntax: --=x");
    assert_eq!(
        error(&["--all=maybe"]),
        r#"invalid argument "maybe" for "--all" flag: strconv.ParseBool: parsing "maybe": invalid syntax"#
    );
    assert_eq!(
        error(&["-v", "debug"]),
        r#"invalid argument "debug" for "-v, --verbose" flag: strconv.ParseInt: parsing "debug": invalid syntax"#
    );
}

#[test]
fn numbers_and_times_are_gos() {
    let int = |text: &str| typed(&["--verbose", text]).map(|(line, _)| line.int("verbose").unwrap());
    for (text, value) in [("4", 4), ("-1", -1), ("+0x10", 16), ("010", 8), ("0b11", 3), ("1_000", 1000), ("0", 0)] {
        assert_eq!(int(text), Ok(value), "{text}");
    }
    for text in ["", "1__0", "_1", "1_", "08", "0x", "1.5", "--4"] {
        assert!(int(text).unwrap_err().ends_with("invalid syntax"), "{text}");
    }
    assert!(int("9223372036854775808").unwrap_err().ends_with("value out of range"));
    let time = |text: &str| typed(&["--timeout", text]).map(|(line, _)| line.duration("timeout").unwrap());
    assert_eq!(time("1h2m3.5s"), Ok(Duration::from_millis(3_723_500)));
    assert_eq!((time("0"), time("-5m")), (Ok(Duration::ZERO), Ok(Duration::ZERO)));
    for (text, reason) in [
        ("5", r#"time: missing unit in duration "5""#),
        ("5x", r#"time: unknown unit "x" in duration "5x""#),
        ("", r#"time: invalid duration """#),
        ("m", r#"time: invalid duration "m""#),
        ("1.2.3s", r#"time: invalid duration "1.2.3s""#),
        ("9999999h", r#"time: invalid duration "9999999h""#),
    ] {
        assert!(time(text).unwrap_err().ends_with(reason), "{text}");
    }
}
