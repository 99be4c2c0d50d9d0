//! Devices of another process: the same picture, two at once, and a server that is killed in the middle.

#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use burn::server::{RemoteServer, WebSocketTransport};
use style_transfer::{
    Device, Error, Image, Kernel, Optimizer, Outcome, Settings, StyleTransfer, VGG19, Vgg, device,
};

/// Makes a server of the process that has it.
const SERVE: &str = "STYLE_TEST_SERVER";

/// Time after which a dead server must have been noticed.
const SOON: Duration = Duration::from_secs(25);

/// A server in a process of its own, killed when dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// Runs this test program again, with one test only: the next function.
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let command = command.args(["--exact", "a_server_for_the_other_tests", "--nocapture"]);
        // The server's own log goes to its standard output, which nobody reads further than this.
        let command = command.env(SERVE, "1").env("RUST_LOG", "off");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url =
            lines.map(Result::unwrap).find_map(|line| Some(line.split_once("listening at ")?.1.to_owned()));
        Self { process, url: url.unwrap() }
    }

    fn device(&self, index: usize) -> Device {
        device(&format!("remote:{}#{index}", self.url)).unwrap()
    }

    fn kill(&mut self) {
        self.process.kill().unwrap(); // SIGKILL
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_server_for_the_other_tests() {
    if std::env::var_os(SERVE).is_none() {
        return;
    }
    // Ends with the program that started it, however that ends.
    thread::spawn(|| {
        drop(std::io::stdin().read(&mut [0]));
        std::process::exit(0);
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("\nlistening at ws://{}", listener.local_addr().unwrap());
    let server = RemoteServer::new([Device::flex(), Device::flex()]);
    server.serve(WebSocketTransport::from_listener(listener)).unwrap();
}

fn picture(name: &str) -> Image {
    Image::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images").join(name)).unwrap()
}

fn vgg(device: &Device) -> Vgg {
    Vgg::load(VGG19, device).unwrap()
}

fn settings(size: usize, steps: usize) -> Settings {
    Settings { size, steps: vec![steps], optimizer: Optimizer::ADAM, ..Settings::default() }
}

fn transfer(vgg: &Vgg, size: usize, steps: usize) -> Outcome {
    let (content, style) = (picture("eilean_donan.webp"), picture("van_gogh_cafe_terrace.webp"));
    StyleTransfer::new(vgg).settings(settings(size, steps)).style(&style).run(&content).unwrap()
}

/// Peak signal-to-noise ratio of two pictures, dB.
fn psnr(a: &Image, b: &Image) -> f64 {
    let squares = a.pixels().iter().zip(b.pixels()).map(|(a, b)| f64::from(a - b).powi(2));
    -10.0 * (squares.sum::<f64>() / a.pixels().len() as f64).log10()
}

#[test]
fn a_server_makes_the_picture_that_is_made_here() {
    let server = Server::start();
    let far = transfer(&vgg(&server.device(0)), 64, 20);
    let by_kernels = transfer(&vgg(&Device::flex()), 64, 20);
    let by_burn = transfer(&vgg(&Device::flex()).with_kernel(Kernel::Burn), 64, 20);
    let (kernels, burn) = (psnr(far.image(), by_kernels.image()), psnr(far.image(), by_burn.image()));
    println!("PSNR with the local kernels {kernels:.1} dB, with local Burn {burn:.1} dB");
    println!("{:.2} s there, {:.2} s here by Burn", far.times().steps, by_burn.times().steps);
    assert!(kernels >= 35.0, "{kernels}");
    assert!(burn >= 60.0, "the same operations: {burn}");
}

#[test]
fn two_devices_make_two_pictures_at_once() {
    let (one, other) = (Server::start(), Server::start());
    let make = |device: Device, size| transfer(&vgg(&device), size, 6).into_image();
    let (first, second, third) = thread::scope(|scope| {
        let first = scope.spawn(|| make(one.device(0), 48));
        let second = scope.spawn(|| make(one.device(1), 40));
        let third = scope.spawn(|| make(other.device(0), 48));
        (first.join().unwrap(), second.join().unwrap(), third.join().unwrap())
    });
    assert_eq!(first, third);
    assert_eq!(first, make(one.device(0), 48), "alone");
    assert_eq!(second, make(other.device(1), 40), "alone");
}

/// The error of a run, when it came, and the best picture in it.
fn lost(error: Error) -> (usize, String, Option<Image>) {
    let text = error.to_string();
    let Error::DeviceLost { step, best, .. } = error else { panic!("{text}") };
    (step, text, best.map(|best| *best))
}

#[test]
fn a_server_killed_under_an_observer_ends_the_run_with_the_best_picture() {
    let mut server = Server::start();
    let vgg = vgg(&server.device(0));
    let (content, style) = (picture("eilean_donan.webp"), picture("van_gogh_cafe_terrace.webp"));
    let mut killed = Instant::now();
    let run = StyleTransfer::new(&vgg).settings(settings(48, 100)).style(&style).on_step(|step| {
        if step.index == 20 {
            server.kill();
            killed = Instant::now();
        }
        ControlFlow::Continue(())
    });
    let result = run.run(&content);
    let (step, text, best) = lost(result.unwrap_err());
    println!("{text}, {:?} after the kill", killed.elapsed());
    assert!(killed.elapsed() < SOON, "{:?}", killed.elapsed());
    assert_eq!(step, 21, "{text}");
    assert_eq!(best.map(|best| best.width()), Some(48));
    // The device stays lost, and says so at once.
    let again = Instant::now();
    let error = StyleTransfer::new(&vgg).settings(settings(48, 1)).style(&style).run(&content).unwrap_err();
    println!("again: {error}");
    assert!(again.elapsed() < SOON, "{:?}", again.elapsed());
    assert!(matches!(error, Error::DeviceLost { best: None, .. }), "{error}");
}

#[test]
fn a_server_killed_while_nobody_watches_ends_the_run_at_the_next_look() {
    let mut server = Server::start();
    let vgg = vgg(&server.device(0));
    let style = picture("van_gogh_cafe_terrace.webp");
    let content = picture("eilean_donan.webp");
    thread::scope(|scope| {
        let runs = scope
            .spawn(|| StyleTransfer::new(&vgg).settings(settings(48, 100_000)).style(&style).run(&content));
        thread::sleep(Duration::from_secs(5));
        server.kill();
        let killed = Instant::now();
        let (step, text, best) = lost(runs.join().unwrap().unwrap_err());
        println!("{text}, {:?} after the kill", killed.elapsed());
        assert!(killed.elapsed() < SOON, "{:?}", killed.elapsed());
        // However far it came: it looks every 16 steps, and has a picture from the second time on.
        assert!(step.is_multiple_of(16), "{text}");
        assert_eq!(best.is_some(), step > 16, "{text}");
    });
}
