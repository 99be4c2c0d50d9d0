use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::{AnimationDecoder as _, Frame};

use super::*;
use crate::ReadOptions;

const DELAY: Duration = Duration::from_millis(70);

/// A frame of few colours, so that a GIF holds them all.
fn frame(index: usize) -> Image {
    let value = |i: usize| [0.0, 1.0, 0.2, 0.6][(i + index) % 4];
    Image::new(20, 10, (0..600).map(value).collect()).unwrap()
}

fn frames(path: &Path) -> Vec<Frame> {
    let bytes = Cursor::new(fs::read(path).unwrap());
    let frames = match extension(path).as_deref() {
        Some("gif") => GifDecoder::new(bytes).unwrap().into_frames(),
        _ => PngDecoder::new(bytes).unwrap().apng().unwrap().into_frames(),
    };
    frames.collect_frames().unwrap()
}

#[test]
fn every_frame_comes_back_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "b.apng", "new/folder/c.gif"] {
        let path = folder.path().join(name);
        let mut animation = Animation::create(&path, 20, 10, DELAY).unwrap();
        for index in 0..5 {
            animation.push(&frame(index)).unwrap();
            assert_eq!(animation.frames(), index + 1);
            assert!(!path.exists(), "{name} is not there before it is whole");
        }
        animation.finish().unwrap();
        let found = frames(&path);
        assert_eq!(found.len(), 5, "{name}");
        for (index, found) in found.iter().enumerate() {
            let expected = frame(index);
            let expected = expected.pixels().iter().map(|value| (value * 255.0).round() as u8);
            let found_colours = found.buffer().pixels().flat_map(|pixel| pixel.0[..3].to_vec());
            // A GIF's colours are the means of those that are near each other.
            let near = |(a, b): (u8, u8)| a.abs_diff(b) <= if name.ends_with("gif") { 3 } else { 0 };
            assert!(found_colours.zip(expected).all(near), "{name}, frame {index}");
            assert_eq!(Duration::from(found.delay()), DELAY, "{name}");
        }
        let picture = ReadOptions::default().open(&path).unwrap();
        assert_eq!(picture.info.warnings, ["only the first of its 5 pictures is read"]);
        assert_eq!(names(path.parent().unwrap()).iter().filter(|name| name.ends_with("tmp")).count(), 0);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn what_is_not_finished_leaves_the_old_file_and_no_scraps() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "a.gif"] {
        let path = folder.path().join(name);
        fs::write(&path, b"old").unwrap();
        let mut animation = Animation::create(&path, 20, 10, DELAY).unwrap();
        animation.push(&frame(0)).unwrap();
        drop(animation);
        let error = Animation::create(&path, 20, 10, DELAY).unwrap().finish().unwrap_err();
        assert!(error.to_string().ends_with("it has no frame"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
    assert_eq!(names(folder.path()).len(), 2);
}

#[test]
fn frames_and_names_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let create =
        |name: &str, width, height| Animation::create(folder.path().join(name), width, height, DELAY);
    let mut animation = create("a.gif", 20, 11).unwrap();
    let error = animation.push(&frame(0)).unwrap_err();
    assert_eq!(error.to_string(), "the pictures are 20 x 11 px and 20 x 10 px, expected one size");
    assert_eq!(animation.frames(), 0);
    drop(animation);
    let text = create("a.webp", 2, 2).unwrap_err().to_string();
    assert!(text.ends_with("its extension is \"webp\", expected .png, .apng or .gif"), "{text}");
    assert!(matches!(create("a.gif", 0, 2), Err(ImageError::NoPixels { .. })));
    assert!(matches!(create("a.gif", 65_536, 2), Err(ImageError::Encode { .. })));
    assert!(matches!(
        Animation::create(folder.path(), 2, 2, DELAY),
        Err(ImageError::UnsupportedExtension { .. })
    ));
    fs::create_dir(folder.path().join("b.gif")).unwrap();
    assert!(matches!(create("b.gif", 2, 2), Err(ImageError::IsADirectory { .. })));
    fs::write(folder.path().join("file"), b"").unwrap();
    assert!(matches!(create("file/a.gif", 2, 2), Err(ImageError::Write { .. })));
    assert_eq!(names(folder.path()).len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_refuses_is_told() {
    // A limit on the size of files would hit the other tests; a device that is always full does not.
    for size in [(20, 10), (2000, 1000)] {
        let file = || BufWriter::new(File::options().write(true).open("/dev/full").unwrap());
        let picture = Image::new(size.0, size.1, vec![0.5; 3 * size.0 * size.1]).unwrap();
        let mut apng = apng::Writer::new(file(), size, DELAY);
        let written = apng.push(&picture).unwrap().and_then(|()| apng.finish().map(drop));
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
        let mut gif = gif::Writer::new(file(), (size.0 as u16, size.1 as u16), DELAY).unwrap();
        let written = gif.push(&picture).unwrap().and_then(|()| gif.finish().map(drop));
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}

#[test]
fn the_last_frame_can_stay_longer() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "a.gif"] {
        let path = folder.path().join(name);
        let mut animation = Animation::create(&path, 20, 10, DELAY).unwrap();
        animation.push(&frame(0)).unwrap();
        animation.set_delay(Duration::from_secs(2));
        animation.push(&frame(1)).unwrap();
        animation.finish().unwrap();
        let delays: Vec<_> = frames(&path).iter().map(|frame| Duration::from(frame.delay())).collect();
        assert_eq!(delays, [DELAY, Duration::from_secs(2)], "{name}");
    }
}
