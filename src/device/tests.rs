use super::*;

#[test]
#[cfg(feature = "flex")]
fn the_cpu_is_flex() {
    assert_eq!(device("CPU"), Ok(Device::flex()));
    let open = open_device(&DeviceName::Flex).unwrap();
    assert_eq!((open.info.name.as_str(), open.info.class), ("flex", DeviceClass::Cpu));
    assert_eq!(open.reason, None);
}

#[test]
#[cfg(feature = "ndarray")]
fn ndarray_is_the_cpu_by_its_own_name() {
    let open = open_device(&DeviceName::NdArray).unwrap();
    assert_eq!((open.info.name.as_str(), open.info.class), ("ndarray", DeviceClass::Cpu));
}

#[test]
#[cfg(all(feature = "flex", not(any(feature = "wgpu", feature = "cuda", feature = "rocm"))))]
fn auto_without_a_backend_for_gpus_takes_the_cpu_and_says_why() {
    let open = open_device(&DeviceName::Auto).unwrap();
    assert_eq!(open.info.name, "flex");
    assert_eq!(open.reason.as_deref(), Some("no GPU, as this build has no backend for one"));
}

#[test]
fn a_device_that_was_not_compiled_in_says_what_was_and_how_to_build_it() {
    let features = [
        ("ndarray", cfg!(feature = "ndarray")),
        ("vulkan", cfg!(feature = "wgpu")),
        ("metal", cfg!(feature = "wgpu")),
        ("cuda", cfg!(feature = "cuda")),
        ("rocm", cfg!(feature = "rocm")),
        ("remote", cfg!(feature = "remote")),
    ];
    for (name, _) in features.into_iter().filter(|(_, built)| !built) {
        let written = if name == "remote" { "remote:ws://127.0.0.1:1" } else { name };
        let error = device(written).unwrap_err();
        let DeviceError::NotBuilt { feature, built, .. } = &error else { panic!("{name}: {error:?}") };
        assert_eq!(*feature, name);
        assert_eq!(built.contains("flex"), cfg!(feature = "flex"));
        assert!(error.help().contains(&format!("--features {name}")), "{}", error.help());
    }
}

#[test]
#[cfg(all(feature = "flex", not(any(feature = "wgpu", feature = "ndarray", feature = "remote"))))]
fn the_default_build_names_what_it_has() {
    let error = device("gpu").unwrap_err();
    assert_eq!(error.to_string(), "device gpu is not in this build: this build has flex");
}

#[test]
fn every_listed_device_has_a_name_that_the_parser_understands() {
    let devices = devices();
    assert_eq!(devices.iter().any(|info| info.name == "flex"), cfg!(feature = "flex"));
    for info in devices {
        let name: DeviceName = info.name.parse().unwrap();
        assert_eq!(name.to_string(), info.name);
    }
}
