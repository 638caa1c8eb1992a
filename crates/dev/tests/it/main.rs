//! What keeps the project as `ARCHITECTURE.md` and `CONTRIBUTING.md` describe it.

mod corpora;
mod frontier;
mod reasons;
mod tree;
