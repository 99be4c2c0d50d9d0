//! Devices of a server.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};

use burn::tensor::remote::{ConnectError, RemoteHost};
use burn::tensor::{Device, Tensor};

use super::limit::{ASKING, within};
use super::{DeviceClass, DeviceError, DeviceInfo, DeviceName, OpenDevice};

/// Connects to a device of a server, or returns the connection that there is: Burn keeps one a device.
pub(super) fn open(url: &str, index: usize) -> Result<OpenDevice, DeviceError> {
    let at = |index| DeviceName::Remote { url: url.to_owned(), index }.to_string();
    let name = at(index);
    let options = Device::remote_options(&RemoteHost::websocket(url)).device_index(index);
    let unreachable = |reason: String| DeviceError::Unreachable { url: url.to_owned(), reason };
    let place = url.strip_prefix("ws://").unwrap_or(url).to_owned();
    match within(ASKING, &name, move || Ok(listens(&place).map(|()| options.init().map(answering)))) {
        Ok(Ok(Ok(Err(reason)))) => {
            let lost = "a connection that was lost is not taken up again: start the program anew";
            Err(unreachable(format!("{reason} ({lost})")))
        }
        Ok(Ok(Ok(Ok(device)))) => {
            Ok(OpenDevice { device, info: DeviceInfo::new(name, DeviceClass::Remote), reason: None })
        }
        Ok(Ok(Err(ConnectError::NoSuchDevice { device_count }))) => {
            Err(DeviceError::NotThere { name, there: (0..device_count).map(at).collect() })
        }
        Ok(Ok(Err(error))) => Err(unreachable(error.to_string())),
        Ok(Err(error)) => Err(unreachable(error.to_string())),
        Err(DeviceError::TimedOut { seconds, .. }) => {
            Err(unreachable(format!("no answer within {seconds} s")))
        }
        Err(other) => Err(other),
    }
}

/// The device, where it computes something: Burn gives out a connection that it has, also one that was lost.
fn answering(device: Device) -> Result<Device, String> {
    match Tensor::<1>::ones([1], &device).try_into_data() {
        Ok(_) => Ok(device),
        Err(error) => Err(error.to_string().lines().collect::<Vec<_>>().join(" ")),
    }
}

/// Whether anybody takes connections at `HOST:PORT`. Burn would go on trying for seconds after a refusal.
fn listens(place: &str) -> io::Result<()> {
    let mut refusal = io::Error::other("its host has no address");
    for address in place.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, ASKING) {
            Ok(_) => return Ok(()),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn refusal(port: u16) -> String {
        let error = open(&format!("ws://127.0.0.1:{port}"), 0).unwrap_err();
        assert!(matches!(error, DeviceError::Unreachable { .. }), "{error:?}");
        error.to_string()
    }

    #[test]
    fn a_port_where_nobody_listens_is_no_server() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let error = refusal(port);
        assert!(!error.contains("no answer"), "refused is not silent: {error}");
        assert!(
            error.starts_with(&format!("no server of devices answers at ws://127.0.0.1:{port}")),
            "{error}"
        );
    }

    #[test]
    fn a_listener_that_never_answers_is_left_alone_after_a_while() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = refusal(silent.local_addr().unwrap().port());
        assert!(error.ends_with("no answer within 4 s"), "{error}");
    }

    #[test]
    #[cfg(all(feature = "remote-server", feature = "flex"))]
    fn a_server_has_the_devices_that_it_has() {
        use burn::tensor::server::{RemoteServer, WebSocketTransport};
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        std::thread::spawn(|| {
            RemoteServer::new([Device::flex()]).serve(WebSocketTransport::from_listener(listener)).unwrap();
        });
        let first = open(&url, 0).unwrap();
        assert_eq!((&first.info.name, first.info.class), (&format!("remote:{url}"), DeviceClass::Remote));
        let sum: f32 = Tensor::<1>::ones([3], &first.device).into_data().iter::<f32>().sum();
        assert_eq!(sum, 3.0);
        assert_eq!(open(&url, 0).unwrap().device, first.device);
        let there = vec![format!("remote:{url}")];
        assert_eq!(
            open(&url, 2).unwrap_err(),
            DeviceError::NotThere { name: format!("remote:{url}#2"), there }
        );
    }
}
