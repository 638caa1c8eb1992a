use alloc::string::String;
use alloc::vec::Vec;
use std::format;

use proptest::prelude::*;

use super::super::plain_list::tests::agree;

#[test]
fn json_is_read_here() {
    for text in [
        "[]",
        " [ ] ",
        "{}",
        "[\"a\"]\n",
        "[{\"rolearn\":\"arn:aws:iam::111122223333:role/x\",\"username\":\"u:{{SessionName}}\",\"groups\":[\"a\",\"b\"]}]",
        "\r\n[\r\n  {\r\n    \"userarn\" : \"\u{fc}\\u003c\\\"\\\\\\/\\n\", \"groups\": []\r\n  },\r\n  1,\r\n  true\r\n]\r\n",
        "{\"server\": {\"mapRoles\": [{\"rolearn\": \"x\", \"groups\": [\"a\"]}], \"port\": 21362}}",
        "[\"\u{fc}\u{1f512}\", \"\u{e9}\",\n\"\u{e9}\", a, {b: c}]",
        "[null, null, 012, 1.5, yes]",
        "['a', \" b  c \", \"\"]",
    ] {
        assert!(agree(text), "{text}");
    }
}

#[test]
fn what_only_looks_like_json_is_left_to_the_parser() {
    for text in [
        "",
        "[",
        "[a",
        "[a,]",
        "[a,,b]",
        "[a b]",
        "[a: b]",
        "[\"a\": b]",
        "[\"a\":b]",
        "{a}",
        "{a: }",
        "{a:b}",
        "{\"a\"}",
        "[a] b",
        "[a] # b",
        "# b\n[a]",
        "[a]\n---\n",
        "[a # b\n]",
        "[a:]",
        "{a:: b}",
        "[a]: b",
        "[\"a\nb\"]",
        "['it''s']",
        "[\"\\ud83d\\ude00\"]",
        "[\"\\x41\"]",
        "[\"\\",
        "[\"a",
        "['a",
        "[&a b]",
        "[*a]",
        "[-1]",
        "[\t1]",
        "[[[[[[[[a]]]]]]]]",
    ] {
        assert!(!agree(text), "{text}");
    }
}

fn gap() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 3 => Just(" "), 1 => Just("\n  "), 1 => Just("\r\n\r\n")]
}

/// Texts as a writer of JSON writes them.
fn quoted() -> impl Strategy<Value = String> {
    let char = prop_oneof![8 => any::<char>(), 8 => "[ -~]".prop_map(|text| text.chars().next().unwrap_or('x'))];
    proptest::collection::vec(char, 0..6).prop_map(|chars| {
        serde_json::to_string(&chars.into_iter().collect::<String>()).unwrap().replace(['\u{7f}', '\u{feff}'], "")
    })
}

/// JSON of a few levels, laid out anyhow.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![4 => quoted(), 1 => Just("12".into()), 1 => Just("true".into()), 1 => Just("null".into())];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let item = (gap(), inner.clone(), gap()).prop_map(|(before, item, after)| format!("{before}{item}{after}"));
        let pair = (gap(), quoted(), gap(), inner, gap());
        let pair = pair.prop_map(|(before, key, between, value, after)| {
            let colon = if between.len() == 1 { " :" } else { ":" };
            format!("{before}{key}{colon}{between}{value}{after}")
        });
        prop_oneof![
            proptest::collection::vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(pair, 0..4).prop_map(|pairs| format!("{{{}}}", pairs.join(","))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn whatever_is_json(text in json()) {
        agree(&text);
    }

    #[test]
    fn json_of_ordinary_characters_is_read_here(
        names in proptest::collection::vec(("[a-zA-Z\u{fc}\u{4e2d} <>&:,'\"{}-]{0,6}", gap(), gap()), 1..5),
    ) {
        let row = |(name, before, after): &(String, &str, &str)| {
            let name = serde_json::to_string(name).unwrap();
            format!("{{{before}\"rolearn\":{before}{name}{after},\"groups\":[{before}{name},{name}{after}]{after}}}")
        };
        let text = format!("[{}]", names.iter().map(row).collect::<Vec<_>>().join(", "));
        prop_assert!(agree(&text), "{}", text);
    }

    #[test]
    fn anything_in_brackets(text in "[\\[{][]\\[{}a:,\"' \\n\u{fc}]{0,20}[\\]}]") {
        agree(&text);
    }
}

#[test]
fn cut_anywhere_both_still_agree() {
    let text = "[{\"a\": \"b\\u003c\",\r\n  c: [d, 'e']}, {}]\n";
    let cuts: Vec<_> = (0..=text.len()).filter(|&cut| agree(&text[..cut])).collect();
    assert_eq!(cuts, [text.len() - 1, text.len()]);
}
