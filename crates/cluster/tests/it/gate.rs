//! Ways to kube-apiserver that can be shut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Forwards connections while it is open; its address stays the same.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    target: SocketAddr,
    open: Option<JoinHandle<()>>,
}

impl Gate {
    pub(crate) async fn open_to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, target, open: Some(tokio::spawn(forward(listener, target))) }
    }

    /// Breaks all connections and refuses new ones.
    pub(crate) async fn shut(&mut self) {
        if let Some(open) = self.open.take() {
            open.abort();
            assert!(open.await.unwrap_err().is_cancelled());
        }
    }

    pub(crate) async fn reopen(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.open = Some(tokio::spawn(forward(listener, self.target)));
    }
}

async fn forward(listener: TcpListener, target: SocketAddr) {
    // Dropped with the task, and with it all the connections.
    let mut connections = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        connections.spawn(async move {
            let mut server = TcpStream::connect(target).await?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}

/// Forwards connections, and keeps an answer for itself when told to: then both ends
/// find the connection broken.
pub(crate) struct Thief {
    pub(crate) address: SocketAddr,
    order: Arc<AtomicBool>,
}

impl Thief {
    pub(crate) async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let order = Arc::new(AtomicBool::new(false));
        let orders = Arc::clone(&order);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(pass_on(client, target, Arc::clone(&orders)));
            }
        });
        Self { address, order }
    }

    /// The next that kube-apiserver says. A connection must be there already, or it
    /// would be the beginning of TLS.
    pub(crate) fn steal_the_next_answer(&self) {
        self.order.store(true, Ordering::SeqCst);
    }

    pub(crate) fn has_stolen(&self) -> bool {
        !self.order.load(Ordering::SeqCst)
    }
}

async fn pass_on(client: TcpStream, target: SocketAddr, order: Arc<AtomicBool>) -> std::io::Result<()> {
    let server = TcpStream::connect(target).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asks = tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
    let mut answer = vec![0; 64 * 1024];
    loop {
        let length = from_server.read(&mut answer).await?;
        if length == 0 || order.swap(false, Ordering::SeqCst) {
            break;
        }
        to_client.write_all(&answer[..length]).await?;
    }
    asks.abort();
    Ok(())
}
