use super::*;

fn gpu(api: Option<GraphicsApi>, index: Option<usize>) -> DeviceName {
    DeviceName::Gpu { api, index }
}

fn remote_at(url: &str, index: usize) -> DeviceName {
    DeviceName::Remote { url: url.to_owned(), index }
}

#[test]
fn what_people_write_means_what_the_table_says() {
    use GraphicsApi::{Dx12, Gl, Metal, Vulkan, WebGpu};
    let table = [
        ("auto", DeviceName::Auto),
        ("cpu", DeviceName::Flex),
        ("FLEX", DeviceName::Flex),
        (" ndarray ", DeviceName::NdArray),
        ("gpu", gpu(None, None)),
        ("wgpu", gpu(None, None)),
        ("gpu:1", gpu(None, Some(1))),
        ("wgpu:0", gpu(None, Some(0))),
        ("vulkan", gpu(Some(Vulkan), None)),
        ("Vulkan:12", gpu(Some(Vulkan), Some(12))),
        ("metal:0", gpu(Some(Metal), Some(0))),
        ("dx12", gpu(Some(Dx12), None)),
        ("gl:3", gpu(Some(Gl), Some(3))),
        ("webgpu", gpu(Some(WebGpu), None)),
        ("cuda", DeviceName::Cuda(None)),
        ("cuda:0", DeviceName::Cuda(Some(0))),
        ("rocm:1", DeviceName::Rocm(Some(1))),
        ("remote:ws://host:3000", remote_at("ws://host:3000", 0)),
        ("Remote:WS://Host.Example:3000/", remote_at("ws://Host.Example:3000", 0)),
        ("remote:ws://127.0.0.1:3000#0", remote_at("ws://127.0.0.1:3000", 0)),
        ("remote:ws://host:3000#1", remote_at("ws://host:3000", 1)),
        ("remote:ws://[::1]:65535#2", remote_at("ws://[::1]:65535", 2)),
    ];
    for (written, meant) in table {
        assert_eq!(written.parse(), Ok(meant), "{written:?}");
    }
    assert_eq!(DeviceName::default(), DeviceName::Auto);
}

#[test]
fn what_is_shown_is_read_again() {
    let mut names = vec![DeviceName::Auto, DeviceName::Flex, DeviceName::NdArray];
    for index in [None, Some(0), Some(1), Some(65535)] {
        names.extend([DeviceName::Cuda(index), DeviceName::Rocm(index), gpu(None, index)]);
        names.extend(GraphicsApi::ALL.map(|api| gpu(Some(api), index)));
        let servers = ["ws://host:1", "ws://10.0.0.1:3000", "ws://[fe80::1]:80"];
        names.extend(servers.map(|url| remote_at(url, index.unwrap_or(7))));
    }
    for name in names {
        assert_eq!(name.to_string().parse(), Ok(name.clone()), "{name}");
    }
}

#[test]
fn a_name_that_means_nothing_is_unknown() {
    for written in ["", " ", ":1", "tpu", "gpu0", "cuda-0", "vulkan 1", "ws://host:3000", "flex,ndarray"] {
        let error = written.parse::<DeviceName>().unwrap_err();
        assert!(matches!(error, DeviceError::Unknown { .. }), "{written:?}: {error:?}");
    }
    let error = "tpu".parse::<DeviceName>().unwrap_err().to_string();
    assert!(error.starts_with("unknown device \"tpu\": known are auto, cpu, "), "{error}");
}

#[test]
fn a_number_that_cannot_be_is_told() {
    let numbers =
        ["gpu:", "gpu:x", "vulkan:-1", "vulkan:+1", "cuda:1.5", "rocm: 1", "gpu:0x1", "gpu:65536", "gpu:1:2"];
    for written in numbers {
        let error = written.parse::<DeviceName>().unwrap_err();
        assert!(matches!(error, DeviceError::Malformed { .. }), "{written:?}: {error:?}");
        assert!(error.to_string().contains("expected a number"), "{error}");
    }
    for written in ["auto:0", "cpu:0", "flex:1", "ndarray:"] {
        let error = written.parse::<DeviceName>().unwrap_err().to_string();
        assert!(error.contains("takes no number"), "{error}");
    }
}

#[test]
fn a_url_that_cannot_be_is_told() {
    let urls = [
        ("remote", "expected remote:ws://"),
        ("remote:", "expected remote:ws://"),
        ("remote:host:3000", "expected remote:ws://"),
        ("remote:http://host:3000", "begins with ws://"),
        ("remote:wss://host:3000", "begins with ws://"),
        ("remote:ws://host", "ends with its port"),
        ("remote:ws://host:0", "a port from 1"),
        ("remote:ws://host:65536", "a port from 1"),
        ("remote:ws://host:3000/path", "a port from 1"),
        ("remote:ws://:3000", "a name or an address"),
        ("remote:ws://user@host:3000", "a name or an address"),
        ("remote:ws://ho st:3000", "a name or an address"),
        ("remote:ws://::1:3000", "a name or an address"),
        ("remote:ws://[]:3000", "a name or an address"),
        ("remote:ws://host:3000#", "after the #"),
        ("remote:ws://host:3000#one", "after the #"),
    ];
    for (written, expected) in urls {
        let error = written.parse::<DeviceName>().unwrap_err();
        assert!(matches!(error, DeviceError::Malformed { .. }), "{written:?}: {error:?}");
        assert!(error.to_string().contains(expected), "{written:?}: {error}");
    }
}

/// Every text of up to five of these pieces, which hold all that the grammar knows.
#[test]
fn whatever_is_written_is_refused_or_shown_as_something_with_the_same_meaning() {
    const PIECES: [&str; 11] =
        ["", "auto", "GPU", "cuda", "remote:WS://", "host", "[::1]", ":", "#", "1", "é"];
    let mut understood = [0, 0];
    for code in 0..PIECES.len().pow(5) {
        let piece = |place: u32| PIECES[code / PIECES.len().pow(place) % PIECES.len()];
        let text: String = (0..5).map(piece).collect();
        if let Ok(name) = text.parse::<DeviceName>() {
            understood[usize::from(matches!(name, DeviceName::Remote { .. }))] += 1;
            assert_eq!(name.to_string().parse(), Ok(name), "{text:?}");
        }
    }
    assert!(understood.iter().all(|&count| count > 10), "{understood:?}");
}

#[test]
fn a_long_name_is_not_repeated_whole() {
    let error = "é".repeat(10_000).parse::<DeviceName>().unwrap_err();
    assert!(error.to_string().len() < 400);
}
