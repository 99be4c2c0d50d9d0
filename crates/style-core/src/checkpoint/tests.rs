//! Bytes that are no checkpoint, or one that somebody made.

use std::io::{self, Write};
use std::ops::ControlFlow;

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use style_format::Layer::Relu1_1;
use style_image::Image;

use super::file::HASH_BYTES;
use super::*;
use crate::test_support::{numbers, vgg};
use crate::{Error, LineSearch, Optimizer, Outcome, StyleTransfer, Vgg};

fn picture(seed: u32) -> Image {
    Image::new(16, 16, numbers(16 * 16 * 3, seed)).unwrap()
}

fn transfer<'a>(vgg: &'a Vgg, style: &'a Image, optimizer: Optimizer) -> StyleTransfer<'a> {
    let layers = [Relu1_1];
    let transfer = StyleTransfer::new(vgg).style(style).size(16).steps(4).optimizer(optimizer);
    transfer.content_layers(layers).style_layers(layers)
}

/// After the third of four steps.
fn checkpoint(optimizer: Optimizer) -> Checkpoint {
    let (vgg, style) = (vgg(Relu1_1), picture(2));
    let mut kept = None;
    let transfer = transfer(&vgg, &style, optimizer).on_step(|step| {
        kept = (step.index == 3).then(|| step.checkpoint()).or(kept.take());
        ControlFlow::Continue(())
    });
    transfer.run(&picture(1)).unwrap();
    kept.unwrap().with_about("a test")
}

fn bytes(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut bytes = Vec::new();
    checkpoint.write_to(&mut bytes).unwrap();
    bytes
}

fn resume(checkpoint: &Checkpoint, optimizer: Optimizer) -> Result<Outcome, Error> {
    let (vgg, style) = (vgg(Relu1_1), picture(2));
    transfer(&vgg, &style, optimizer).resume_from(checkpoint).run(&picture(1))
}

fn searching() -> Optimizer {
    Optimizer::Lbfgs { learning_rate: 1.0, history: 10, line_search: LineSearch::StrongWolfe }
}

/// Puts the right hash behind bytes that somebody changed.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let contents = bytes.len() - HASH_BYTES;
    let hash = Sha256::digest(&bytes[..contents]);
    bytes[contents..].copy_from_slice(&hash);
    bytes
}

fn reason(bytes: &[u8]) -> String {
    match Checkpoint::parse(bytes).unwrap_err() {
        Error::Checkpoint { reason } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn bytes_keep_every_bit_and_are_the_same_for_the_same_checkpoint() {
    let mut checkpoint = checkpoint(searching());
    let odd = [f64::NAN, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE / 3.0, 0.1 + 0.2];
    checkpoint.kept.put_numbers("odd", odd);
    let row = [f32::NAN, f32::INFINITY, -0.0, f32::MIN_POSITIVE / 3.0, 0.1];
    checkpoint.kept.put_rows("row", 5, [&row[..]].into_iter());
    let written = bytes(&checkpoint);
    assert_eq!(written, bytes(&checkpoint));
    let read = Checkpoint::parse(&written).unwrap();
    assert_eq!(bytes(&read), written);
    assert_eq!(read.identity(), checkpoint.identity());
    assert_eq!(read.about(), "a test");
    let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(read.kept.numbers("odd").unwrap()), bits(&odd));
    let rows = read.kept.rows("row").unwrap();
    assert!(rows[0].iter().zip(row).all(|(a, b)| a.to_bits() == b.to_bits()));
    assert!(safetensors::SafeTensors::deserialize(&written).is_ok(), "any reader of safetensors reads it");
}

#[test]
fn every_cut_and_every_flipped_bit_is_noticed() {
    let whole = bytes(&checkpoint(Optimizer::ADAM));
    for length in 0..whole.len() {
        let reason = reason(&whole[..length]);
        assert!(reason.contains("cut off or damaged") || length < HASH_BYTES, "{length}: {reason}");
    }
    let mut flipped = whole.clone();
    for bit in (0..8 * whole.len()).step_by(61).chain(0..80) {
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(reason(&flipped).contains("cut off or damaged"), "bit {bit}");
        flipped[bit / 8] ^= 1 << (bit % 8);
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(reason(&longer).contains("cut off or damaged"));
    assert_eq!(reason(b"too short"), "9 bytes are too few");
}

#[test]
fn sizes_that_nobody_has_are_refused_before_memory_is_asked_for() {
    let huge = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,3,4000000000,4000000000],\"data_offsets\":[0,18446744073709551615]}}";
    for (length, header) in
        [(u64::MAX, "{}"), (1 << 40, "{}"), (huge.len() as u64, huge), (2, "[]"), (4, "\"ab\"")]
    {
        let file = [&length.to_le_bytes()[..], header.as_bytes(), &[0; HASH_BYTES]].concat();
        let reason = reason(&sealed(file));
        assert!(reason.starts_with("no safetensors file"), "{reason}");
    }
    let nested = format!("{{\"__metadata__\":{}", "[".repeat(200_000));
    let file = [&(nested.len() as u64).to_le_bytes()[..], nested.as_bytes(), &[0; HASH_BYTES]].concat();
    assert!(reason(&sealed(file)).starts_with("no safetensors file"));
}

#[test]
fn a_file_of_another_kind_or_version_is_named() {
    let whole = bytes(&checkpoint(Optimizer::ADAM));
    let with = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let place = whole.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut changed = whole.clone();
        changed[place..place + to.len()].copy_from_slice(to.as_bytes());
        reason(&sealed(changed))
    };
    assert_eq!(
        with("style-transfer.checkpoint", "style-transfer.chequebook"),
        "its format is \"style-transfer.chequebook\", expected \"style-transfer.checkpoint\""
    );
    assert_eq!(with("\"version\":\"1\"", "\"version\":\"2\""), "its version is \"2\", expected \"1\"");
    assert!(with("content_weight", "contentxweight").starts_with("its settings: unknown field"));
    assert!(with("\"F64\"", "\"I64\"").contains("expected F64 of one dimension or F32 of four"));
}

#[test]
fn state_that_makes_no_sense_is_an_error_and_never_a_panic() {
    for optimizer in [Optimizer::ADAM, Optimizer::LBFGS, searching()] {
        let sound = checkpoint(optimizer);
        resume(&sound, optimizer).unwrap();
        for name in sound.kept.numbers.keys() {
            for index in 0..sound.kept.numbers[name].len() {
                for number in [f64::NAN, f64::INFINITY, -1.0, 0.0, 0.5, 2.0, 7.0, 9e15, 1e300] {
                    let mut odd = sound.clone();
                    odd.kept.numbers.get_mut(name).unwrap()[index] = number;
                    is_refused_or_runs(&odd, optimizer);
                }
            }
            let mut without = sound.clone();
            without.kept.numbers.remove(name);
            is_refused_or_runs(&without, optimizer);
        }
        for name in sound.kept.tensors.keys() {
            let mut without = sound.clone();
            without.kept.tensors.remove(name);
            is_refused_or_runs(&without, optimizer);
            for shape in [[1, 3, 8, 32], [1, 1, 1, 1], [0, 0, 0, 0], [1, 3, 16, 17]] {
                let mut odd = sound.clone();
                let values = Arc::new(vec![0.5; shape.iter().product()]);
                odd.kept.tensors.insert(name.clone(), kept::Held::Host { shape, values });
                is_refused_or_runs(&odd, optimizer);
            }
        }
    }
}

fn is_refused_or_runs(odd: &Checkpoint, optimizer: Optimizer) {
    let resumed = Checkpoint::parse(&bytes(odd)).and_then(|read| resume(&read, optimizer));
    match resumed {
        Ok(_) | Err(Error::Checkpoint { .. } | Error::Diverged { .. }) => {}
        Err(other) => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_header_that_somebody_changed_is_read_or_refused(changes in prop::collection::vec((0_usize..6000, any::<u8>()), 1..4)) {
        thread_local! {
            static WHOLE: Vec<u8> = bytes(&checkpoint(Optimizer::LBFGS));
        }
        let mut changed = WHOLE.with(Clone::clone);
        for (place, byte) in changes {
            let place = place % changed.len();
            changed[place] = byte;
        }
        match Checkpoint::parse(&sealed(changed)) {
            Ok(_) | Err(Error::Checkpoint { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_sink_that_takes_no_more_is_an_error_of_its_own() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let checkpoint = checkpoint(Optimizer::ADAM);
    let length = bytes(&checkpoint).len();
    checkpoint.write_to(&mut Full(length)).unwrap();
    for room in [0, 8, 1000, length / 2, length - 1] {
        let error = checkpoint.write_to(&mut Full(room)).unwrap_err();
        assert!(
            matches!(&error, Error::CheckpointWrite(error) if error.kind() == io::ErrorKind::StorageFull)
        );
        assert!(error.to_string().starts_with("cannot write the checkpoint: "), "{error}");
    }
}
