//! Texts of up to 1 MiB that are meant to cost more than they weigh. The bench beside them times
//! them; a test of the command line measures the memory they take.

use kube_iam_core::limits::{YAML_BYTES, YAML_MERGED_KEYS, YAML_NODES, YAML_SEPARATORS};

/// What only the general parser reads, as the first item of a list.
const ODD: &str = "- &odd x\n";

const ARN: &str = "arn:aws:iam::111122223333:role/x";

/// As many parts as fit, after a text that they need.
fn filled(before: &str, part: impl Fn(usize) -> String) -> String {
    let mut text = before.to_owned();
    for part in (0..).map(part) {
        if text.len() + part.len() > YAML_BYTES {
            break;
        }
        text.push_str(&part);
    }
    text
}

/// The same, but no more than the general parser takes.
fn counted(before: &str, separators: usize, part: &str) -> String {
    let fitting = (YAML_BYTES - before.len() - 600) / part.len();
    let times = (YAML_SEPARATORS - 600) / separators;
    format!("{before}{}", part.repeat(times.min(fitting)))
}

/// Items in brackets after a text, as many as may be.
fn brackets(before: &str, separators: usize, item: &str) -> String {
    counted(&format!("{before}["), separators + 1, &format!("{item},")) + "]"
}

/// Keys far from both ends of what the parser has looked at.
fn far_keys() -> String {
    let levels = 60;
    let half = "x,".repeat((YAML_SEPARATORS - 260 * levels) / 2);
    format!("{ODD}- [{half}{}{half}x{}]", "[".repeat(levels), "]: a".repeat(levels))
}

/// A bomb by its name.
pub(crate) fn bomb(name: &str) -> String {
    let keys = |count: usize| (0..count).map(|key| format!("  k{key:03}: v\n")).collect::<String>();
    let rows = |before: &str, row: &str| filled(before, |n| row.replace("ROLE", &format!("{ARN}{n:05}")));
    match name {
        "aliases" => filled("- &a0 [x, x, x, x, x, x, x, x]\n", |n| {
            format!("- &a{} [{}]\n", n + 1, vec![format!("*a{n}"); 8].join(", "))
        }),
        "few aliases" => {
            let line = |n: usize| format!("- &a{} [{}]\n", n + 1, vec![format!("*a{n}"); 8].join(", "));
            (0..24).map(line).fold("- &a0 [x, x, x, x, x, x, x, x]\n".to_owned(), |text, line| text + &line)
        }
        "merges" => filled("- &a0 {rolearn: x}\n", |n| format!("- &a{} {{<<: [*a{n}, *a{n}], k{n}: v}}\n", n + 1)),
        "few merges" => {
            let line = |n: usize| format!("- &a{} {{<<: [*a{n}, *a{n}], k{n}: v}}\n", n + 1);
            (0..24).map(line).fold("- &a0 {rolearn: x}\n".to_owned(), |text, line| text + &line)
        }
        "a wide map merged by every row" => counted(&format!("- &a\n{}", keys(YAML_MERGED_KEYS)), 3, "- <<: *a\n"),
        "merged into a wide map" => {
            let own = counted("", 1, "  kkkkk: v\n");
            format!("- &a\n{}-\n{own}  <<: *a\n", keys(YAML_MERGED_KEYS))
        }
        "a long name in every row" => {
            let row = format!("- {{rolearn: '{ARN}', username: *a}}\n");
            counted(&format!("- &a {}\n", "x".repeat(YAML_BYTES / 4)), 8, &row)
        }
        "a long ARN in every row" => counted(&format!("- &a {ARN}{}\n", "x".repeat(2000)), 3, "- rolearn: *a\n"),
        "many groups in every row" => {
            let groups = "  - x\n".repeat(YAML_SEPARATORS / 2);
            let row = format!("- {{rolearn: '{ARN}', groups: *a}}\n");
            counted(&format!("- &a\n{groups}"), 16, &row)
        }
        "words joined by commas in every row" => {
            // Only configuration files take one text for several groups.
            let row = format!("- {{rolearn: '{ARN}', groups: *a}}\n");
            counted(&format!("- &a '{}'\n", "x,".repeat(1000)), 8, &row)
        }
        "too many items in brackets" => filled("[", |_| "x,".to_owned()),
        "words in brackets, plain" => format!("[{}]", vec!["x"; YAML_NODES - 2].join(",")),
        "words in brackets" => brackets(&format!("{ODD}- "), 0, "x"),
        "wide words in brackets" => brackets("- &odd é\n- ", 0, "é"),
        "words in lines and brackets" => brackets(&format!("{ODD}- "), 0, "\n x"),
        "words 30 brackets deep" => brackets(&format!("{ODD}- {}", "[".repeat(29)), 0, "x") + &"]".repeat(29),
        "words 250 brackets deep" => brackets(&format!("{ODD}- {}", "[".repeat(249)), 0, "x"),
        "keys far from both ends" => far_keys(),
        "pairs in brackets" => brackets(&format!("{ODD}- "), 1, "a: a"),
        "maps in brackets" => brackets(&format!("{ODD}- "), 3, "{a: a}"),
        "tagged items in brackets" => brackets(&format!("{ODD}- "), 2, "&a !t x"),
        "rows of JSON" => {
            filled("[", |n| format!(r#"{{"rolearn":"{ARN}{n:05}","username":"u","groups":["a","b"]}},"#))
                .trim_end_matches(',')
                .to_owned()
                + "]"
        }
        "small maps of JSON" => format!("[{}]", vec![r#"{"a":1}"#; YAML_NODES / 3 - 1].join(",")),
        "empty lists" => filled("[", |_| "[],".to_owned()),
        "opening brackets" => filled("", |_| "[".to_owned()),
        "opening brackets after a colon" => filled("a: ", |_| "{a: ".to_owned()),
        "items in lines" => "- x\n".repeat(YAML_NODES - 1),
        "wide items in lines" => "- é\n".repeat(YAML_NODES - 1),
        "rows in lines" => "- a: 1\n".repeat(YAML_NODES / 3 - 1),
        "rows" => rows("", "- rolearn: ROLE\n  username: u\n  groups:\n  - a\n  - b\n"),
        "rows with CRLF" => rows("", "- rolearn: ROLE\r\n  username: u\r\n  groups:\r\n  - a\r\n  - b\r\n"),
        "rows and one odd item" => rows(ODD, "- rolearn: ROLE\n  username: u\n  groups:\n  - a\n  - b\n"),
        "items" => counted(ODD, 1, "- x\n"),
        "too many items" => filled(ODD, |_| "- x\n".to_owned()),
        "maps" => counted(ODD, 2, "- a: 1\n"),
        "nothing at all" => counted(ODD, 1, "-\n"),
        "anchors" => filled("", |n| format!("- &a{n:06} x\n")),
        "tags" => counted("", 3, "- !!str x\n"),
        "tags with a long prefix" => {
            let prefix = "x".repeat(YAML_SEPARATORS / 2);
            counted(&format!("%TAG !a! {prefix}\n---\n"), 6, "- !a!x y\n")
        }
        "directives" => (0..YAML_SEPARATORS / 16).map(|n| format!("%TAG !a{n}! x\n")).collect::<String>() + "--- a",
        "a directive of many words" => filled("%FOO", |_| " a".to_owned()),
        "complex keys" => counted(ODD, 3, "- ? a\n  : b\n"),
        "keys" => (0..YAML_SEPARATORS - 600).map(|n| format!("k{n:06}: v\n")).collect(),
        "too many keys" => filled("", |n| format!("k{n:06}: v\n")),
        "complex keys in brackets" => brackets(&format!("{ODD}- "), 2, "? a : b"),
        "maps in maps" => brackets(&format!("{ODD}- "), 5, "{a: {b: }}"),
        "braces" => brackets(&format!("{ODD}- "), 3, "{{}}"),
        "one long key" => {
            format!("{}: x", "k".repeat(1000)) + &filled("\n? ", |_| "k".to_owned())[100_000..] + "\n: v\n"
        }
        "documents" => filled("", |_| "---\n".to_owned()),
        "dashes" => filled("", |_| "- ".to_owned()),
        "comments" => filled("- &a x\n", |_| "#\n".to_owned()),
        "empty lines" => filled("- &a x\n", |_| "\n".to_owned()),
        "blanks" => filled("- &a x\n", |_| " ".to_owned()),
        "one long text" => filled("- '", |_| "é".to_owned()),
        "one long plain text" => filled("- &a x", |_| " x".to_owned()),
        "one text of many lines" => filled("- &a x", |_| "\n x".to_owned()),
        "one text of empty lines" => filled("- &a \"", |_| "\n".to_owned()),
        "one text of escapes" => filled("- &a \"", |_| "\\x41".to_owned()),
        "one block of text" => filled("- |\n", |_| "  x\n".to_owned()),
        "one folded text" => filled("- >\n", |_| "  x\n".to_owned()),
        other => panic!("no bomb is called {other}"),
    }
}

/// Their names.
pub(crate) const BOMBS: &[&str] = &[
    "aliases",
    "few aliases",
    "merges",
    "few merges",
    "a wide map merged by every row",
    "merged into a wide map",
    "a long name in every row",
    "a long ARN in every row",
    "many groups in every row",
    "words joined by commas in every row",
    "too many items in brackets",
    "words in brackets, plain",
    "words in brackets",
    "wide words in brackets",
    "words in lines and brackets",
    "words 30 brackets deep",
    "words 250 brackets deep",
    "keys far from both ends",
    "pairs in brackets",
    "maps in brackets",
    "tagged items in brackets",
    "rows of JSON",
    "small maps of JSON",
    "empty lists",
    "opening brackets",
    "opening brackets after a colon",
    "items in lines",
    "wide items in lines",
    "rows in lines",
    "rows",
    "rows with CRLF",
    "rows and one odd item",
    "items",
    "too many items",
    "maps",
    "nothing at all",
    "anchors",
    "tags",
    "tags with a long prefix",
    "directives",
    "a directive of many words",
    "complex keys",
    "keys",
    "too many keys",
    "complex keys in brackets",
    "maps in maps",
    "braces",
    "one long key",
    "documents",
    "dashes",
    "comments",
    "empty lines",
    "blanks",
    "one long text",
    "one long plain text",
    "one text of many lines",
    "one text of empty lines",
    "one text of escapes",
    "one block of text",
    "one folded text",
];

/// The text as a list of mappings in a configuration file, as far as it fits.
pub(crate) fn mounted(text: &str) -> String {
    let mut file = "server:\n  mapRoles:\n".to_owned();
    for line in text.lines() {
        if file.len() + line.len() + 3 > YAML_BYTES {
            break;
        }
        file.extend(["  ", line, "\n"]);
    }
    file
}
