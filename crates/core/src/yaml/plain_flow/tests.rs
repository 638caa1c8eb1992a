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
fn brackets_are_read_here() {
    for text in [
        "[]",
        "{}",
        " [ ] \n",
        "[{\"rolearn\": \"arn:aws:iam::111122223333:role/x\", \"groups\": [\"a\", \"b c\"]}]",
        "[\n  {\n    \"rolearn\": \"x\",\n    \"username\": \"é{{SessionName}}\"\n  },\n  {\"a\": 012, \"b\": null}\n]\n",
        "[\r\n {\"a\":\"b\",\"c\":[]}\r\n]\r\n",
        "[x,y,é , 1.5, yes]",
        "{mapRoles: [{rolearn: arn:aws:iam::111122223333:role/x, groups: [a]}]}",
        "{\"a\":1}",
        "['x', {'a':b}]",
        "[{\"a\" :\n\"b\"}]",
    ] {
        assert_eq!(agree(text), !text.contains("\" :"), "{text}");
    }
}

#[test]
fn whatever_is_not_sure_is_left_to_the_parser() {
    for text in [
        "",
        "x",
        "\"x\"",
        "[x",
        "[x]]",
        "[x] y",
        "[x],",
        "[,]",
        "[x,]",
        "[x y]",
        "[x\ny]",
        "[\"x\ny\"]",
        "[\"\\n\"]",
        "['x''y']",
        "['x\"']",
        "[x: y]",
        "[\"x\": y]",
        "{x}",
        "{x:y}",
        "{x: }",
        "{\"x\"}",
        "{x: y z}",
        "{? x : y}",
        "[&a x, *a]",
        "[!t x]",
        "[x] # c",
        "[x\t]",
        "[x\r]",
        "[\u{feff}x]",
        "[\"\u{2028}\"]",
        "[-x]",
        "[x#]",
        "---\n[x]",
        "[x]\n---\n[y]",
        "[[[[[[[[[x]]]]]]]]]",
    ] {
        assert!(!agree(text), "{text}");
    }
}

fn piece() -> impl Strategy<Value = String> {
    let fixed = |text: &'static str| Just(String::from(text));
    prop_oneof![
        4 => fixed("["),
        4 => fixed("]"),
        3 => fixed("{"),
        3 => fixed("}"),
        6 => fixed(","),
        4 => fixed(": "),
        3 => fixed(":"),
        3 => fixed(" "),
        2 => fixed("\n"),
        1 => fixed("\r\n"),
        5 => fixed("\"a\""),
        2 => fixed("'a'"),
        5 => fixed("x"),
        2 => fixed("é"),
        2 => fixed("\"é: b\""),
        2 => fixed("arn:aws:iam::1:role/x"),
        1 => fixed("1"),
        1 => "[ -~\u{7f}-\u{ff}]{1}",
    ]
}

fn tree() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(String::from("\"a b\"")),
        Just(String::from("word")),
        Just(String::from("é1")),
        Just(String::from("null")),
        Just(String::from("-")),
        Just(String::from("[]")),
        Just(String::from("{}")),
    ];
    let gap = || prop_oneof![4 => Just(""), 3 => Just(" "), 2 => Just("\n"), 1 => Just("\r\n  "), 1 => Just("  \n\n ")];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let key = prop_oneof![Just("\"k\":"), Just("\"é k\": "), Just("k: "), Just("k:\n"), Just("k:")];
        prop_oneof![
            (proptest::collection::vec((gap(), inner.clone(), gap()), 0..4)).prop_map(|items| {
                let items: Vec<_> = items.iter().map(|(a, item, b)| format!("{a}{item}{b}")).collect();
                format!("[{}]", items.join(","))
            }),
            (proptest::collection::vec((gap(), key, inner, gap()), 0..4)).prop_map(|pairs| {
                let pairs: Vec<_> = pairs.iter().map(|(a, key, value, b)| format!("{a}{key}{value}{b}")).collect();
                format!("{{{}}}", pairs.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn pieces_in_any_order(pieces in proptest::collection::vec(piece(), 0..12)) {
        let text: String = pieces.concat();
        agree(&text);
        agree(&format!("[{text}]"));
        agree(&format!("{{{text}}}"));
    }

    #[test]
    fn trees_of_all_shapes(text in tree()) {
        agree(&text);
    }
}
