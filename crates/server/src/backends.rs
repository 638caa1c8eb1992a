//! The backends that change while the server runs.

pub(crate) mod eks_config_map;
mod saved_state;
