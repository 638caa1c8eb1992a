//! The word that the server shuts down, to whoever serves.

use tokio::sync::watch;

/// Gives the word.
pub(crate) struct Drain(watch::Sender<bool>);

/// Waits for the word.
#[derive(Clone)]
pub(crate) struct Draining(watch::Receiver<bool>);

impl Drain {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn begin(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn listen(&self) -> Draining {
        Draining(self.0.subscribe())
    }
}

impl Draining {
    /// Ends once the word was given, or nobody is left who could give it.
    pub(crate) async fn begun(&mut self) {
        let _ = self.0.wait_for(|draining| *draining).await;
    }
}
