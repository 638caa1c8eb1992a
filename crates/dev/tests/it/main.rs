//! What keeps the project as `ARCHITECTURE.md` and `CONTRIBUTING.md` describe it.

mod compat;
mod corpora;
mod documents;
mod frontier;
mod rules;
mod tree;
mod walls;
