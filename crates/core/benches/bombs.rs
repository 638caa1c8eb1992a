//! Texts of YAML that are meant to cost more than they weigh.

use kube_iam_core::limits::{YAML_BYTES, YAML_INDICATORS, YAML_NODES};

/// Lists of aliases on aliases, as many as fit below a size: copied, they would be 8 to the power of their number.
fn aliases(bytes: usize) -> String {
    let mut text = "- &a0 [x, x, x, x, x, x, x, x]\n".to_string();
    for level in 1.. {
        let line = format!("- &a{level} [{}]\n", vec![format!("*a{}", level - 1); 8].join(", "));
        if text.len() + line.len() > bytes {
            break;
        }
        text.push_str(&line);
    }
    text
}

/// Maps that merge the one before twice, as many as fit.
fn merges(bytes: usize) -> String {
    let mut text = "- &a0 {rolearn: x}\n".to_string();
    for level in 1.. {
        let below = level - 1;
        let line = format!("- &a{level} {{<<: [*a{below}, *a{below}], k{level}: v}}\n");
        if text.len() + line.len() > bytes {
            break;
        }
        text.push_str(&line);
    }
    text
}

/// A list in brackets of one item again and again.
fn flow(item: &str, times: usize) -> String {
    format!("[{}]", vec![item; times].join(","))
}

/// A bomb by its name. A list in brackets is looked at to its end before anything of it is built.
pub(crate) fn bomb(name: &str) -> String {
    let separators = YAML_INDICATORS - 8;
    match name {
        "small aliases" => aliases(1024),
        "large aliases" => aliases(YAML_BYTES - 200),
        "small merges" => merges(1024),
        "large merges" => merges(YAML_BYTES - 200),
        "words in brackets" => flow("x", YAML_NODES - 1),
        "too many words in brackets" => flow("x", YAML_BYTES / 2 - 1),
        "as many items in brackets as may be" => flow("-x", separators),
        "as many wide items in brackets as may be" => flow("-é", separators),
        "as many pairs in brackets as may be" => flow("a: a", separators / 2),
        "as many maps in brackets as may be" => flow("{a: -a}", separators / 4),
        "as many tagged items as may be" => flow("&a !t x", separators / 3),
        "rows of JSON" => flow("{\"a\":\"a\"}", YAML_NODES / 3 - 1),
        "empty lists" => flow("[]", YAML_BYTES / 3 - 1),
        "items in lines" => "- x\n".repeat(YAML_NODES - 1),
        "wide items in lines" => "- é\n".repeat(YAML_NODES - 1),
        "rows in lines" => "- a: 1\n".repeat(YAML_NODES / 3 - 1),
        "keys" => (0..separators).map(|i| format!("k{i:06}: v\n")).collect(),
        "one long text" => format!("- '{}'", "é".repeat(YAML_BYTES / 2 - 4)),
        "opening brackets" => "[".repeat(YAML_BYTES),
        "anchors" => (0..separators).map(|i| format!("- &a{i:06} x\n")).collect(),
        other => panic!("no bomb is called {other}"),
    }
}

pub(crate) const BOMBS: [&str; 20] = [
    "small aliases",
    "large aliases",
    "small merges",
    "large merges",
    "words in brackets",
    "too many words in brackets",
    "rows of JSON",
    "as many items in brackets as may be",
    "as many wide items in brackets as may be",
    "as many pairs in brackets as may be",
    "as many maps in brackets as may be",
    "as many tagged items as may be",
    "empty lists",
    "items in lines",
    "wide items in lines",
    "rows in lines",
    "keys",
    "one long text",
    "opening brackets",
    "anchors",
];
