//! Devices of a server.

use burn::tensor::Device;
use burn::tensor::remote::{ConnectError, RemoteHost};

use super::limit::{ASKING, within};
use super::{DeviceClass, DeviceError, DeviceInfo, DeviceName, OpenDevice};

/// Connects to a device of a server, or returns the connection that there is: Burn keeps one a device.
pub(super) fn open(url: &str, index: usize) -> Result<OpenDevice, DeviceError> {
    let at = |index| DeviceName::Remote { url: url.to_owned(), index }.to_string();
    let name = at(index);
    let options = Device::remote_options(&RemoteHost::websocket(url)).device_index(index);
    let unreachable = |reason: String| DeviceError::Unreachable { url: url.to_owned(), reason };
    match within(ASKING, &name, move || Ok(options.init())) {
        Ok(Ok(device)) => {
            Ok(OpenDevice { device, info: DeviceInfo::new(name, DeviceClass::Remote), reason: None })
        }
        Ok(Err(ConnectError::NoSuchDevice { device_count })) => {
            Err(DeviceError::NotThere { name, there: (0..device_count).map(at).collect() })
        }
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(DeviceError::TimedOut { seconds, .. }) => {
            Err(unreachable(format!("no answer within {seconds} s")))
        }
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    use super::*;

    fn refusal_within_5_s(port: u16) -> String {
        let start = Instant::now();
        let error = open(&format!("ws://127.0.0.1:{port}"), 0).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert!(matches!(error, DeviceError::Unreachable { .. }), "{error:?}");
        error.to_string()
    }

    #[test]
    fn a_port_where_nobody_listens_is_no_server() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = refusal_within_5_s(port);
        assert!(
            error.starts_with(&format!("no server of devices answers at ws://127.0.0.1:{port}")),
            "{error}"
        );
    }

    #[test]
    fn a_listener_that_never_answers_is_left_alone_after_a_while() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = refusal_within_5_s(silent.local_addr().unwrap().port());
        assert!(error.ends_with("no answer within 4 s"), "{error}");
    }
}
