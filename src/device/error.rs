//! Devices that cannot be had.

/// A device that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// A name that means no device.
    #[error("unknown device {found:?}: known are {known}")]
    Unknown {
        /// What was written.
        found: String,
        /// The names that this library knows.
        known: &'static str,
    },
    /// A known name with a number or a URL that cannot be.
    #[error("device {found:?} cannot be: {reason}")]
    Malformed {
        /// What was written.
        found: String,
        /// What is wrong, and what was expected.
        reason: &'static str,
    },
    /// A device whose backend was not compiled in.
    #[error("device {name} is not in this build: this build has {built}")]
    NotBuilt {
        /// The device.
        name: String,
        /// The feature that would have it.
        feature: &'static str,
        /// What this build has.
        built: String,
    },
    /// A device that the machine, or the server, does not have.
    #[error("there is no device {name}: there is {}", listed(.there))]
    NotThere {
        /// The device.
        name: String,
        /// What there is, a line each.
        there: Vec<String>,
    },
    /// A driver that does not answer.
    #[error("device {name} did not answer within {seconds} s")]
    TimedOut {
        /// The device.
        name: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A device that is there and cannot be used.
    #[error("device {name} cannot be used: {reason}")]
    Failed {
        /// The device.
        name: String,
        /// What its driver says.
        reason: String,
    },
    /// A server that does not answer as one.
    #[error("no server of devices answers at {url}: {reason}")]
    Unreachable {
        /// The server.
        url: String,
        /// What came instead.
        reason: String,
    },
}

impl DeviceError {
    /// The next thing to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "choose one of the known devices; auto takes a GPU where there is one",
            Self::Malformed { .. } => {
                "write it as auto, cpu, vulkan:1 or remote:ws://127.0.0.1:3000, for example"
            }
            Self::NotBuilt { feature, .. } => build_with(feature),
            Self::NotThere { .. } => "choose one that is there, or auto; `--example devices` lists them",
            Self::TimedOut { .. } => {
                "see whether its driver works (vulkaninfo, nvidia-smi), or take the device cpu"
            }
            Self::Failed { .. } => "see whether other programs can use it, or take the device cpu",
            Self::Unreachable { .. } => {
                "see whether the server runs, was built with the same release of Burn, and its port can be reached"
            }
        }
    }
}

fn build_with(feature: &str) -> &'static str {
    match feature {
        "flex" => "build with --features flex, which the default features have",
        "ndarray" => "build with --features ndarray",
        "cuda" => {
            "build with --features cuda (which downloads LLVM), or with --features vulkan and take that device"
        }
        "rocm" => {
            "build with --features rocm (which downloads LLVM), or with --features vulkan and take that device"
        }
        "remote" => "build with --features remote",
        "metal" => "build with --features metal",
        _ => "build with --features vulkan, or --features wgpu for any graphics API",
    }
}

/// What there is, in one line.
fn listed(there: &[String]) -> String {
    if there.is_empty() { "none".to_owned() } else { there.join("; ") }
}
