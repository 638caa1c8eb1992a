//! Not shipped: what measures and guards the project.

pub mod load;
pub mod process;
