//! What reading YAML of up to 1 MiB costs at the worst: `cargo bench -p kube-iam-core --bench yaml`.

mod bombs;

use bombs::{BOMBS, bomb, mounted};
use divan::{Bencher, black_box};
use kube_iam_core::aws_auth::{Section, read_section};
use kube_iam_core::config::{Format, parse};

fn main() {
    divan::main();
}

/// As a section of aws-auth.
#[divan::bench(args = BOMBS, sample_count = 10, sample_size = 1)]
fn section(bencher: Bencher<'_, '_>, name: &str) {
    let text = bomb(name);
    bencher.bench_local(|| drop(read_section(Section::MapRoles, black_box(&text))));
}

/// As a configuration file.
#[divan::bench(args = BOMBS, sample_count = 10, sample_size = 1)]
fn file(bencher: Bencher<'_, '_>, name: &str) {
    let text = bomb(name);
    bencher.bench_local(|| drop(parse(black_box(&text), Format::Yaml)));
}

/// As the mappings in a configuration file.
#[divan::bench(args = BOMBS, sample_count = 10, sample_size = 1)]
fn mounted_section(bencher: Bencher<'_, '_>, name: &str) {
    let text = mounted(&bomb(name));
    bencher.bench_local(|| drop(parse(black_box(&text), Format::Yaml)));
}
