"""Makes the golden values of single losses with PyTorch: every form alone, its value and its derivative.

    python tools/make_loss_golden.py           writes crates/style-core/tests/golden/style_losses.safetensors
    python tools/make_loss_golden.py --check   recomputes them and compares with the file on disk
"""

import sys

import numpy
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import make_golden
import make_preset_golden
import reference
import transport
from make_golden import ROOT, arguments, check, inputs, sha256
from make_preset_golden import differences, nine_point
from reference import STYLE_LAYERS, Vgg, value_and_gradient

LAYER = "relu1_1"
PICTURE = (slice(None), slice(30, 42), slice(40, 56))  # of `image` and of `content`: 16 x 12
STYLE = (slice(None), slice(20, 30), slice(30, 44))  # of `style`: 14 x 10
EPSILON = 1e-5  # on variances, before their root
SMOOTHING = 1e-8  # on squared differences, where an exponent is below 2
SENTENCE = (
    "Single losses in float64, rounded. `image`, `content` and `style` are crops of 16 x 12 and 14 x 10 px of those in "
    "features.safetensors; `features.` their relu1_1, zero padding. NAME.loss and NAME.gradient, with respect to "
    "features.image, or for `tv.` to `image`. `mean_variance`: mean((m - m_s)^2) + mean((s - s_s)^2), "
    "s = sqrt(variance + 1e-5). `wasserstein.exact`, `.steps`, `.inverse`: as crowsonkb-w2 in presets.safetensors; with a "
    "layer behind, of the whole pictures there, replicate padding. `sliced`: along `directions`; `sliced8`: along the "
    "first 8; mean over directions and positions. `content.`: the four forms. `guided`: positions weighted by `mask` "
    "over its sum, mean, Gram matrix, and its squared distance from the style's unguided one over C^2. `tv.`: the forms of "
    "total variation, `power` over all pixels with differences of 0 across the border, below exponent 2 smoothed by "
    "1e-8. `pool.l2`: torch.nn.LPPool2d(2, 2) of features.image."
)


def mean_variance(features, target):
    """Squared differences of channel means and standard deviations, the mean over channels."""
    def parts(x):
        flat = x.flatten(1)
        return flat.mean(1), (flat.var(1, correction=0) + EPSILON).sqrt()

    return sum((found - wanted).square().mean() for found, wanted in zip(parts(features), parts(target), strict=True))


def content_losses(target):
    """The four forms by name, each a function of the features."""
    return {
        "mean": lambda x: (x - target).square().mean(),
        "half-sum": lambda x: (x - target).square().sum() / 2,
        "relative": lambda x: (x - target).square().mean() / target.square().mean(),
        "scaled": lambda x: (x - target).square().sum() / ((x - target).abs().sum() + 1e-8),
    }


def guided_statistics(features, mask):
    """Mean [C] and Gram matrix [C, C] with positions weighted by the mask over its sum."""
    flat, weights = features.flatten(1), mask.flatten() / mask.sum()
    return flat @ weights, (flat * weights) @ flat.T


def power(image, exponent):
    """mean (dx^2 + dy^2)^(b/2) over all pixels."""
    down, right = differences(image)
    squares = F.pad(down, (0, 0, 0, 1)).square() + F.pad(right, (0, 1)).square()
    if exponent >= 2:
        return (squares ** (exponent / 2)).mean()
    return ((squares + SMOOTHING) ** (exponent / 2) - SMOOTHING ** (exponent / 2)).mean()


TOTAL_VARIATIONS = {
    "sum-absolute": lambda x: sum(d.abs().sum() for d in differences(x)),
    "mean-absolute": lambda x: sum(d.abs().mean() for d in differences(x)),
    "mean-square": reference.total_variation,
    "power-1.5": lambda x: power(x, 1.5),
    "power-3": lambda x: power(x, 3),
    "nine-point": nine_point,
}


def directions(channels):
    """Unit vectors in the rows of [C, C]."""
    rows = torch.randn(channels, channels, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    # What the file holds in float32 is what is used.
    return F.normalize(rows, dim=1).float().double()


def soft_mask(height, width):
    """Half the picture, with a soft slanted edge, nothing in the corner: [H, W]."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    edge = torch.sigmoid((columns + 0.5 * rows - 0.6 * width) / 2)
    return edge.where(rows + columns > 3, 0).double()


def single_losses(features, content, style):
    """Losses of the features of one layer by name, each a function of the features."""
    lines, mask = directions(len(features)), soft_mask(*features.shape[1:])
    target = reference.gram_matrix(style)
    return {
        "mean_variance": lambda x: mean_variance(x, style),
        **{f"wasserstein.{how}": lambda x, how=how: transport.gaussian(x, style, how) for how in transport.TRACES},
        "sliced": lambda x: transport.sliced(x, style, lines),
        "sliced8": lambda x: transport.sliced(x, style, lines[:8]),
        **{f"content.{name}": loss for name, loss in content_losses(content).items()},
        "guided": lambda x: (guided_statistics(x, mask)[1] - target).square().mean(),
    }


def losses_file(path, content, style, image):
    """Every tensor of the file."""
    whole = Vgg(path, "replicate", dtype=torch.float64)
    with torch.no_grad():
        found, wanted = (whole.features(picture.double()) for picture in (image, style))
    tensors = {
        f"wasserstein.{how}.{layer}.loss": transport.gaussian(found[layer], wanted[layer], how).view(1)
        for how in transport.TRACES
        for layer in STYLE_LAYERS
    }
    crops = {"image": image[PICTURE], "content": content[PICTURE], "style": style[STYLE]}
    vgg = Vgg(path, dtype=torch.float64)
    vgg.layers = vgg.layers[:1]  # the crops are too small for the deeper ones
    # As the file holds them in float32, so that what is made of them is made of the same numbers.
    features = {name: vgg.features(crop.double())[LAYER].float().double() for name, crop in crops.items()}
    mask = soft_mask(*features["image"].shape[1:])
    mean, gram = guided_statistics(features["image"], mask)
    tensors |= crops | {f"features.{name}": value for name, value in features.items()}
    tensors |= {"directions": directions(len(mean)), "mask": mask, "guided.mean": mean, "guided.gram": gram}
    for name, loss in single_losses(*features.values()).items():
        tensors[f"{name}.loss"], tensors[f"{name}.gradient"] = value_and_gradient(loss, features["image"])
    for name, loss in TOTAL_VARIATIONS.items():
        tensors[f"tv.{name}.loss"], tensors[f"tv.{name}.gradient"] = value_and_gradient(loss, crops["image"].double())
    tensors["pool.l2"] = torch.nn.LPPool2d(2, 2)(features["image"][None])[0]
    return tensors


def main():
    """Command line."""
    parser = arguments(__doc__)
    parser.add_argument("--out", type=make_golden.Path, default=ROOT / "crates/style-core/tests/golden")
    parser.add_argument("--check", action="store_true", help="compare with the file in --out, write nothing")
    options = parser.parse_args()
    tensors = losses_file(*inputs(options))
    if options.check:
        sys.exit(0 if check(options.out, {"style_losses": tensors}) else 1)
    metadata = {"description": SENTENCE, "torch": torch.__version__, "numpy": numpy.__version__,
                "script_sha256": sha256(__file__), "reference_sha256": sha256(reference.__file__),
                "transport_sha256": sha256(transport.__file__),
                "presets_sha256": sha256(make_preset_golden.__file__), "weights_sha256": sha256(options.weights)}
    tensors = {key: tensor.detach().float().contiguous().clone() for key, tensor in tensors.items()}
    save_file(tensors, options.out / "style_losses.safetensors", metadata)
    for name, value in tensors.items():
        if value.numel() == 1:
            print(name, f"{value.item():.6g}")


if __name__ == "__main__":
    main()
