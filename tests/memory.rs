//! The memory of runs as Linux counts it: the peak against the forecast, and its course over many steps. Every run is a
//! process of its own: a peak never falls again.

#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::Command;

use style_transfer::{
    Device, Error, Image, Kernel, LineSearch, Optimizer, StyleTransfer, Task, VGG19, Vgg, peak_memory,
};

/// Tells a child process what to run: size, smallest scale, history of L-BFGS or 0 for Adam, steps.
const RUN: &str = "STYLE_TEST_RUN";

/// Tells a child process to take many steps: with a checkpoint every so many.
const MANY_STEPS: &str = "STYLE_TEST_MANY_STEPS";

/// Tells a child process, which is limited, the size of the picture to make.
const LIMITED: &str = "STYLE_TEST_LIMITED";

/// Forecast of weights, buffers and tensors, and the measured peak; bytes.
struct Measured {
    forecast: [f64; 3],
    peak: f64,
}

/// A line of this process's status in bytes; `None` where there is no such file.
fn status(key: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0)
}

fn picture(width: usize, height: usize, seed: usize) -> Image {
    let value = |i: usize| ((i + seed) * 7919 % 1009) as f32 / 1009.0;
    Image::new(width, height, (0..3 * width * height).map(value).collect()).unwrap()
}

/// What this test program says after `measured `, run again for one test with a variable set.
fn child(test: &str, variable: &str, value: &str) -> Vec<f64> {
    let mut child = Command::new(std::env::current_exe().unwrap());
    measured(child.args(["--exact", test, "--nocapture"]).env(variable, value))
}

fn measured(child: &mut Command) -> Vec<f64> {
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find_map(|line| line.strip_prefix("measured "));
    let line = line.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    line.split(' ').map(|number| number.parse().unwrap()).collect()
}

/// Whether this system counts memory at all.
fn counts_memory() -> bool {
    let counts = status("VmHWM").is_some();
    if !counts {
        eprintln!("skipped: this system has no /proc/self/status");
    }
    counts
}

/// Runs in a child process only.
#[test]
fn a_run_of_a_child() {
    let Ok(run) = std::env::var(RUN) else { return };
    let numbers: Vec<usize> = run.split(' ').map(|number| number.parse().unwrap()).collect();
    let &[size, smallest, history, steps] = &numbers[..] else { panic!("{run}") };
    let line_search = LineSearch::None;
    let optimizer = match history {
        0 => Optimizer::ADAM,
        history => Optimizer::Lbfgs { learning_rate: 1.0, history, line_search },
    };
    let vgg = Vgg::load(VGG19, &Device::flex()).unwrap();
    assert_eq!(vgg.kernel(), Kernel::Winograd);
    // Once the style has the larger maps, once the content.
    let (content, style) = match history {
        0 => (picture(640, 480, 0), picture(500, 500, 77)),
        _ => (picture(600, 600, 0), picture(500, 300, 77)),
    };
    let before = status("VmRSS").unwrap();
    let transfer = || {
        let transfer = StyleTransfer::new(&vgg).style(&style).size(size).smallest_scale(smallest);
        transfer.optimizer(optimizer).steps(steps)
    };
    let task = Task::Transfer(&content);
    let memory = transfer().plan(task).unwrap().memory.unwrap();
    let outcome = transfer().perform(task).unwrap();
    let peak = outcome.peak_memory().unwrap();
    assert_eq!(peak_memory(), Some(peak));
    println!("\nmeasured {} {} {} {}", memory.weights, memory.buffers, memory.tensors, peak as f64 - before);
}

fn run(size: usize, history: usize, steps: usize) -> Measured {
    // The larger ones at one scale: it is the last that counts.
    let smallest = if size > 256 { size } else { 128 };
    let numbers = child("a_run_of_a_child", RUN, &format!("{size} {smallest} {history} {steps}"));
    Measured { forecast: [numbers[0], numbers[1], numbers[2]], peak: numbers[3] }
}

#[test]
fn the_forecast_is_within_30_percent_of_the_peak_at_every_size_and_with_both_optimisers() {
    if !counts_memory() {
        return;
    }
    println!("| size | optimiser | weights | buffers | tensors | forecast | peak | ratio |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut far = Vec::new();
    for (size, history, steps) in [
        (128, 0, 4),
        (128, 10, 12),
        (256, 0, 4),
        (256, 10, 12),
        (512, 0, 3),
        (512, 10, 12),
        (1024, 0, 2),
        (1024, 2, 4),
    ] {
        let Measured { forecast, peak } = run(size, history, steps);
        let optimizer = if history == 0 { "Adam".to_owned() } else { format!("L-BFGS, {history}") };
        let [weights, buffers, tensors] = forecast.map(|bytes| bytes / 1e6);
        let (forecast, peak) = (weights + buffers + tensors, peak / 1e6);
        let ratio = forecast / peak;
        println!(
            "| {size} px | {optimizer} | {weights:.0} | {buffers:.0} | {tensors:.0} | {forecast:.0} MB | {peak:.0} MB | {ratio:.2} |"
        );
        if !(0.7..=1.3).contains(&ratio) {
            far.push((size, optimizer, ratio));
        }
    }
    assert!(far.is_empty(), "{far:?}");
}

/// Runs in child processes only, within an address space: is refused a picture, or makes one of the size that it is told.
#[test]
fn a_limit_of_a_child() {
    let Ok(size) = std::env::var(LIMITED) else { return };
    let size = size.parse().unwrap();
    let vgg = Vgg::load(VGG19, &Device::flex()).unwrap();
    let (content, style) = (picture(64, 64, 0), picture(64, 64, 77));
    let transfer = StyleTransfer::new(&vgg).style(&style).size(size).smallest_scale(size).steps(2);
    match transfer.run(&content) {
        Err(Error::NotEnoughMemory { needed, available, largest: Some(largest), .. }) => {
            println!("\nmeasured {needed} {available} {largest}");
        }
        result => println!("\nmeasured {}", result.unwrap().image().width()),
    }
}

#[test]
fn a_run_beyond_the_address_space_of_its_process_is_refused_and_the_largest_that_fits_runs() {
    if !counts_memory() {
        return;
    }
    // A process for each, as a user would try the size that a refusal names.
    let limited = |size: f64| {
        let mut child = Command::new("sh");
        child.args(["-c", "ulimit -v 1200000 && exec \"$0\" --exact a_limit_of_a_child --nocapture"]);
        measured(child.arg(std::env::current_exe().unwrap()).env(LIMITED, size.to_string()))
    };
    let numbers = limited(4096.0);
    let &[needed, available, largest] = &numbers[..] else { panic!("{numbers:?}") };
    println!("4096 px need {:.0} MB of {:.0}; {largest} px fit", needed / 1e6, available / 1e6);
    assert!(needed > available && available < 1.2e9 && largest >= 128.0, "{numbers:?}");
    assert_eq!(limited(largest), [largest]);
}

/// Runs in a child process only: says how much memory there was after 100, 200, 300 and 400 steps, and how many bytes the
/// checkpoints had.
#[test]
fn many_steps_of_a_child() {
    let Ok(every) = std::env::var(MANY_STEPS) else { return };
    let every: usize = every.parse().unwrap();
    let vgg = Vgg::load(VGG19, &Device::flex()).unwrap();
    let (content, style) = (picture(64, 64, 0), picture(64, 64, 77));
    let (mut memory, mut seen, mut sink) = (Vec::new(), 0.0, Counting::default());
    let transfer = StyleTransfer::new(&vgg).style(&style).size(64).steps(400).on_step(|step| {
        seen += step.image().unwrap().pixels()[0];
        if step.index.is_multiple_of(every) {
            step.checkpoint().write_to(&mut sink).unwrap();
        }
        if step.index.is_multiple_of(100) {
            memory.push(status("VmRSS").unwrap());
        }
        ControlFlow::Continue(())
    });
    assert_eq!(transfer.run(&content).unwrap().steps(), 400);
    assert!(seen > 0.0);
    let memory: Vec<String> = memory.iter().map(ToString::to_string).collect();
    println!("\nmeasured {} {}", memory.join(" "), sink.0);
}

/// Forgets bytes, and knows how many.
#[derive(Default)]
struct Counting(usize);

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn memory_stays_as_it_is_over_400_steps_with_an_observer_and_with_checkpoints() {
    if !counts_memory() {
        return;
    }
    for every in [1000, 10] {
        let numbers = child("many_steps_of_a_child", MANY_STEPS, &every.to_string());
        let (memory, written) = (&numbers[..4], numbers[4] / 1e6);
        let megabytes: Vec<String> = memory.iter().map(|bytes| format!("{:.1}", bytes / 1e6)).collect();
        println!("after 100, 200, 300, 400 steps: {} MB; checkpoints {written:.0} MB", megabytes.join(", "));
        assert_eq!(written > 0.0, every == 10);
        let growth = memory.iter().fold(0.0_f64, |growth, bytes| growth.max(bytes - memory[0]));
        assert!(growth < 4e6, "{growth} bytes more than after 100 steps");
    }
}
