//! YAML that is meant to cost more than it weighs, read in a process of its own.
//!
//! How much memory a reader takes is the process's peak before and after it. For
//! that the test starts this program again with nothing else to do.

use kube_iam_core::aws_auth::{Section, read_section};
use kube_iam_core::config::{Format, parse};
use kube_iam_core::limits::{YAML_BYTES, YAML_INDICATORS, YAML_NODES};
use tokio::process::Command;

use crate::process::finish;

/// Most that reading one text may add, in KiB.
const GROWTH_KIB: u64 = 64 * 1024;

/// Names the text in the environment of the process that reads it.
const BOMB: &str = "KUBE_IAM_TEST_BOMB";

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
fn bomb(name: &str) -> String {
    let separators = YAML_INDICATORS - 8;
    match name {
        "small aliases" => aliases(1024),
        "large aliases" => aliases(YAML_BYTES - 200),
        "small merges" => merges(1024),
        "large merges" => merges(YAML_BYTES - 200),
        "too many items in brackets" => flow("x", YAML_BYTES / 2 - 1),
        "as many items in brackets as may be" => flow("x", separators),
        "as many wide items in brackets as may be" => flow("é", separators),
        "as many pairs in brackets as may be" => flow("a: a", separators / 2),
        "as many maps in brackets as may be" => flow("{a: a}", separators / 4),
        "as many tagged items as may be" => flow("&a !t x", separators / 3),
        "empty lists" => flow("[]", YAML_BYTES / 3 - 1),
        "items in lines" => "- x\n".repeat(YAML_NODES - 1),
        "wide items in lines" => "- é\n".repeat(YAML_NODES - 1),
        "rows in lines" => "- a: 1\n".repeat(YAML_NODES / 3 - 1),
        "keys" => (0..YAML_BYTES / 16).map(|i| format!("k{i:06}: v\n")).collect(),
        "one long text" => format!("- '{}'", "é".repeat(YAML_BYTES / 2 - 4)),
        "opening brackets" => "[".repeat(YAML_BYTES),
        "anchors" => (0..YAML_BYTES / 16).map(|i| format!("- &a{i:06} x\n")).collect(),
        other => panic!("no bomb is called {other}"),
    }
}

const BOMBS: [&str; 18] = [
    "small aliases",
    "large aliases",
    "small merges",
    "large merges",
    "too many items in brackets",
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

/// A figure of this process, in KiB.
fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// As a section of aws-auth, and as a mounted file with that section.
fn read(name: &str) {
    let text = bomb(name);
    // The file as far as it fits.
    let mut file = "server:\n  mapRoles:\n".to_string();
    for line in text.lines() {
        if file.len() + line.len() + 3 > YAML_BYTES {
            break;
        }
        file.extend(["  ", line, "\n"]);
    }
    assert!(text.len() <= YAML_BYTES);
    // What is resident now, not the peak: the texts themselves are made and paid for.
    let before = status("VmRSS");
    drop(read_section(Section::MapRoles, &text));
    let section = status("VmHWM");
    drop(parse(&file, Format::Yaml));
    let mounted = status("VmHWM");
    for (way, after) in [("aws-auth", section), ("a mounted file", mounted)] {
        let growth = after.saturating_sub(before);
        assert!(growth < GROWTH_KIB, "{name} as {way}: {growth} KiB");
    }
}

#[tokio::test]
async fn a_bomb_of_yaml_costs_less_than_64_mib() {
    if let Ok(name) = std::env::var(BOMB) {
        return read(&name);
    }
    for name in BOMBS {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "yaml_bombs::a_bomb_of_yaml_costs_less_than_64_mib"]).env(BOMB, name);
        let finished = finish(&mut again).await;
        assert!(finished.code == Some(0) && finished.stdout.contains("1 passed"), "{name}: {finished:?}");
    }
}
