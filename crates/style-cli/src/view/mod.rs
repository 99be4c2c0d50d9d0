//! The live page: a run as it goes on, in a browser of this machine.

mod curve;
mod guard;
mod page;
mod server;
mod state;

pub(crate) use curve::Point;
pub(crate) use state::{Encoded, Shared};

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::failure::{Exit, Failure, Result};
use crate::terminal::warn;

/// Pages get this long to fetch the last picture before the server goes.
const FAREWELL: Duration = Duration::from_secs(2);

/// A server on 127.0.0.1, on a thread of its own; it goes when this is dropped.
pub(crate) struct View {
    shared: Arc<Shared>,
    address: SocketAddr,
    quit: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl View {
    /// Begins to answer; port 0 is any that is free.
    pub(crate) fn open(port: u16) -> Result<Self> {
        let refused = |error: std::io::Error| {
            Failure::new(Exit::Usage, format!("cannot serve the live page on 127.0.0.1:{port}: {error}"))
                .help("give another port, or none for one that is free")
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let shared = Arc::new(Shared::new(token()?));
        let (quit, quits) = oneshot::channel();
        let served = Arc::clone(&shared);
        let serve = move || {
            // The run goes on without its page.
            if let Err(error) = server::serve(listener, served, quits) {
                warn(format_args!("the live page has ended: {error}"));
            }
        };
        let thread = std::thread::Builder::new().name("live page".into()).spawn(serve).map_err(refused)?;
        Ok(Self { shared, address, quit: Some(quit), thread: Some(thread) })
    }

    /// Where the page is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let begin = Instant::now();
        while self.shared.is_watched() && !self.shared.all_have_the_end() && begin.elapsed() < FAREWELL {
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(self.quit.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            warn("the live page failed inside; the run is not touched by that");
        }
    }
}

/// 128 bits that nobody can guess, in hexadecimal digits.
fn token() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(Exit::Internal, format!("the system gives no random numbers: {error}"))
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
