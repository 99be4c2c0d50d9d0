//! Runs that are taken up again with the bundled network and the default settings.

#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

use std::ops::ControlFlow;

use style_transfer::{Checkpoint, Device, Image, Optimizer, StyleTransfer, VGG19, Vgg};

fn picture(width: usize, height: usize, seed: usize) -> Image {
    let value = |i: usize| ((i / 24 + seed) * 7919 % 1009) as f32 / 1009.0;
    Image::new(width, height, (0..3 * width * height).map(value).collect()).unwrap()
}

#[test]
fn a_run_goes_on_to_the_same_picture_across_the_border_of_a_scale() {
    let vgg = Vgg::load(VGG19, &Device::flex()).unwrap();
    let (content, style) = (picture(120, 90, 0), picture(100, 100, 77));
    for optimizer in [Optimizer::ADAM, Optimizer::LBFGS] {
        let transfer = || {
            let transfer = StyleTransfer::new(&vgg).style(&style).size(96).smallest_scale(64);
            transfer.steps(4).optimizer(optimizer)
        };
        let mut checkpoints = Vec::new();
        let whole = transfer().on_step(|step| {
            let mut bytes = Vec::new();
            step.checkpoint().with_about("here").write_to(&mut bytes).unwrap();
            checkpoints.push(bytes);
            ControlFlow::Continue(())
        });
        let expected = whole.run(&content).unwrap();
        assert_eq!((expected.scales().len(), checkpoints.len()), (2, 8));
        for step in [3, 4, 6, 8] {
            // Another load of the same weights, as in another process.
            let vgg = Vgg::load(VGG19, &Device::flex()).unwrap();
            let checkpoint = Checkpoint::parse(&checkpoints[step - 1]).unwrap();
            let transfer = StyleTransfer::new(&vgg).style(&style).settings(checkpoint.settings().clone());
            let found = transfer.resume_from(&checkpoint).run(&content).unwrap();
            assert_eq!(checkpoint.step(), step);
            assert!(found.image() == expected.image(), "{optimizer:?} from step {step}: another picture");
            assert_eq!(found.history(), expected.history());
            assert_eq!(found.metrics(), expected.metrics());
        }
    }
}
