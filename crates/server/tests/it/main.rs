//! The webhook process from outside: a real TLS client over loopback, with
//! scripted ports behind it.

mod client;
mod scripted;
mod stage;
mod tokens;

mod break_glass;
mod decisions;
mod files;
mod hostile;
mod identity_cache;
mod last_good;
mod lifecycle;
mod logs;
mod metrics;
mod nodes;
mod status;
