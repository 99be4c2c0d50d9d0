//! From nothing to the first finished step: a new process opens the device, loads the bundled weights, computes the
//! targets, and then one step.
//!
//! The clock starts in the new process's `main`. On a GPU this includes compiling the kernels, for which a driver may
//! have a cache of its own. A GPU that computes on the CPU compiles for minutes and is left out.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that cannot run has no figure to give")]

mod common;

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, SamplingMode};
use style_transfer::{DeviceClass, Error, VGG19, Vgg};

use common::Subject;

/// Names device and size to the new process.
const START: &str = "BENCH_START";

fn main() {
    let begin = Instant::now();
    if let Ok(start) = env::var(START) {
        let (device, size) = start.rsplit_once(' ').expect("a device and a size");
        first_step(device, size.parse().expect("a size")).expect("a first step");
        println!("{}", begin.elapsed().as_secs_f64());
        return;
    }
    let mut criterion = common::criterion();
    let subjects = common::subjects();
    let mut group = criterion.benchmark_group("startup");
    group.sampling_mode(SamplingMode::Flat);
    let real = |(_, subject): &(usize, &Subject)| subject.class != DeviceClass::SoftwareGpu;
    for (size, subject) in common::cases(&subjects).filter(real) {
        group.bench_function(BenchmarkId::new(&subject.name, format!("{size} px")), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| start(&subject.name, size)).sum());
        });
    }
    group.finish();
    criterion.final_summary();
}

/// The time that a new process says it took.
fn start(device: &str, size: usize) -> Duration {
    let program = env::current_exe().expect("this program's place");
    let output = Command::new(program).env(START, format!("{device} {size}")).output().expect("a process");
    let seconds = String::from_utf8_lossy(&output.stdout).trim().parse();
    Duration::from_secs_f64(seconds.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

fn first_step(device: &str, size: usize) -> Result<(), Error> {
    let device = style_transfer::device(device).unwrap_or_else(|error| panic!("{error}"));
    let vgg = Vgg::load(VGG19, &device)?;
    let objective = common::objective(&vgg, size)?;
    objective.evaluate(&vgg, common::picture(&vgg, size, 3))?;
    common::wait(&device);
    Ok(())
}
