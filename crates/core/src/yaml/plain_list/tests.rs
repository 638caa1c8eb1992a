use alloc::string::String;
use alloc::vec::Vec;
use std::{format, vec};

use proptest::prelude::*;

use super::super::build::parse_events;
use super::read;

/// Both readers must agree wherever the fast one answers.
pub(in crate::yaml) fn agree(text: &str) -> bool {
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
        "- a: b\r\n  c:\r\n  - d # e\r\n\r\n# f\r\n- g: 'h'\r\n  i: [j, k]\r\n",
        "- a: b\n  c: d\r\n- e\r\n- f",
        "# \u{1f512}\n- a: \u{fc}b # \u{e9}\n  c: '\u{fc}'\n  d: [\"\u{fc}\", '\u{4e2d}\u{6587}', x, \"\u{e9}\"] # \u{e9}\n",
        "- \u{fc}\n- \u{a0}a\u{a0}\n",
        "- {rolearn: arn:aws:iam::111122223333:role/x, \"groups\": [a, 'b c', {d: [e]}]} # f\n- a: {b: c}\n",
        "- a: [b, [c]]\n- []\n- {}\n",
        "- \"{\"\n",
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
        "- a: b\r",
        "- a: b\rc\n",
        "- a: b\u{85}c\n",
        "- a: b\u{2028}c\n",
        "\u{feff}- a: b\n",
        "- \u{fc}: b\n",
        "- a: b: c\n",
        "- a:\n",
        "-\n  a: b\n",
        "- [a\n  ]\n",
        "- [a]: b\n",
        "- [a]# b\n",
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
        1 => Just("\u{fc}b\u{4e2d}"),
        1 => Just("'\u{fc}' # \u{e9}"),
        1 => Just("[\u{fc}, \"\u{fc}\", a, '\u{1f512}', {b: \"\u{e9}\", c: d}]"),
        1 => Just("{a: b,c: [d],\"e\":f, 'g' : {}}"),
        2 => Just(""),
        1 => Just("'q'"),
        1 => Just("\"q\" # c"),
        1 => Just("yes   # c"),
        1 => Just("[]"),
        2 => Just("[a, \"b:c\" , 'd',e/f]  # c"),
        1 => Just("[ ]"),
        1 => Just("[a,]"),
        1 => Just("[yes, 1:2, \"\"]"),
        1 => Just("# c"),
        1 => Just("x #y"),
        1 => Just("x: y"),
        1 => Just("x:"),
        1 => Just("'a'b'"),
        1 => Just("x#y"),
    ];
    let value = prop_oneof![9 => value.prop_map(String::from), 1 => "[ -~]{0,4}", 2 => "\\[[ab,:'\" \u{fc}-]{0,6}\\]", 2 => "\\{[ab,:'\" \\[\\]{}-]{0,8}\\}"];
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
    fn lines_of_all_kinds(lines in proptest::collection::vec((line(), prop_oneof![3 => Just("\n"), 1 => Just("\r\n")]), 0..7)) {
        agree(&lines.iter().flat_map(|(line, end)| [line.as_str(), end]).collect::<String>());
    }

    #[test]
    fn every_text_of_plain_rows_is_read_here(text in rows()) {
        prop_assert!(agree(&text), "{}", text);
        let wide = text.replace("# c", "# \u{e9}").replace("rolearn: ", "rolearn: \u{fc}");
        prop_assert!(agree(&wide.replace('\n', "\r\n")), "{}", wide);
    }

    #[test]
    fn any_text(text in "[-a:' \\r\\n#\u{fc}]{0,24}") {
        agree(&text);
    }
}

#[test]
fn cut_anywhere_both_still_agree() {
    let text = "- rolearn: 'a'\n  groups:\n    - b # c\n    - d\n# e\n- userarn: \"f\"\n  groups: []\n";
    let cuts: Vec<_> = (0..text.len()).filter(|&cut| agree(&text[..cut])).collect();
    assert!(cuts.len() > 20, "{cuts:?}");
}
