//! The stand-in as its clients see it.

mod aws_clients;
mod client;
mod eks;
mod faults;
mod machine;
mod nodes;
mod sessions;
mod signer;
mod sts;
mod transport;

use jiff::Timestamp;
use kube_iam_standin::{Key, MovableClock, Principal, Settings, StandIn};

/// The user of most tests.
pub(crate) const USER: &str = "arn:aws:iam::111122223333:user/team/jo";

/// Half past noon of some day: far from any change of date.
pub(crate) fn noon() -> Timestamp {
    "2026-01-02T12:30:00Z".parse().unwrap()
}

pub(crate) fn key() -> Key {
    Key::long_term(
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        Principal::new(USER, "AIDACKCEVSQ6C2EXAMPLE"),
    )
}

/// A stand-in that knows [`key`], at [`noon`] until its clock is moved.
pub(crate) async fn at_noon(settings: Settings) -> (StandIn, MovableClock) {
    let clock = MovableClock::at(noon());
    let settings = Settings { keys: [vec![key()], settings.keys].concat(), clock: clock.clock(), ..settings };
    (StandIn::start(settings).await.unwrap(), clock)
}
