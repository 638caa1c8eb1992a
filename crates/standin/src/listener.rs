//! A loopback listener with a bound on its connections.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::limits;

/// A bound listener and the task that serves it.
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listener {
    /// Binds a free port on 127.0.0.1 and gives every connection to `serve`, until
    /// `stop`'s sender is gone.
    pub(crate) async fn open<F, S>(stop: watch::Receiver<()>, serve: F) -> io::Result<Self>
    where
        F: Fn(TcpStream) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, stop, serve));
        Ok(Self { address, task })
    }

    /// Waits until the listener and all its connections are gone.
    pub(crate) async fn ended(self) {
        // A task that panicked is gone as well.
        _ = self.task.await;
    }
}

async fn accept<F, S>(listener: TcpListener, mut stop: watch::Receiver<()>, serve: F)
where
    F: Fn(TcpStream) -> S,
    S: Future<Output = ()> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => {}
            (permit, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    // Small replies must not wait for the peer's acknowledgement.
                    _ = stream.set_nodelay(true);
                    let connection = serve(stream);
                    connections.spawn(async move {
                        let _permit = permit;
                        connection.await;
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: they come back as connections end.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    connections.shutdown().await;
}
