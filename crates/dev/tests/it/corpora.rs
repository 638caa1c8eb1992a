//! The corpora of the fuzz targets, replayed.

use std::path::Path;

#[path = "../../../../fuzz/bodies.rs"]
#[expect(unreachable_pub, reason = "a library of its own where the targets are built")]
mod bodies;

#[test]
fn every_input_of_every_corpus_holds() {
    for (name, body) in bodies::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let (mut accepted, mut refused) = (0, 0);
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let input = std::fs::read(&path).unwrap();
            match std::panic::catch_unwind(|| body(&input)) {
                Ok(true) => accepted += 1,
                Ok(false) => refused += 1,
                Err(_) => panic!("{}", path.display()),
            }
        }
        assert!(accepted >= 2 && refused >= 2, "the corpus of {name}: {accepted} accepted, {refused} refused");
    }
}

#[test]
fn every_target_is_built() {
    let manifest = include_str!("../../../../fuzz/Cargo.toml");
    for (name, _) in bodies::TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no binary of fuzz/Cargo.toml");
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets").join(name);
        let target = std::fs::read_to_string(target.with_extension("rs")).unwrap();
        assert!(target.contains(&format!("bodies::{name}(")), "fuzz target {name} runs another body");
    }
}
