//! The system's `curl`, which fetches what we ask for: so that no TLS library is compiled into the program.

use std::io::{self, Read as _};
use std::process::{Child, Command, Stdio};

/// How a transfer ended that did not bring the file.
#[derive(Debug)]
pub(super) enum Ended {
    /// There is no `curl`.
    NoCurl,
    /// It could not be run.
    NotRun(io::Error),
    /// Whoever takes the bytes refused them.
    Refused(io::Error),
    /// The server answered with another status than success.
    Status(u16),
    /// The server cannot begin in the middle of the file.
    NoMiddle,
    /// The connection was cut, or went silent.
    Cut(String),
    /// Anything else, in curl's words.
    Failed(String),
}

/// curl's exit codes, from its manual.
const HTTP_ERROR: i32 = 22;
const RANGE_ERROR: i32 = 33;
/// Partial file, time-out, empty answer, failed sending and receiving, and broken streams of HTTP/2 and 3.
const CUT: [i32; 7] = [18, 28, 52, 55, 56, 92, 95];

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) url: &'a str,
    /// Whether http without TLS is allowed, for the URL and what it leads to.
    pub(super) plain_http: bool,
    /// Bytes that are there already.
    pub(super) from: u64,
}

/// Fetches the rest of a file; every piece goes to `take`. The bytes come through a pipe: when this program ends, so
/// does curl, and nobody else writes into the file.
pub(super) fn fetch(
    request: Request<'_>,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Ended> {
    let mut child = command(request).spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Ended::NoCurl,
        _ => Ended::NotRun(error),
    })?;
    let taken = pump(&mut child, &mut take);
    if taken.is_err() {
        let _ = child.kill(); // it may have ended by itself
    }
    let output = child.wait_with_output().map_err(Ended::NotRun)?;
    taken?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(ended(output.status.code(), said.trim()))
}

fn command(request: Request<'_>) -> Command {
    let protocols = if request.plain_http { "=http,https" } else { "=https" };
    let mut command = Command::new("curl");
    command
        // First, or it does not count: what somebody wrote into .curlrc may be another proxy, or no check of certificates.
        .arg("--disable")
        .args(["--fail", "--location", "--silent", "--show-error", "--globoff"])
        .args(["--connect-timeout", "30", "--speed-limit", "1", "--speed-time", "60"])
        .args(["--proto", protocols, "--proto-redir", protocols])
        .args(["--write-out", "%{stderr}\n%{http_code}"])
        .args(["--output", "-", "--url", request.url]);
    if request.from > 0 {
        command.args(["--continue-at", &request.from.to_string()]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn pump(child: &mut Child, take: &mut impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), Ended> {
    let Some(mut pipe) = child.stdout.take() else { return Ok(()) };
    let mut buffer = vec![0; 1 << 16];
    loop {
        match pipe.read(&mut buffer).map_err(Ended::NotRun)? {
            0 => return Ok(()),
            read => take(&buffer[..read]).map_err(Ended::Refused)?,
        }
    }
}

/// Reads an exit code, and what stands on stderr: a message, and the status on the last line.
fn ended(code: Option<i32>, said: &str) -> Ended {
    let (message, status) = said.rsplit_once('\n').unwrap_or(("", said));
    let message = message.trim().trim_start_matches("curl: ").to_owned();
    match (code, status.trim().parse()) {
        (Some(HTTP_ERROR), Ok(status)) => Ended::Status(status),
        (Some(RANGE_ERROR), _) => Ended::NoMiddle,
        (Some(code), _) if CUT.contains(&code) => Ended::Cut(message),
        (Some(_), _) => Ended::Failed(message),
        (None, _) => Ended::Cut("curl was ended by a signal".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_told_in_kinds() {
        assert!(matches!(ended(Some(22), "curl: (22) error: 404\n404"), Ended::Status(404)));
        assert!(matches!(ended(Some(33), "curl: (33) no ranges\n200"), Ended::NoMiddle));
        let Ended::Cut(message) = ended(Some(18), "curl: (18) transfer closed\n200") else { panic!() };
        assert_eq!(message, "(18) transfer closed");
        let Ended::Failed(message) = ended(Some(6), "curl: (6) Could not resolve host: a.b\n000") else {
            panic!()
        };
        assert_eq!(message, "(6) Could not resolve host: a.b");
    }

    #[test]
    fn without_leave_only_https_may_be_followed() {
        let arguments = |plain_http| {
            let command = command(Request { url: "u", plain_http, from: 7 });
            command.get_args().map(|argument| argument.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let has = |arguments: &[String], pair: [&str; 2]| arguments.windows(2).any(|two| two == pair);
        let closed = arguments(false);
        assert!(has(&closed, ["--proto", "=https"]) && has(&closed, ["--proto-redir", "=https"]));
        assert!(has(&closed, ["--continue-at", "7"]));
        assert_eq!(closed[0], "--disable", "of the user's own settings");
        assert!(has(&arguments(true), ["--proto", "=http,https"]));
    }
}
