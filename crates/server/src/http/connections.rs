//! Who may keep a connection when there are too many.
//!
//! kube-apiserver and everybody else on the host come from the same address, so
//! that a bound per address would protect nobody. What tells them apart is what
//! they do: at the bound, the connection is closed that has gone longest
//! without an answer; those that never had one go first, the oldest of them
//! before all. One that waits for STS is never closed. A client that connects
//! and asks at once is therefore the last to be closed, and slow ones go.
//!
//! The bytes of bodies that are not complete yet are bounded too, but every
//! connection always may have one review's worth of them: slow ones never keep
//! others from having theirs read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube_iam_core::limits::REVIEW_BYTES;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::limits::Limits;

/// The open connections of a listener.
pub(super) struct Connections {
    limit: usize,
    bytes_limit: usize,
    /// Of bodies that are not complete, on all connections.
    bytes: AtomicUsize,
    count: Gauge,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    by_number: HashMap<u64, Arc<Connection>>,
}

/// One open connection.
pub(super) struct Connection {
    number: u64,
    connections: Arc<Connections>,
    activity: Mutex<Activity>,
    /// Tells its task to drop it.
    evicted: Notify,
}

struct Activity {
    /// Requests whose body is being read.
    reading: usize,
    /// What of these bodies has arrived.
    bytes: usize,
    /// Requests that are being answered.
    answering: usize,
    /// When the connection was opened or a request ended.
    since: Instant,
    answered_before: bool,
}

impl Connections {
    pub(super) fn new(limits: &Limits, count: Gauge) -> Arc<Self> {
        Arc::new(Self {
            limit: limits.connections,
            bytes_limit: limits.body_bytes,
            bytes: AtomicUsize::new(0),
            count,
            open: Mutex::default(),
        })
    }

    /// Takes on a connection, at the cost of another one if need be; `None` if
    /// every other one waits for an answer of ours.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Admitted> {
        let mut open = self.open();
        if open.by_number.len() >= self.limit {
            let number = open.dispensable()?;
            if let Some(connection) = open.by_number.remove(&number) {
                connection.evicted.notify_one();
            }
        }
        open.next += 1;
        let activity = Activity { reading: 0, bytes: 0, answering: 0, since: Instant::now(), answered_before: false };
        let connection = Arc::new(Connection {
            number: open.next,
            connections: Arc::clone(self),
            activity: Mutex::new(activity),
            evicted: Notify::new(),
        });
        open.by_number.insert(connection.number, Arc::clone(&connection));
        self.count.inc();
        Some(Admitted(connection))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The connection to close first.
    ///
    /// Those that never had an answer are first, unless they are few: somebody who
    /// holds the places of the answered must not make the few others the victims.
    fn dispensable(&self) -> Option<u64> {
        let quiet = |connection: &Connection| {
            let activity = connection.activity();
            (activity.answering == 0).then_some((activity.answered_before, activity.since))
        };
        let quiet: Vec<_> = self
            .by_number
            .values()
            .filter_map(|connection| quiet(connection).map(|(answered, since)| (answered, since, connection.number)))
            .collect();
        let strangers = quiet.iter().filter(|(answered, ..)| !answered).count();
        let first = strangers > self.by_number.len() / 2 || strangers == quiet.len();
        let candidates = quiet.into_iter().filter(|(answered, ..)| *answered != first);
        candidates.map(|(_, since, number)| (since, number)).min().map(|(_, number)| number)
    }
}

/// A connection's place; given back when it is dropped.
pub(super) struct Admitted(Arc<Connection>);

impl Admitted {
    /// The connection, for the requests on it.
    pub(super) fn share(&self) -> Arc<Connection> {
        Arc::clone(&self.0)
    }
}

impl std::ops::Deref for Admitted {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.connections.open().by_number.remove(&self.0.number);
        self.0.connections.count.dec();
    }
}

impl Connection {
    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends once the connection has to make room.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Since when nothing has been under way, and whether anything ever was;
    /// `None` while something is.
    pub(super) fn quiet_since(&self) -> Option<(Instant, bool)> {
        let activity = self.activity();
        (activity.reading + activity.answering == 0).then_some((activity.since, activity.answered_before))
    }

    /// Begins a request whose body is to be read.
    pub(super) fn begin(&self) -> Visit<'_> {
        self.activity().reading += 1;
        Visit { connection: self, reading: true, bytes: 0 }
    }
}

/// One request under way.
pub(super) struct Visit<'a> {
    connection: &'a Connection,
    reading: bool,
    bytes: usize,
}

impl Visit<'_> {
    /// So many bytes more of the body have arrived; `false` if they are too many
    /// to be kept.
    pub(super) fn hold(&mut self, bytes: usize) -> bool {
        let (total, mut activity) = (&self.connection.connections.bytes, self.connection.activity());
        let full = total.load(Ordering::Relaxed) + bytes > self.connection.connections.bytes_limit;
        if full && activity.bytes + bytes > REVIEW_BYTES {
            return false;
        }
        total.fetch_add(bytes, Ordering::Relaxed);
        activity.bytes += bytes;
        self.bytes += bytes;
        true
    }

    /// From here on it is our turn.
    pub(super) fn body_has_arrived(&mut self) {
        let mut activity = self.connection.activity();
        self.end_reading(&mut activity);
        activity.answering += 1;
    }

    fn end_reading(&mut self, activity: &mut Activity) {
        self.connection.connections.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        activity.bytes -= self.bytes;
        activity.reading -= 1;
        self.reading = false;
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let mut activity = self.connection.activity();
        if self.reading {
            self.end_reading(&mut activity);
        } else {
            activity.answering -= 1;
            activity.answered_before = true;
        }
        activity.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(limit: usize, body_bytes: usize) -> Arc<Connections> {
        Connections::new(&Limits { connections: limit, body_bytes, ..Limits::default() }, Gauge::default())
    }

    async fn is_evicted(connection: &Connection) -> bool {
        tokio::time::timeout(std::time::Duration::from_millis(1), connection.evicted()).await.is_ok()
    }

    /// Each a second older than the next one.
    async fn admit(connections: &Arc<Connections>, answered: bool) -> Admitted {
        let place = connections.admit().unwrap();
        if answered {
            place.begin().body_has_arrived();
        }
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        place
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_newcomers_are_not_the_victims_of_those_who_hold_the_places() {
        // Who comes in what order, whether they had an answer, and who has to go.
        for (answered, goes) in [
            // Strangers are half of all, or fewer: the quietest of the others goes.
            (&[true, true, true, false][..], 0),
            (&[false, true, true, true], 1),
            (&[false, true, false, true], 1),
            // They are more: the oldest of them goes.
            (&[true, false, false, false], 1),
            (&[false, true, false], 0),
            // There is nobody else.
            (&[true, true], 0),
            (&[false, false], 0),
        ] {
            let connections = connections(answered.len(), 10);
            let mut places = Vec::new();
            for answered in answered {
                places.push(admit(&connections, *answered).await);
            }
            let newest = connections.admit().unwrap();
            for (index, place) in places.iter().enumerate() {
                assert_eq!(is_evicted(place).await, index == goes, "{answered:?}: {index}");
            }
            assert!(!is_evicted(&newest).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_without_an_answer_makes_room() {
        let connections = connections(3, 10);
        let useful = connections.admit().unwrap();
        drop({
            let mut visit = useful.begin();
            visit.body_has_arrived();
            visit
        });
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let slow = connections.admit().unwrap();
        let _trickles = slow.begin();
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let young = connections.admit().unwrap();
        let newest = connections.admit().unwrap();
        assert!(is_evicted(&slow).await);
        for kept in [&useful, &young, &newest] {
            assert!(!is_evicted(kept).await);
        }
    }

    #[tokio::test]
    async fn whoever_waits_for_our_answer_stays() {
        let connections = connections(1, 10);
        let waiting = connections.admit().unwrap();
        let mut visit = waiting.begin();
        visit.body_has_arrived();
        assert!(connections.admit().is_none());
        assert!(waiting.quiet_since().is_none());
        drop(visit);
        assert!(waiting.quiet_since().is_some_and(|(_, answered)| answered));
        assert!(connections.admit().is_some());
        assert!(is_evicted(&waiting).await);
    }

    #[tokio::test]
    async fn places_are_given_back() {
        let connections = connections(2, 10);
        for _ in 0..5 {
            let (a, b) = (connections.admit().unwrap(), connections.admit().unwrap());
            assert!(!is_evicted(&a).await && !is_evicted(&b).await);
        }
    }

    #[tokio::test]
    async fn every_connection_may_hold_one_review_however_much_others_hold() {
        let connections = connections(10, 3 * REVIEW_BYTES);
        let (greedy, other) = (connections.admit().unwrap(), connections.admit().unwrap());
        let mut visits: Vec<_> = (0..4).map(|_| greedy.begin()).collect();
        let held: Vec<_> = visits.iter_mut().map(|visit| visit.hold(REVIEW_BYTES)).collect();
        assert_eq!(held, [true, true, true, false]);
        let mut visit = other.begin();
        assert!(visit.hold(REVIEW_BYTES));
        assert!(!visit.hold(1));
        drop((visits, visit));
        assert_eq!(connections.bytes.load(Ordering::Relaxed), 0);
        assert!(greedy.begin().hold(1));
    }
}
