//! GPUs in processes whose drivers are chosen for them: none, or the software one (Mesa's lavapipe).
//!
//! The Vulkan loader reads its environment once, so each case is a child process of this test's own program.
#![cfg(all(feature = "wgpu", feature = "flex", target_os = "linux"))]

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use style_transfer::{Device, DeviceName, OpenDevice, Tensor, devices, open_device};

const NAMES: &str = "STYLE_TEST_DEVICES";

/// What a child said of every name, and what it wrote to stderr.
struct Said {
    lines: Vec<String>,
    stderr: String,
}

/// Opens devices, one after the other, in a process with these drivers of Vulkan, and computes a sum on each.
fn open_in_child(drivers: &str, names: &[&str]) -> io::Result<Said> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--ignored", "--exact", "opens_what_it_is_told", "--nocapture", "--test-threads=1"])
        .env(NAMES, names.join(","))
        .env("VK_DRIVER_FILES", drivers)
        .env_remove("VK_ADD_DRIVER_FILES")
        .env_remove("VK_ICD_FILENAMES")
        // Mesa's layer that orders devices looks for a Wayland socket there, and complains where it is not set.
        .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<_> =
        said.lines().filter_map(|line| line.strip_prefix("said ").map(str::to_owned)).collect();
    assert_eq!(lines.len(), names.len(), "{said}{stderr}");
    Ok(Said { lines, stderr })
}

/// The same, where nothing is computed on a GPU: it must not take longer than 5 s, nor a driver longer than it may. Once
/// more where it did, as on a busy machine that reads the driver from the disk.
fn open_in_child_at_once(drivers: &str, names: &[&str]) -> io::Result<Said> {
    let mut tries = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let said = open_in_child(drivers, names)?;
        let took = start.elapsed();
        let late = said.lines.iter().any(|line| line.contains("did not answer within"));
        if !late && took < Duration::from_secs(5) {
            return Ok(said);
        }
        tries.push((took, said.lines));
    }
    Err(io::Error::other(format!("{names:?} took too long five times: {tries:?}")))
}

/// Mesa's software driver, where it is installed.
fn lavapipe() -> Option<PathBuf> {
    let folder = std::fs::read_dir("/usr/share/vulkan/icd.d").ok()?;
    let mut files = folder.flatten().map(|entry| entry.path());
    let found =
        files.find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd")));
    if found.is_none() {
        eprintln!("mesa-vulkan-drivers is not installed: not tested");
    }
    found
}

#[test]
#[ignore = "a part of the others, in a process of its own"]
fn opens_what_it_is_told() {
    println!(); // after what the harness has begun to say
    for name in std::env::var(NAMES).unwrap().split(',') {
        match name.parse::<DeviceName>().and_then(|name| open_device(&name)) {
            Ok(OpenDevice { device, info, reason, .. }) => {
                let sum: f32 = Tensor::<1>::ones([3], &device).into_data().iter::<f32>().sum();
                println!("said {name} is {info}, sum {sum}, {}", reason.unwrap_or_default());
            }
            Err(error) => println!("said {error}"),
        }
    }
}

#[test]
fn without_a_driver_auto_takes_the_cpu_and_gpus_are_refused() {
    let said =
        open_in_child_at_once("/nonexistent", &["auto", "gpu", "vulkan", "vulkan:0", "metal", "webgpu"])
            .unwrap();
    assert!(said.lines[0].starts_with("auto is flex (the CPU"), "{}", said.lines[0]);
    assert!(said.lines[0].ends_with("sum 3, no GPU, as no driver shows one"), "{}", said.lines[0]);
    for (line, name) in said.lines[1..].iter().zip(["gpu", "vulkan", "vulkan:0", "metal", "webgpu"]) {
        assert!(line.starts_with(&format!("there is no device {name}: there is flex")), "{line}");
    }
    assert_eq!(said.stderr, "");
}

#[test]
fn a_software_gpu_is_taken_by_name_only() {
    let Some(driver) = lavapipe() else { return };
    let said =
        open_in_child_at_once(&driver.to_string_lossy(), &["auto", "vulkan:7", "gpu:1", "dx12"]).unwrap();
    let [auto, seventh, second, dx12] = &said.lines[..] else { panic!("{:?}", said.lines) };
    assert!(auto.starts_with("auto is flex (the CPU"), "{auto}");
    assert!(auto.contains("no GPU, as the only one, vulkan:0 (a software GPU, llvmpipe"), "{auto}");
    for (line, name) in [(seventh, "vulkan:7"), (second, "gpu:1")] {
        let start = format!("there is no device {name}: there is vulkan:0 (a software GPU, llvmpipe");
        assert!(line.starts_with(&start) && line.contains("; flex"), "{line}");
    }
    // Where its own API has none, the others are listed.
    assert!(dx12.starts_with("there is no device dx12: there is vulkan:0 (a software GPU"), "{dx12}");
    assert_eq!(said.stderr, "");
}

// With `vulkan` the drivers that this test finds are refused, if they are old.
#[cfg(not(feature = "vulkan"))]
#[test]
fn a_device_can_be_opened_again_under_each_of_its_names() {
    let Some(driver) = lavapipe() else { return };
    let said =
        open_in_child(&driver.to_string_lossy(), &["vulkan", "vulkan", "gpu", "gpu:0", "vulkan:0"]).unwrap();
    let of = |line: &str| line.split_once(" is ").map(|(_, said)| said.to_owned());
    let first = of(&said.lines[0]).unwrap();
    assert!(first.starts_with("vulkan:0 (a software GPU, llvmpipe"), "{first}");
    assert!(first.contains("sum 3"), "{first}");
    assert!(said.lines.iter().all(|line| of(line).as_ref() == Some(&first)), "{:?}", said.lines);
    assert_eq!(said.stderr, "");
}

#[test]
fn opening_from_several_threads_gives_one_device() {
    let open = || open_device(&DeviceName::Auto).map(|open| open.device);
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(open)).collect();
    let opened: Vec<Device> = threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect();
    assert!(opened.iter().all(|device| *device == opened[0]));
    assert!(devices().iter().any(|info| info.name == "flex"));
}
