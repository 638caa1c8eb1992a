//! The corpora of the fuzz targets, replayed.

use std::path::Path;

#[path = "../../../../fuzz/bodies.rs"]
mod bodies;

#[test]
fn every_input_of_every_corpus_holds() {
    for (name, body) in bodies::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let mut replayed = 0;
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let input = std::fs::read(&path).unwrap();
            let held = std::panic::catch_unwind(|| body(&input));
            assert!(held.is_ok(), "{}", path.display());
            replayed += 1;
        }
        assert!(replayed >= 9, "the corpus of {name} is too small: {replayed}");
    }
}

#[test]
fn every_target_is_built() {
    let manifest = include_str!("../../../../fuzz/Cargo.toml");
    for (name, _) in bodies::TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no binary of fuzz/Cargo.toml");
    }
}
