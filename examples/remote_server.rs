//! Lends this machine's devices to a program on another one.
//!
//! `cargo run --release --features remote-server --example remote_server -- --device cpu` waits at
//! `ws://127.0.0.1:3000` until it is interrupted. Another process then computes on it:
//! `cargo run --release --features remote --example transfer -- --device remote:ws://127.0.0.1:3000`.
//!
//! The protocol is neither encrypted nor does it ask who is there, so only addresses of this machine itself are
//! listened at; another machine comes through a tunnel: `ssh -L 3000:127.0.0.1:3000 server`.

mod common;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use burn::server::{RemoteServer, WebSocketTransport};
use clap::Parser;
use common::Result;
use style_transfer::{DeviceName, open_device};

/// Lend this machine's devices to a program on another one.
#[derive(Parser)]
struct Arguments {
    /// Address and port to listen at; only addresses of this machine itself, such as 127.0.0.1; port 0 takes
    /// any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// A device that is lent, such as auto, cpu or vulkan:0; again for one more, which clients call by its number: #1
    #[arg(long, value_name = "NAME", default_value = "auto")]
    device: Vec<DeviceName>,
}

fn main() -> ExitCode {
    common::exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let listen = arguments.listen;
    if !listen.ip().is_loopback() {
        let told = "expected one of this machine itself, such as 127.0.0.1:3000: whoever reaches this server may \
                    compute on it, and read what others compute";
        return Err(format!("cannot listen at {listen}: {told}").into());
    }
    let mut devices = Vec::new();
    for (index, name) in arguments.device.iter().enumerate() {
        let open = open_device(name)?;
        eprintln!("#{index}: {}", open.info);
        devices.push(open.device);
    }
    let listener =
        TcpListener::bind(listen).map_err(|error| format!("cannot listen at {listen}: {error}"))?;
    // On the standard output, so that a program that starts this one learns the port.
    println!("listening at ws://{}", listener.local_addr()?);
    Ok(RemoteServer::new(devices).serve(WebSocketTransport::from_listener(listener))?)
}
