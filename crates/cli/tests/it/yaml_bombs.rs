//! YAML that is meant to cost more than it weighs, read in a process of its own.
//!
//! How much memory a reader takes is the process's peak before and after it. For
//! that the test starts this program again with nothing else to do.

use kube_iam_core::aws_auth::{Section, read_section};
use kube_iam_core::config::{Format, parse};
use kube_iam_core::limits::YAML_BYTES;
use tokio::process::Command;

use crate::process::finish;

/// The benchmark of the core reads the same ones.
#[path = "../../../core/benches/bombs.rs"]
mod bombs;

use bombs::{BOMBS, bomb};

/// Most that reading one text may add, in KiB.
const GROWTH_KIB: u64 = 64 * 1024;

/// Names the text in the environment of the process that reads it.
const BOMB: &str = "KUBE_IAM_TEST_BOMB";

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
