use alloc::string::String;
use alloc::vec::Vec;
use std::{format, vec};

use proptest::prelude::*;

use super::super::build::parse_events;
use super::read;

/// Both readers must agree wherever the fast one answers.
fn agree(text: &str) -> bool {
    let Some(fast) = read(text) else { return false };
    assert_eq!(parse_events(text).as_ref().map(Option::as_ref), Ok(Some(&fast)), "{text}");
    true
}

#[test]
fn the_plain_form_is_read_here() {
    for text in [
        "- rolearn: arn:aws:iam::111122223333:role/x\n  username: x\n  groups:\n  - a\n  - b\n",
        "# head\n  -   rolearn: \"a\"   # one\n      groups:\n        - 'b c'\n\n      # inner\n      username: x:y\n  - rolearn: c",
        "- groups:\n    - a\n- x: []\n- y: {{SessionName}}\n",
        "- a: 5\n  b: yes\n  c: 012\n",
        "- rolearn: a\n  groups: [x, \"y:z\", 'q' ] # c\n",
        "- '111122223333'\n- 444455556666\n- arn:aws:iam::1:user/x\n",
        "- a:\n    b: c\n    d:\n      - e\n",
        "- {rolearn: 'a', \"groups\":[\"b c\", d]} # e\n- a: {b: [c]}\n",
        "- a: b\r\n  # c\r\n  groups: [x, y] # ü\r\n\r\n- c",
        "- a: \u{fc} b\n  b: '\u{4e2d} # d'\n- \u{fc}\n",
    ] {
        assert_eq!(agree(text), !text.contains("{{"), "{text}");
    }
}

#[test]
fn whatever_is_not_plain_is_left_to_the_parser() {
    for text in [
        "",
        "a: b",
        "- a: b\n c: d",
        "- a: b\n   c: d",
        "- a: b\n   - c",
        "- a\n b\n",
        "- - a",
        "- a: |\n    x\n",
        "- &x a\n- *x\n",
        "- a: 'it''s'\n",
        "- a: \"\\n\"\n",
        "- a:\tb\n",
        "- a: b\rc\n",
        "- a: b\r",
        "- a: \u{85}b\n",
        "- a: b: c\n",
        "- a:\n",
        "-\n  a: b\n",
        "- [a, [b], &c d]\n",
        "- [a,\n  b]\n",
        "- {a: b} c\n",
        "- {a: b}# c\n",
        "---\n- a\n",
        "- a\n---\n- b\n",
        "- a: 'b'c\n",
    ] {
        assert!(!agree(text), "{text}");
    }
}

/// Lines that are mostly in plain form, and some that spoil it.
fn line() -> impl Strategy<Value = String> {
    let indent = prop_oneof![4 => Just(0_usize), 6 => Just(2), 3 => Just(4), 1 => 0..7_usize];
    let dash = prop_oneof![3 => Just(""), 4 => Just("- "), 1 => Just("-   "), 1 => Just("-")];
    let key =
        prop_oneof![4 => Just("rolearn: "), 3 => Just("groups:"), 3 => Just(""), 1 => Just("a:  "), 1 => Just("a :")];
    let value = prop_oneof![
        6 => Just("arn:aws:iam::111122223333:role/x"),
        2 => Just("b c"),
        2 => Just(""),
        1 => Just("'q'"),
        1 => Just("\"q\" # c"),
        1 => Just("yes   # c"),
        1 => Just("[]"),
        2 => Just("[a, \"b:c\" , 'd',e/f]  # c"),
        1 => Just("[ ]"),
        1 => Just("[a,]"),
        2 => Just("{a: 'b', c: [d, \"e\"]} # f"),
        1 => Just("{a: b}: c"),
        1 => Just("[a]: c"),
        1 => Just("[yes, 1:2, \"\"]"),
        1 => Just("# c"),
        1 => Just("x #y"),
        1 => Just("x: y"),
        1 => Just("x:"),
        1 => Just("'a'b'"),
        1 => Just("x#y"),
        1 => Just("ü x"),
        1 => Just("'中' # ü"),
    ];
    let value = prop_oneof![9 => value.prop_map(String::from), 1 => "[ -~]{0,4}", 1 => "[a \u{80}-\u{ff}\u{2020}-\u{2030}\u{fefe}-\u{ffff}]{0,4}", 2 => "\\[[ab,:'\" -]{0,6}\\]", 1 => "\\{[ab,: '\"]{0,8}\\}"];
    (indent, dash, key, value).prop_map(|(indent, dash, key, value)| format!("{:indent$}{dash}{key}{value}", ""))
}

/// Rows in plain form with comments and blank lines anywhere.
fn rows() -> impl Strategy<Value = String> {
    let gap = || prop_oneof![8 => Just(""), 1 => Just("\n"), 1 => Just("# c\n"), 1 => Just("      # c\n")];
    let row = (gap(), 0..4_usize, 0..3_usize, gap(), "[a-z0-9]{1,4}");
    (0..3_usize, proptest::collection::vec(row, 1..5)).prop_map(|(indent, rows)| {
        let text = |(above, groups, deeper, between, name): &(&str, usize, usize, &str, String)| {
            let (pad, deeper) = (indent + 2, indent + 2 + deeper);
            let items: String = (0..*groups).map(|n| format!("{:deeper$}- {name}{n}\n", "")).collect();
            let groups = if items.is_empty() { String::new() } else { format!("{:pad$}groups:\n{between}{items}", "") };
            format!("{above}{:indent$}- rolearn: {name}\n{groups}{:pad$}username: {name}\n", "", "")
        };
        rows.iter().map(text).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn lines_of_all_kinds(lines in proptest::collection::vec(line(), 0..7)) {
        agree(&lines.join("\n"));
        agree(&lines.join("\r\n"));
    }

    #[test]
    fn every_text_of_plain_rows_is_read_here(text in rows()) {
        prop_assert!(agree(&text), "{}", text);
        let text = text.replace("username", "benutzer").replace('\n', "\r\n");
        prop_assert!(agree(&text), "{}", text);
    }

    #[test]
    fn any_text(text in "[-a:' \\n\\rü#]{0,24}") {
        agree(&text);
    }
}

#[test]
fn cut_anywhere_both_still_agree() {
    let text = "- rolearn: 'a'\n  groups:\n    - b # c\n    - d\n# e\n- userarn: \"f\"\n  groups: []\n";
    let cuts: Vec<_> = (0..text.len()).filter(|&cut| agree(&text[..cut])).collect();
    assert!(cuts.len() > 20, "{cuts:?}");
}
