//! The server of the live page.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{oneshot, watch};

use super::guard::{guard, knows_token};
use super::page::page;
use super::state::{Shared, Told};

/// A page is told news at most so often.
const BETWEEN_NEWS: Duration = Duration::from_millis(100);

type Page = State<Arc<Shared>>;

/// Answers until `quit` comes or goes away; open connections are cut then.
pub(super) fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    quit: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let port = listener.local_addr()?.port();
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let server = axum::serve(listener, router(shared, port));
        tokio::select! {
            ended = async { server.await } => ended,
            _ = quit => Ok(()),
        }
    })
}

fn router(shared: Arc<Shared>, port: u16) -> Router {
    let script = ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../../assets/live.js"));
    let style = concat!(include_str!("../../assets/colours.css"), include_str!("../../assets/live.css"));
    let style = ([(CONTENT_TYPE, "text/css; charset=utf-8")], style);
    let icon = ([(CONTENT_TYPE, "image/svg+xml")], include_str!("../../assets/icon.svg"));
    Router::new()
        .route("/", get(async |State(shared): Page| Html(page(&shared.token).into_string())))
        .route("/live.js", get(async move || script))
        .route("/live.css", get(async move || style))
        .route("/icon.svg", get(async move || icon))
        .route("/events", get(async |State(shared): Page| events(shared)))
        // The number is there for the browser, to which another number is another picture.
        .route("/picture/{number}", get(async |State(shared): Page| jpeg(shared.latest_picture())))
        .route(
            "/input/{index}",
            get(async |State(shared): Page, Path(index): Path<usize>| jpeg(shared.input(index))),
        )
        .route(
            "/stop",
            post(async |State(shared): Page, headers: HeaderMap| {
                order(&shared, &headers, Shared::order_stop)
            }),
        )
        .route(
            "/save",
            post(async |State(shared): Page, headers: HeaderMap| {
                order(&shared, &headers, Shared::order_save)
            }),
        )
        .layer(from_fn_with_state(port, guard))
        .with_state(shared)
}

fn jpeg(bytes: Option<Bytes>) -> Response {
    match bytes {
        Some(bytes) => ([(CONTENT_TYPE, "image/jpeg")], bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn order(shared: &Shared, headers: &HeaderMap, give: impl FnOnce(&Shared)) -> StatusCode {
    if !knows_token(headers, &shared.token) {
        return StatusCode::FORBIDDEN;
    }
    give(shared);
    StatusCode::NO_CONTENT
}

/// Who listens, and until the connection ends counts as somebody who watches.
struct Reader {
    shared: Arc<Shared>,
    news: watch::Receiver<()>,
    told: Told,
    queue: VecDeque<Event>,
    /// Whether it was told anything yet; the first news come at once.
    has_news: bool,
}

impl Reader {
    fn fetch(&mut self) {
        let events = self.shared.tell(&mut self.told).into_iter();
        self.queue = events.map(|(name, data)| Event::default().event(name).data(data.to_string())).collect();
        self.has_news |= !self.queue.is_empty();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.unsubscribe();
    }
}

fn events(shared: Arc<Shared>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = shared.subscribe();
    let reader = Reader { shared, news, told: Told::default(), queue: VecDeque::new(), has_news: false };
    // Asked only when the connection has room: who does not read makes nothing pile up here.
    let stream = unfold(reader, async |mut reader| {
        if reader.queue.is_empty() && reader.has_news {
            tokio::time::sleep(BETWEEN_NEWS).await;
        }
        while reader.queue.is_empty() {
            reader.news.changed().await.ok()?;
            reader.fetch();
        }
        reader.queue.pop_front().map(|event| (Ok(event), reader))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
