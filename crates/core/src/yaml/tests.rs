use std::format;
use std::string::String;
use std::vec;

use super::*;

fn kind(text: &str) -> ScalarKind {
    match &parse(text).unwrap().unwrap().value {
        Value::Scalar { kind, .. } => *kind,
        other => panic!("{text} is {other:?}"),
    }
}

#[test]
fn words_and_numbers_of_yaml_1_1() {
    for word in ["yes", "Y", "off", "True", "NO", "n"] {
        assert_eq!(kind(word), ScalarKind::Bool, "{word}");
    }
    for number in ["5", "-5", "012", "0o17", "0x1F", "0b11", "1_000", "1e3", "1.5", ".5", "5.", "+.inf", ".nan", "089"]
    {
        assert_eq!(kind(number), ScalarKind::Number, "{number}");
    }
    for text in ["yEs", "nope", "1a", "'5'", "\"yes\"", "!!str 5", "a: b"[..1].into(), "1:2", "-", "0x", "1e", "e5"] {
        if text == "-" {
            continue; // an empty list item
        }
        assert_eq!(kind(text), ScalarKind::Text, "{text}");
    }
    for nothing in ["~", "null", "NULL"] {
        assert_eq!(kind(nothing), ScalarKind::Null, "{nothing}");
    }
}

#[test]
fn marks_count_characters_from_one() {
    let node = parse("# ü\n- a\n-   b: c\n").unwrap().unwrap();
    let items = node.as_sequence().unwrap();
    assert_eq!(items[0].mark, Mark { line: 2, column: 3 });
    assert_eq!(items[1].mark, Mark { line: 3, column: 5 });
}

#[test]
fn empty_texts_have_no_document() {
    for text in ["", "  \n", "# only a comment\n"] {
        assert!(parse(text).unwrap().is_none_or(|node| node.is_null()), "{text:?}");
    }
}

#[test]
fn only_the_first_document_counts() {
    assert_eq!(parse("a\n---\nb\n").unwrap().unwrap().as_text(), Some("a"));
}

#[test]
fn merge_keys_bring_in_what_is_missing() {
    let text = "- &base {username: a, groups: [g]}\n- {<<: *base, username: b}\n";
    let node = parse(text).unwrap().unwrap();
    let entries = node.as_sequence().unwrap()[1].entries().unwrap();
    let of = |key: &str| entries.iter().filter(|entry| entry.key == key).count();
    assert_eq!((of("username"), of("groups"), of("<<")), (1, 1, 0));
    assert_eq!(entries.iter().find(|entry| entry.key == "username").unwrap().value.as_text(), Some("b"));
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(limits::YAML_DEPTH)).is_ok());
    assert!(parse(&nested(limits::YAML_DEPTH + 1)).is_err());
}

#[test]
fn depth_through_aliases_is_bounded() {
    for open in ["[{}]", "{k: {}}"] {
        let chain = |levels: usize| {
            let mut text = String::from("- &a1 []\n");
            for level in 2..=levels {
                let inner = open.replace("{}", &format!("*a{}", level - 1));
                text.push_str(&format!("- &a{level} {inner}\n"));
            }
            text
        };
        // The list of all of them is one more.
        assert!(parse(&chain(limits::YAML_DEPTH - 1)).is_ok());
        assert!(parse(&chain(limits::YAML_DEPTH)).is_err());
        // Were it built, dropping it would take more stack than there is.
        assert!(parse(&chain(20_000)).is_err());
    }
}

#[test]
fn separators_are_bounded() {
    // Not JSON, because of the anchor.
    let text = |separators: usize| format!("[&a {}]", vec!["x"; separators - 2].join(","));
    assert!(parse(&text(limits::YAML_SEPARATORS)).is_ok());
    assert!(parse(&text(limits::YAML_SEPARATORS + 1)).is_err());
    let lines = |separators: usize| format!("- !t x\n{}", "- x\n".repeat(separators - 2));
    assert!(parse(&lines(limits::YAML_SEPARATORS)).is_ok());
    assert!(parse(&lines(limits::YAML_SEPARATORS + 1)).is_err());
    // The colons of an ARN are none.
    let arns = "- !t arn:aws:iam::111122223333:role/x\n".repeat(limits::YAML_SEPARATORS / 2);
    assert!(parse(&arns).is_ok());
}

#[test]
fn what_costs_the_parser_more_counts_for_more() {
    let directive = |len: usize| format!("%{}\n--- a", "x".repeat(len - 1));
    assert!(parse(&directive(limits::YAML_SEPARATORS)).is_ok());
    assert!(parse(&directive(limits::YAML_SEPARATORS + 1)).is_err());
    let refused = |key: &str, count: usize| {
        let error = parse(&format!("{{{}x}}", key.repeat(count))).err();
        error.is_some_and(|error| error.reason.contains("separators"))
    };
    for key in ["[]: a,", "[ ] # ]: x\n \n#\n : a, ", "[\"]#\", x]: a, "] {
        assert!(!refused(key, 70) && refused(key, limits::YAML_SEPARATORS / 256), "{key}");
    }
    assert!(!refused("{a: [b] # c: d\n}, ", 5_000));
}

#[test]
fn size_is_bounded() {
    let text = |len: usize| format!("#{}", "x".repeat(len - 1));
    assert!(parse(&text(limits::YAML_BYTES)).is_ok());
    assert!(parse(&text(limits::YAML_BYTES + 1)).is_err());
}

#[test]
fn an_alias_bomb_costs_what_its_bytes_cost() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(", ")));
    }
    text.push_str("rows: *a29\n");
    let node = parse(&text).unwrap().unwrap();
    assert_eq!(node.entries().unwrap().len(), 31);
}

#[test]
fn a_bomb_of_merge_keys_is_cut_short() {
    let mut text = String::from("- &a0 {k: v}\n");
    for level in 1..16 {
        let below = level - 1;
        text.push_str(&format!("- &a{level} {{<<: [*a{below}, *a{below}], k{level}: v}}\n"));
    }
    let node = parse(&text).unwrap().unwrap();
    let last = node.as_sequence().unwrap().last().unwrap();
    assert!(last.entries().unwrap().len() <= 1 + limits::YAML_MERGED_KEYS);
}

#[test]
fn an_alias_into_itself_is_an_error() {
    assert!(parse("a: &x [*x]\n").is_err());
}

#[test]
fn errors_name_their_place() {
    let error = parse("- a\n- b: [\n").unwrap_err();
    assert!(error.mark.line >= 2, "{error}");
}

#[test]
fn comparing_aliases_of_aliases_comes_to_an_end() {
    let mut text = String::from("- &a0 [x]\n");
    for level in 1..24 {
        text += &alloc::format!("- &a{level} [*a{0}, *a{0}]\n", level - 1);
    }
    let (a, b) = (parse(&text).unwrap().unwrap(), parse(&text).unwrap().unwrap());
    assert!(!a.means(&b));
    assert!(parse("- [x, z]").unwrap().unwrap().means(&parse("[[x, 'z']]").unwrap().unwrap()));
}
