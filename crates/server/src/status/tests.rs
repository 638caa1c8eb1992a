//! When it is written, on a clock that stands still until everybody waits.

use std::collections::BTreeMap;
use std::time::Duration;

use kube_iam_core::nodes::published;
use kube_iam_core::ports::BoxFuture;

use super::*;
use crate::draining::Drain;

const SETTLE: Duration = limits::STATUS_SETTLE;
const PAUSE: Duration = limits::STATUS_PAUSE;
const REFRESH: Duration = limits::STATUS_REFRESH;
const FAREWELL: Duration = limits::STATUS_FAREWELL;
/// More than it takes until everybody waits.
const MOMENT: Duration = Duration::from_millis(10);

/// What the store does.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Keeps,
    Refuses,
    Hangs,
}

/// A status ConfigMap.
struct Store {
    keys: Mutex<BTreeMap<String, String>>,
    mood: Mutex<Mood>,
    reads: Mutex<usize>,
    writes: Mutex<usize>,
}

impl Store {
    async fn answer(&self) -> Result<(), StoreFailure> {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Keeps => Ok(()),
            Mood::Refuses => Err(StoreFailure::Refused("no".to_owned())),
            Mood::Hangs => std::future::pending().await,
        }
    }
}

impl StatusStore for Store {
    fn read(&self) -> BoxFuture<'_, Result<BTreeMap<String, String>, StoreFailure>> {
        Box::pin(async {
            *self.reads.lock().unwrap() += 1;
            self.answer().await?;
            Ok(self.keys.lock().unwrap().clone())
        })
    }

    fn write<'a>(&'a self, touched: &'a BTreeMap<String, Option<String>>) -> BoxFuture<'a, Result<(), StoreFailure>> {
        Box::pin(async move {
            self.answer().await?;
            *self.writes.lock().unwrap() += 1;
            let mut keys = self.keys.lock().unwrap();
            for (key, text) in touched {
                match text {
                    Some(text) => drop(keys.insert(key.clone(), text.clone())),
                    None => drop(keys.remove(key)),
                }
            }
            Ok(())
        })
    }
}

/// A publisher under way.
struct Scene {
    store: Arc<Store>,
    notes: Arc<Notes>,
    drain: Drain,
    running: tokio::task::JoinHandle<()>,
}

fn start_of_time() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

impl Scene {
    fn with(mood: Mood, keys: BTreeMap<String, String>) -> Self {
        let begun = Instant::now();
        let clock: Clock = Arc::new(move || start_of_time() + begun.elapsed());
        let (reads, writes) = Default::default();
        let store = Arc::new(Store { keys: Mutex::new(keys), mood: Mutex::new(mood), reads, writes });
        let notes = Arc::new(Notes::new(&clock));
        let mut settings = Settings::new("my-cluster".parse().unwrap(), "/nowhere");
        settings.replica = "own".parse().unwrap();
        let publisher = Publisher::new(&settings, Arc::clone(&store) as _, Arc::clone(&notes));
        let drain = Drain::new();
        let running = tokio::spawn(publisher.run(drain.listen()));
        Self { store, notes, drain, running }
    }

    async fn new() -> Self {
        let scene = Self::with(Mood::Keeps, BTreeMap::new());
        sleep(MOMENT).await;
        scene
    }

    fn sees(&self, node: &str) {
        let now = (self.notes.clock)();
        self.notes.note(|logins| logins.note_granted(&format!("system:node:{node}"), "x", now));
    }

    fn writes(&self) -> usize {
        *self.store.writes.lock().unwrap()
    }

    fn mood(&self, mood: Mood) {
        *self.store.mood.lock().unwrap() = mood;
    }

    /// When a node logged in last as published, in seconds since the start.
    fn published(&self, node: &str) -> Option<i64> {
        let now = (self.notes.clock)();
        let logins = published(&self.store.keys.lock().unwrap(), now).logins?;
        Some(logins.last_login(node)?.as_second() - start_of_time().as_second())
    }

    /// Ends it, and says how long that took.
    async fn end(self) -> (Duration, Arc<Store>) {
        let begun = Instant::now();
        self.drain.begin();
        self.running.await.unwrap();
        (begun.elapsed(), self.store)
    }
}

#[tokio::test(start_paused = true)]
async fn news_is_told_at_once_and_then_with_pauses() {
    let scene = Scene::new().await;
    assert_eq!((*scene.store.reads.lock().unwrap(), scene.writes()), (1, 0), "it looks, and has nothing to say");
    scene.sees("a");
    sleep(SETTLE / 2).await;
    scene.sees("b");
    assert_eq!(scene.writes(), 0);
    sleep(SETTLE).await;
    assert_eq!(scene.writes(), 1);
    assert_eq!((scene.published("a"), scene.published("b")), (Some(0), Some(0)));

    for number in 0..100 {
        scene.sees(&format!("n{number}"));
    }
    sleep(PAUSE - 2 * SETTLE).await;
    assert_eq!(scene.writes(), 1);
    sleep(2 * SETTLE).await;
    assert_eq!(scene.writes(), 2);
    assert!(scene.published("n99").is_some());
    sleep(REFRESH / 2).await;
    assert_eq!(scene.writes(), 2, "silence is no news");
}

#[tokio::test(start_paused = true)]
async fn times_of_known_nodes_are_refreshed_now_and_then() {
    let scene = Scene::new().await;
    scene.sees("a");
    sleep(SETTLE + MOMENT).await;
    for _ in 0..10 {
        sleep(REFRESH / 20).await;
        scene.sees("a");
    }
    assert_eq!(scene.writes(), 1);
    sleep(REFRESH / 2).await;
    assert_eq!(scene.writes(), 2);
    assert!(scene.published("a").unwrap() >= 150);
    // Even with nothing to say, so that nobody takes it for gone.
    sleep(REFRESH + MOMENT).await;
    assert_eq!(scene.writes(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_starts_again_goes_on_with_what_it_wrote() {
    let first = Scene::new().await;
    first.sees("a");
    let (took, store) = first.end().await;
    assert!(took <= FAREWELL);
    let keys = store.keys.lock().unwrap().clone();
    assert!(keys["own"].contains(r#""a":"#), "told at the end, without a pause: {keys:?}");

    let second = Scene::with(Mood::Keeps, keys.clone());
    // Before it has read what there was.
    second.sees("b");
    sleep(MOMENT).await;
    assert_eq!((second.writes(), second.published("a").is_some(), second.published("b")), (1, true, Some(0)));
    let (_, store) = second.end().await;
    assert_eq!(*store.writes.lock().unwrap(), 1, "nothing to tell at the end");

    let damaged = BTreeMap::from([("own".to_owned(), "{}".to_owned())]);
    let third = Scene::with(Mood::Keeps, damaged);
    sleep(MOMENT).await;
    third.sees("c");
    sleep(SETTLE + MOMENT).await;
    assert_eq!(third.published("c"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_tried_again_with_pauses_and_told_in_the_end() {
    let scene = Scene::with(Mood::Refuses, BTreeMap::new());
    scene.sees("a");
    sleep(MOMENT).await;
    scene.sees("b");
    sleep(10 * PAUSE).await;
    assert_eq!((*scene.store.reads.lock().unwrap(), scene.writes()), (11, 0));
    scene.mood(Mood::Keeps);
    sleep(PAUSE).await;
    assert_eq!((scene.writes(), scene.published("a"), scene.published("b")), (1, Some(0), Some(0)));

    // What fails after it has been noted as told is told with the next write.
    scene.mood(Mood::Refuses);
    sleep(PAUSE).await;
    scene.sees("c");
    sleep(2 * SETTLE).await;
    scene.mood(Mood::Keeps);
    sleep(PAUSE).await;
    assert!(scene.published("c").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_no_store_that_hangs() {
    let scene = Scene::new().await;
    scene.mood(Mood::Hangs);
    scene.sees("a");
    sleep(2 * SETTLE).await;
    let (took, store) = scene.end().await;
    assert!(took <= 2 * FAREWELL, "{took:?}");
    assert!(2 * FAREWELL < limits::DRAIN);
    assert_eq!(*store.writes.lock().unwrap(), 0);
}
