//! Scripted conversations with an API server, on a clock that stands still until
//! everybody waits: what a real one does only under stress. Each ends by watching that
//! nothing more is asked.

use std::convert::Infallible;

use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use tower_test::mock::{self, Handle, SendResponse};

use super::*;

type Answers = Response<Body>;

/// An API server, and an edit under way there.
struct Script {
    requests: Handle<Request<Body>, Answers>,
}

/// A request that waits for its answer.
struct Asked {
    line: String,
    body: Value,
    reply: SendResponse<Answers>,
    at: Instant,
}

fn script() -> (AwsAuthStore, Script) {
    let (service, requests) = mock::pair();
    (AwsAuthStore::new(Client::new(service, "default")), Script { requests })
}

impl Script {
    async fn asked(&mut self) -> Asked {
        let (request, reply) = self.requests.next_request().await.expect("a request");
        let line = format!("{} {}", request.method(), request.uri());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Asked { line, body, reply, at: Instant::now() }
    }

    async fn asked_to_read(&mut self) -> Asked {
        let asked = self.asked().await;
        assert_eq!(asked.line, format!("GET {OBJECT}"));
        asked
    }

    async fn asked_to_patch(&mut self, version: &str, text: &str) -> Asked {
        let asked = self.asked().await;
        assert_eq!(asked.line, format!("PATCH {OBJECT}?fieldManager=kube-iam"));
        let patch = json!({ "metadata": { "uid": "u", "resourceVersion": version }, "data": { "mapUsers": text } });
        assert_eq!(asked.body, patch);
        asked
    }

    async fn ends(mut self) {
        let more = tokio::time::timeout(Duration::from_secs(3600), self.requests.next_request()).await;
        assert!(matches!(more, Err(_) | Ok(None)), "nothing more is asked");
    }
}

impl Asked {
    fn answer(self, object: &Value) {
        self.reply.send_response(Response::new(Body::from(object.to_string().into_bytes())));
    }

    fn refuse(self, status: u16, reason: &str, message: &str) {
        let body = json!({ "kind": "Status", "message": message, "reason": reason, "code": status });
        let mut response = Response::new(Body::from(body.to_string().into_bytes()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        if status == 429 {
            response.headers_mut().insert(header::RETRY_AFTER, "3".parse().unwrap());
        }
        self.reply.send_response(response);
    }

    fn conflict(self) {
        self.refuse(409, "Conflict", "the object has been modified");
    }

    /// As a connection that breaks does.
    fn break_off(self) {
        self.reply.send_error(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    }
}

fn object(version: &str, users: &str) -> Value {
    json!({
        "kind": "ConfigMap", "apiVersion": "v1", "data": { "mapUsers": users },
        "metadata": { "name": "aws-auth", "namespace": "kube-system", "uid": "u", "resourceVersion": version },
    })
}

fn touching(text: &str) -> Touched {
    Touched { data: BTreeMap::from([("mapUsers".to_owned(), Some(text.to_owned()))]), ..Touched::default() }
}

/// Appends a letter unless it is there.
fn append(letter: char) -> impl FnMut(&Attempt<'_>) -> Result<Derived, Infallible> {
    move |attempt| {
        let Current::Stored(stored) = attempt.current else { return Ok(Derived::Write(touching(&letter.to_string()))) };
        match stored.data["mapUsers"].contains(letter) {
            true => Ok(Derived::Unchanged),
            false => Ok(Derived::Write(touching(&format!("{}{letter}", stored.data["mapUsers"])))),
        }
    }
}

async fn edit(store: &AwsAuthStore) -> Result<Edited, EditError<Infallible>> {
    edit_until(store, None, &WriteOptions::default(), append('x')).await
}

/// The text that an edit has left.
fn written(edited: Result<Edited, EditError<Infallible>>) -> String {
    match edited {
        Ok(Edited::Written(stored)) => stored.data["mapUsers"].clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_one_read_and_one_write() {
    let (store, mut script) = script();
    let (edited, ()) = tokio::join!(edit(&store), async {
        script.asked_to_read().await.answer(&object("5", "a"));
        script.asked_to_patch("5", "ax").await.answer(&object("6", "ax"));
        script.ends().await;
    });
    assert_eq!(written(edited), "ax");
}

#[tokio::test(start_paused = true)]
async fn what_is_as_it_should_be_is_not_written() {
    let (store, mut script) = script();
    let (edited, ()) = tokio::join!(edit(&store), async {
        script.asked_to_read().await.answer(&object("5", "x"));
        script.ends().await;
    });
    assert!(matches!(edited, Ok(Edited::Unchanged(Current::Stored(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_derived_anew() {
    let (store, mut script) = script();
    let (edited, ()) = tokio::join!(edit(&store), async {
        script.asked_to_read().await.answer(&object("5", "a"));
        script.asked_to_patch("5", "ax").await.conflict();
        script.asked_to_read().await.answer(&object("6", "ab"));
        script.asked_to_patch("6", "abx").await.refuse(404, "NotFound", "not found");
        // Deleted meanwhile: it is created, and somebody else is faster.
        script.asked_to_read().await.refuse(404, "NotFound", "not found");
        let creation = script.asked().await;
        assert_eq!(creation.line, format!("POST {COLLECTION}?fieldManager=kube-iam"));
        let created = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": { "mapUsers": "x" },
            "metadata": { "name": "aws-auth", "namespace": "kube-system" },
        });
        assert_eq!(creation.body, created);
        creation.refuse(409, "AlreadyExists", "already exists");
        script.asked_to_read().await.answer(&object("8", "c"));
        script.asked_to_patch("8", "cx").await.answer(&object("9", "cx"));
        script.ends().await;
    });
    assert_eq!(written(edited), "cx");
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_is_looked_for() {
    let (store, mut script) = script();
    let (edited, ()) = tokio::join!(edit(&store), async {
        script.asked_to_read().await.answer(&object("5", "a"));
        script.asked_to_patch("5", "ax").await.break_off();
        script.asked_to_read().await.refuse(503, "", "starting");
        script.asked_to_read().await.answer(&object("6", "ax"));
        script.ends().await;
    });
    assert_eq!(written(edited), "ax");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_lost_is_repeated() {
    let (store, mut script) = script();
    let (edited, ()) = tokio::join!(edit(&store), async {
        script.asked_to_read().await.answer(&object("5", "a"));
        script.asked_to_patch("5", "ax").await.refuse(504, "Timeout", "it may still be processed");
        script.asked_to_read().await.answer(&object("5", "a"));
        // It was late, and conflicts with itself.
        script.asked_to_patch("5", "ax").await.conflict();
        script.asked_to_read().await.answer(&object("6", "ax"));
        script.ends().await;
    });
    assert_eq!(written(edited), "ax");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_found_below_a_later_write_is_its_own() {
    let (store, mut script) = script();
    let mut doubts = Vec::new();
    let mut derive = append('x');
    let options = WriteOptions::default();
    let edit = edit_until(&store, None, &options, |attempt| {
        doubts.push(attempt.maybe_written);
        derive(attempt)
    });
    let (edited, ()) = tokio::join!(edit, async {
        script.asked_to_read().await.answer(&object("5", "a"));
        script.asked_to_patch("5", "ax").await.break_off();
        script.asked_to_read().await.answer(&object("7", "axb"));
        script.ends().await;
    });
    assert_eq!(written(edited), "axb");
    assert_eq!(doubts, [false, true]);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_throttled_waits_as_long_as_asked() {
    let (store, mut script) = script();
    let (edited, ()) = tokio::join!(edit(&store), async {
        let read = script.asked_to_read().await;
        let at = read.at;
        read.refuse(429, "TooManyRequests", "slow down");
        let read = script.asked_to_read().await;
        assert_eq!(read.at - at, Duration::from_secs(3));
        read.answer(&object("5", "a"));
        let write = script.asked_to_patch("5", "ax").await;
        let at = write.at;
        write.refuse(429, "TooManyRequests", "slow down");
        let read = script.asked_to_read().await;
        assert_eq!(read.at - at, Duration::from_secs(3));
        read.answer(&object("5", "a"));
        script.asked_to_patch("5", "ax").await.answer(&object("6", "ax"));
        script.ends().await;
    });
    assert_eq!(written(edited), "ax");
}

#[tokio::test(start_paused = true)]
async fn what_is_certain_ends_it_at_once() {
    for (status, message) in [(403, "no"), (422, "immutable"), (400, "admission webhook \"a\" denied the request: no")]
    {
        let (store, mut script) = script();
        let (edited, ()) = tokio::join!(edit(&store), async {
            script.asked_to_read().await.answer(&object("5", "a"));
            script.asked_to_patch("5", "ax").await.refuse(status, "", message);
            script.ends().await;
        });
        assert!(matches!(edited, Err(EditError::Api(_))), "{status}");
    }
    let (store, mut script) = script();
    let (edited, ()) = tokio::join!(edit(&store), async {
        script.asked_to_read().await.break_off();
        script.ends().await;
    });
    assert!(matches!(edited, Err(EditError::Api(ApiError::Broken(_)))), "{edited:?}");
}

#[tokio::test(start_paused = true)]
async fn conflicts_end_with_the_time() {
    let (store, mut script) = script();
    let start = Instant::now();
    let (edited, attempts) = tokio::join!(edit(&store), async {
        let mut version = 5;
        while let Ok(Some((request, reply))) =
            tokio::time::timeout(Duration::from_secs(600), script.requests.next_request()).await
        {
            let (line, body, at) = (request.method().to_string(), Value::Null, Instant::now());
            let asked = Asked { line, body, reply, at };
            match asked.line.as_str() {
                "GET" => asked.answer(&object(&version.to_string(), "a")),
                _ => {
                    version += 1;
                    asked.conflict();
                }
            }
        }
        version - 5
    });
    let Err(error @ EditError::Conflicts { .. }) = edited else { panic!("{edited:?}") };
    let text = format!("aws-auth is not changed: others changed it before each of {attempts} attempts within 60 s");
    assert_eq!(error.to_string(), text);
    // A pause is a second on average once they have grown.
    assert!((30..200).contains(&attempts), "{attempts}");
    assert!(start.elapsed() >= Duration::from_secs(59));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_fate_stays_unknown_is_said_to_be() {
    let (store, mut script) = script();
    let start = Instant::now();
    let timed = async { (edit(&store).await, start.elapsed()) };
    let ((edited, took), silent) = tokio::join!(timed, async {
        script.asked_to_read().await.answer(&object("5", "a"));
        let mut silent = vec![script.asked_to_patch("5", "ax").await.reply];
        while let Ok(Some((_, reply))) =
            tokio::time::timeout(Duration::from_secs(600), script.requests.next_request()).await
        {
            silent.push(reply);
        }
        silent
    });
    let Err(EditError::Unknown(ApiError::Timeout(limits::WRITE))) = edited else { panic!("{edited:?}") };
    assert!(silent.len() > 2);
    assert!(took >= limits::EDIT && took <= limits::EDIT + limits::LAST_LOOK, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_last_look_tells_what_became_of_a_write_at_the_end() {
    let (store, mut script) = script();
    let options = WriteOptions { timeout: Duration::from_secs(2), ..WriteOptions::default() };
    let (edited, ()) = tokio::join!(edit_until(&store, None, &options, append('x')), async {
        script.asked_to_read().await.answer(&object("5", "a"));
        let _silent = script.asked_to_patch("5", "ax").await;
        script.asked_to_read().await.answer(&object("6", "ax"));
        script.ends().await;
    });
    assert_eq!(written(edited), "ax");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_so_and_leaves_nothing_to_look_for() {
    let (store, mut script) = script();
    let options = WriteOptions { dry_run: true, field_manager: "a b".to_owned(), ..WriteOptions::default() };
    let (edited, ()) = tokio::join!(edit_until(&store, None, &options, append('x')), async {
        script.asked_to_read().await.answer(&object("5", "a"));
        for last in [false, true] {
            let asked = script.asked().await;
            assert_eq!(asked.line, format!("PATCH {OBJECT}?fieldManager=a%20b&dryRun=All"));
            match last {
                true => asked.answer(&object("5", "ax")),
                false => {
                    asked.break_off();
                    script.asked_to_read().await.answer(&object("5", "a"));
                }
            }
        }
        script.ends().await;
    });
    assert_eq!(written(edited), "ax");
}

#[tokio::test(start_paused = true)]
async fn the_size_is_checked_before_anything_is_sent() {
    let mut stored = object("5", "a");
    // Three bytes of binary data, and four of another key; `mapUsers` is replaced.
    stored["binaryData"] = json!({ "b": "AAEC" });
    stored["data"]["other"] = "1234".into();
    let current = Current::Stored(Box::new(Stored::parse(stored.to_string().as_bytes()).unwrap()));
    let longest = "x".repeat(limits::DATA_BYTES - 7);
    let options = WriteOptions::default();

    let (store, mut script) = script();
    let touched = touching(&longest);
    let (answer, ()) = tokio::join!(store.write_if_unchanged(&current, &touched, &options), async {
        script.asked_to_patch("5", &longest).await.answer(&object("6", "a"));
    });
    assert!(matches!(answer, Ok(Answer::Written(_))));
    let answer = store.write_if_unchanged(&current, &touching(&format!("{longest}x")), &options).await;
    let text = "the object is too large: aws-auth would hold 1048577 bytes, and a ConfigMap holds 1048576 at most";
    assert_eq!(answer.unwrap_err().to_string(), text);
    script.ends().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_without_a_version_is_not_written() {
    let (store, mut script) = script();
    let (edited, ()) = tokio::join!(edit(&store), async {
        script.asked_to_read().await.answer(&json!({ "kind": "ConfigMap", "apiVersion": "v1", "metadata": {} }));
        script.ends().await;
    });
    assert!(matches!(edited, Err(EditError::Api(ApiError::Malformed(_)))), "{edited:?}");
}

#[tokio::test(start_paused = true)]
async fn annotations_and_removed_keys_are_named() {
    let (store, mut script) = script();
    let current = Current::Stored(Box::new(Stored::parse(object("5", "a").to_string().as_bytes()).unwrap()));
    let mut touched = Touched { data: BTreeMap::from([("gone".to_owned(), None)]), ..Touched::default() };
    touched.annotations = BTreeMap::from([("a".to_owned(), Some("b".to_owned())), ("c".to_owned(), None)]);
    let options = WriteOptions::default();
    let (_, ()) = tokio::join!(store.write_if_unchanged(&current, &touched, &options), async {
        let asked = script.asked().await;
        let metadata = json!({ "uid": "u", "resourceVersion": "5", "annotations": { "a": "b", "c": null } });
        assert_eq!(asked.body, json!({ "metadata": metadata, "data": { "gone": null } }));
        asked.conflict();
    });
    // What does not exist yet has nothing to remove.
    let (_, ()) = tokio::join!(store.write_if_unchanged(&Current::Absent, &touched, &options), async {
        let asked = script.asked().await;
        assert_eq!((&asked.body["data"], &asked.body["metadata"]["annotations"]), (&json!({}), &json!({ "a": "b" })));
        asked.conflict();
    });
}

#[tokio::test(start_paused = true)]
async fn a_time_without_end_has_one() {
    let forever = WriteOptions { timeout: Duration::MAX, ..WriteOptions::default() };
    assert_eq!(forever.ends() - Instant::now(), limits::LONGEST_EDIT);
}

#[test]
fn pauses_grow_and_are_spread() {
    let longest = |attempts| (0..200).map(|_| pause(attempts)).max().unwrap();
    let shortest = |attempts| (0..200).map(|_| pause(attempts)).min().unwrap();
    assert!(longest(1) <= limits::FIRST_PAUSE && longest(3) <= limits::FIRST_PAUSE * 4);
    assert!(longest(40) <= limits::RETRY_PAUSE && longest(40) > limits::RETRY_PAUSE / 2);
    assert!(shortest(40) < limits::RETRY_PAUSE / 4);
}
