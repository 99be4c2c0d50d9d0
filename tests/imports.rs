//! Weights of every container, family of names, element type and exporter, through the importer and the engine: the
//! features are those that PyTorch computes.
//!
//! `tools/make_state_dict_fixtures.py` and `tools/make_onnx_fixtures.py` made the files and the golden features, with
//! narrow networks of VGG's topology. Run with `--nocapture` for the table.

#![allow(clippy::unwrap_used, clippy::panic)] // the helpers of tests are tests too

use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use safetensors::SafeTensors;
use style_transfer::import::{OpenOptions, WriteOptions};
use style_transfer::{Device, Encoding, Layer, PixelTransform, Tensor, Vgg, VggFile};

/// Largest relative L2 errors of features that are allowed, by the element type of the weights.
const TOLERANCES: [(&str, f64); 5] =
    [("f64", 1e-5), ("f32", 1e-5), ("f16", 2e-3), ("bf16", 2e-2), ("u8", 2e-1)];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/style-import/tests/fixtures")
}

/// The golden features of one network: a picture, and what PyTorch computes from it.
struct Golden {
    bytes: Vec<u8>,
}

impl Golden {
    fn read(path: &Path) -> Self {
        Self { bytes: std::fs::read(path).unwrap() }
    }

    fn get(&self, network: &str, name: &str) -> Option<Vec<f32>> {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = tensors.tensor(&format!("{network}/{name}")).ok()?;
        Some(tensor.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect())
    }

    /// The largest relative error over all layers that both know.
    fn compare(&self, network: &str, file: VggFile) -> f64 {
        let device = Device::flex();
        let image = self.get(network, "image").unwrap();
        let data = TensorData::new(image, [1, 3, 24, 20]);
        let vgg = Vgg::from_weights(file, &device);
        let known = |layer: &&Layer| vgg.contains(**layer) && self.get(network, layer.name()).is_some();
        let layers: Vec<_> = Layer::ALL.iter().filter(known).copied().collect();
        assert!(layers.len() > 1, "{network}");
        let features = vgg.features(Tensor::from_data(data, &device), &layers).unwrap();
        let errors = layers.iter().zip(features).map(|(layer, features)| {
            let expected = self.get(network, layer.name()).unwrap();
            relative(&features.into_data().try_to_vec::<f32>().unwrap(), &expected)
        });
        errors.fold(0.0, f64::max)
    }
}

fn relative(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let square = |value: f64| value * value;
    let difference: f64 =
        found.iter().zip(expected).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    (difference / expected.iter().map(|b| square(f64::from(*b))).sum::<f64>()).sqrt()
}

/// Every file of a folder with the features of its network; the network is what its name begins with.
fn check(folder: &Path, golden: &Golden, extensions: &[&str]) -> usize {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension().is_some_and(|e| extensions.iter().any(|x| e == *x))
            && !path.ends_with("golden.safetensors")
    });
    files.sort();
    for path in &files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let checkpoint =
            OpenOptions::new().external_data(true).open(path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let networks = ["vgg11", "vgg13", "vgg16_bn", "vgg16", "vgg19_bn", "vgg19_avg", "vgg19"];
        let network = networks.into_iter().find(|network| name.starts_with(network)).unwrap();
        assert_eq!(checkpoint.architecture().name(), &network[..5], "{name}");
        let dtype = checkpoint.layers()[0].dtype;
        let error = |encoding| {
            let options = WriteOptions {
                encoding,
                input: Some(PixelTransform::CaffeBgr255),
                ..WriteOptions::default()
            };
            golden.compare(network, checkpoint.to_vgg_file(&options).unwrap())
        };
        let [plain, codebook] = [Encoding::F32, Encoding::Codebook].map(error);
        let (container, family) = (checkpoint.container(), checkpoint.family());
        println!("| {name} | {container} | {family} | {dtype} | {plain:.1e} | {codebook:.1e} |");
        let (_, tolerance) = TOLERANCES.into_iter().find(|(name, _)| *name == dtype).unwrap();
        assert!(plain <= tolerance, "{name}: {plain:e}");
        assert!(codebook <= tolerance + 2e-2, "{name}: {codebook:e}");
    }
    files.len()
}

#[test]
fn onnx_models_give_the_features_that_pytorch_computes() {
    let folder = fixtures().join("onnx");
    let golden = Golden::read(&folder.join("golden.safetensors"));
    assert!(check(&folder, &golden, &["onnx"]) >= 12);
}

#[test]
fn state_dicts_give_the_features_that_pytorch_computes() {
    let folder = fixtures().join("state_dicts");
    let golden = Golden::read(&folder.join("golden.safetensors"));
    assert_eq!(check(&folder, &golden, &["pth", "safetensors"]), 30);
}
