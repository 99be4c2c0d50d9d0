//! Who may ask the server, and what a browser may do with its answers.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The page's own script and style, pictures and events of this server; nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The header in which orders bring the page's token. No page of another site can set it without being asked first,
/// which this server never answers.
pub(super) const TOKEN: &str = "x-style-token";

/// Refuses requests by another name than this machine's own, which is how a site of somebody else's would reach the
/// server through a name that it has pointed at 127.0.0.1.
pub(super) async fn guard(State(port): State<u16>, request: Request, next: Next) -> Response {
    let mut response = if is_local(request.headers(), port) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this page answers to http://127.0.0.1 and http://localhost only\n")
            .into_response()
    };
    let same_origin = HeaderName::from_static("cross-origin-resource-policy");
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (same_origin, "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_local(headers: &HeaderMap, port: u16) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else {
        return false;
    };
    let (name, named_port) = host.rsplit_once(':').unwrap_or((host, "80"));
    matches!(name, "127.0.0.1" | "localhost") && named_port == port.to_string()
}

/// Whether an order comes from the page.
pub(super) fn knows_token(headers: &HeaderMap, token: &str) -> bool {
    let found = headers.get(TOKEN).map_or(&[][..], HeaderValue::as_bytes);
    // The same time for every guess.
    let differences = found.iter().zip(token.as_bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    found.len() == token.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> HeaderMap {
        HeaderMap::from_iter([(HOST, HeaderValue::from_str(name).unwrap())])
    }

    #[test]
    fn only_this_machine_and_this_port_are_answered() {
        for name in ["127.0.0.1:8000", "localhost:8000"] {
            assert!(is_local(&host(name), 8000), "{name}");
        }
        for name in
            ["127.0.0.1", "127.0.0.1:8001", "evil.example:8000", "localhost.evil.example:8000", "", ":8000"]
        {
            assert!(!is_local(&host(name), 8000), "{name}");
        }
        assert!(is_local(&host("localhost"), 80));
        assert!(!is_local(&HeaderMap::new(), 8000));
        let mut two = host("localhost:8000");
        two.append(HOST, HeaderValue::from_static("evil.example:8000"));
        assert!(!is_local(&two, 8000));
    }

    #[test]
    fn an_order_needs_the_whole_token() {
        let with = |token: &'static str| {
            HeaderMap::from_iter([(HeaderName::from_static(TOKEN), HeaderValue::from_static(token))])
        };
        assert!(knows_token(&with("0123"), "0123"));
        for token in ["", "012", "01234", "0124"] {
            assert!(!knows_token(&with(token), "0123"), "{token}");
        }
        assert!(!knows_token(&HeaderMap::new(), "0123"));
    }
}
