//! What is asked of STS, and what its reply proves.

mod reply;
mod request;

pub use reply::{StsError, conclude};
pub use request::StsRequest;
