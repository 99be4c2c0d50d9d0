//! What a GPU has that a CPU has not: a largest buffer, and memory of its own that must not grow from step to step.
//!
//! On the best GPU of the machine, software included, or the one that `STYLE_TEST_DEVICE` names; without any
//! there is nothing to test, which the tests say. `STYLE_TEST_STEPS` makes the run longer.

#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

use std::ops::ControlFlow;
use std::time::Instant;

use style_transfer::{
    Device, DeviceError, Error, Image, Layer, Optimizer, Settings, StyleTransfer, Taps, VGG19, Vgg, VggFile,
    device, image_to_tensor, largest_buffer,
};

/// The GPU, if there is one.
fn gpu() -> Option<Device> {
    let name = std::env::var("STYLE_TEST_DEVICE").unwrap_or_else(|_| "gpu".into());
    match device(&name) {
        Ok(device) => Some(device),
        Err(error @ DeviceError::NotThere { .. }) => {
            println!("nothing is tested: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A pattern without an end.
fn picture(width: usize, height: usize) -> Image {
    let value = |i: usize| (i.wrapping_mul(2_654_435_761) >> 7) as u8;
    Image::new(width, height, (0..3 * width * height).map(|i| f32::from(value(i)) / 255.0).collect()).unwrap()
}

/// Memory of this process that is in RAM, bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[test]
fn memory_stays_as_it_is_from_step_to_step() {
    let Some(device) = gpu() else { return };
    let steps = std::env::var("STYLE_TEST_STEPS").map_or(48, |steps| steps.parse().unwrap());
    let vgg = Vgg::load(VGG19, &device).unwrap();
    let settings =
        Settings { size: 32, steps: vec![steps], optimizer: Optimizer::ADAM, ..Settings::default() };
    let style = picture(40, 32);
    let mut seen = Vec::new();
    let clock = Instant::now();
    let run = StyleTransfer::new(&vgg).settings(settings).style(&style).on_step(|step| {
        let pool = device.memory_pool_usage().map_or(0, |usage| usage.bytes_reserved);
        seen.push((pool, resident()));
        if step.index.is_multiple_of(steps / 4) {
            let (pool, resident) = (pool >> 10, resident() >> 10);
            println!("step {}: pool {pool} KiB, process {resident} KiB, {:?}", step.index, clock.elapsed());
        }
        ControlFlow::Continue(())
    });
    run.run(&picture(32, 32)).unwrap();
    let (settled, last) = (seen[steps / 4], seen[steps - 1]);
    assert!(settled.0 > 0, "the device tells its memory");
    // The pool settles over a hundred steps; what lost one picture of 12 KiB a step would grow by more.
    assert!(last.0 < settled.0 + (128 << 10), "bytes of the pool: {settled:?} {last:?}");
    // The process holds a history of losses, and caches of its own.
    assert!(last.1 < settled.1 + (64 << 20), "{settled:?} {last:?}");
}

#[test]
fn a_map_as_large_as_the_largest_buffer_is_computed_and_the_next_size_is_refused() {
    let Some(device) = gpu() else { return };
    let allowed = largest_buffer(&device).unwrap();
    // A map of 64 channels: 256 bytes a pixel.
    let width = 1024;
    let height = usize::try_from(allowed).unwrap() / 256 / width;
    if height > 2048 {
        println!("not tried: a map of {} MB would do", allowed / 1_000_000);
        return;
    }
    let shallow = VggFile::parse(VGG19).unwrap().cut_after(Layer::Relu1_2).unwrap();
    let vgg = Vgg::from_weights(shallow, &device);
    let taps = Taps::new().with_statistics([Layer::Relu1_2]);
    let clock = Instant::now();
    let pass = vgg.forward(image_to_tensor(&picture(width, height), &device), &taps).unwrap();
    let gram = pass.statistics(Layer::Relu1_2).unwrap().gram.clone().try_into_vec_as::<f32>().unwrap();
    println!("{width} x {height} px in {:?}", clock.elapsed());
    let here = Vgg::from_weights(VggFile::parse(VGG19).unwrap(), &Device::flex());
    let pass = here.forward(image_to_tensor(&picture(width, height), &Device::flex()), &taps).unwrap();
    let expected = pass.statistics(Layer::Relu1_2).unwrap().gram.clone().try_into_vec_as::<f32>().unwrap();
    let error: f32 = gram.iter().zip(&expected).map(|(a, b)| (a - b).powi(2)).sum();
    let norm: f32 = expected.iter().map(|b| b.powi(2)).sum();
    // Half a million summands of one sum, rounded in another order.
    let error = (error / norm).sqrt();
    assert!(error < 1e-3, "{error}");

    let over = image_to_tensor(&picture(width, height + 1), &device);
    let Error::BufferTooLarge { needed, allowed: limit, largest, .. } = vgg.forward(over, &taps).unwrap_err()
    else {
        panic!("not refused")
    };
    assert_eq!((needed, limit), ((256 * width * (height + 1)) as u64, allowed));
    assert_eq!(largest, Some(width - 1), "of the same proportions");
}
