//! The devices to measure, with the sizes that are worth it there and what computes the network.

use std::env;
use std::str::FromStr;

use style_transfer::{DeviceClass, DeviceInfo, DeviceName, Kernel, OpenDevice, VGG19, Vgg};

/// The bundled VGG-19 on one device.
pub(crate) struct Subject {
    /// The device's name, as examples take it.
    pub(crate) name: String,
    pub(crate) class: DeviceClass,
    pub(crate) vgg: Vgg,
    /// Sides of the square pictures, px.
    pub(crate) sizes: Vec<usize>,
    /// What may compute the network there.
    pub(crate) ways: &'static [Way],
}

/// A way to compute the network.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) kernel: Kernel,
    /// The largest size that is worth waiting for, px.
    pub(crate) largest: usize,
}

/// What a GPU runs; the CPU kernels would send every picture to the CPU and back.
const ON_GPU: &[Way] = &[Way { name: "burn", kernel: Kernel::Burn, largest: usize::MAX }];

const ON_FLEX: &[Way] = &[
    Way { name: "winograd", kernel: Kernel::Winograd, largest: usize::MAX },
    Way { name: "direct", kernel: Kernel::Direct, largest: 512 },
    Way { name: "burn", kernel: Kernel::Burn, largest: 512 },
];

/// By Burn's operations a step at 256 px takes minutes there, and at 128 px seconds.
const ON_NDARRAY: &[Way] = &[
    Way { name: "winograd", kernel: Kernel::Winograd, largest: usize::MAX },
    Way { name: "direct", kernel: Kernel::Direct, largest: 512 },
    Way { name: "burn", kernel: Kernel::Burn, largest: 64 },
];

impl Subject {
    /// Whether tensors lie in the processor's memory there.
    pub(crate) fn is_host(&self) -> bool {
        self.class == DeviceClass::Cpu
    }

    /// The ways that are worth waiting for at a size.
    pub(crate) fn ways_at(&self, size: usize) -> impl Iterator<Item = &'static Way> {
        self.ways.iter().filter(move |way| size <= way.largest)
    }
}

/// Everything to measure.
pub(crate) fn subjects() -> Vec<Subject> {
    let names = list("BENCH_DEVICES").unwrap_or_else(default_names);
    names.iter().map(subject).collect()
}

/// Sizes outside and devices inside, so that ratios are of figures taken one after the other.
pub(crate) fn cases(subjects: &[Subject]) -> impl Iterator<Item = (usize, &Subject)> {
    let mut sizes: Vec<usize> = subjects.iter().flat_map(|subject| subject.sizes.clone()).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let at = move |size| {
        subjects
            .iter()
            .filter(move |subject| subject.sizes.contains(&size))
            .map(move |subject| (size, subject))
    };
    sizes.into_iter().flat_map(at)
}

/// The CPU backends and the real GPUs.
fn default_names() -> Vec<DeviceName> {
    let real = |info: &DeviceInfo| matches!(info.class, DeviceClass::Cpu | DeviceClass::Gpu);
    let name = |info: DeviceInfo| info.name.parse().expect("a name of the list");
    style_transfer::devices().into_iter().filter(real).map(name).collect()
}

fn subject(name: &DeviceName) -> Subject {
    let OpenDevice { device, info, .. } =
        style_transfer::open_device(name).unwrap_or_else(|error| panic!("{error}: {}", error.help()));
    // tools/bench.py reads this line.
    println!("bench device {info}");
    let ways = match info.name.as_str() {
        "flex" => ON_FLEX,
        "ndarray" => ON_NDARRAY,
        _ => ON_GPU,
    };
    let default: &[usize] = if info.class == DeviceClass::SoftwareGpu { &[64] } else { &[128, 256, 512] };
    let sizes = sizes().unwrap_or_else(|| default.to_vec());
    let vgg = Vgg::load(VGG19, &device).expect("the bundled weights");
    Subject { name: info.name, class: info.class, vgg, sizes, ways }
}

/// The sizes that were asked for.
pub(crate) fn sizes() -> Option<Vec<usize>> {
    list("BENCH_SIZES")
}

/// The entries of an environment variable, separated by commas.
fn list<T: FromStr>(variable: &str) -> Option<Vec<T>> {
    let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
    let entry = |entry: &str| {
        entry.trim().parse().unwrap_or_else(|_| panic!("{variable}: {entry:?} is not what is expected there"))
    };
    Some(text.split(',').map(entry).collect())
}
