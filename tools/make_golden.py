"""Makes the golden values of the parity tests with PyTorch: features, Gram matrices, losses, curves.

    python tools/make_golden.py           writes crates/style-core/tests/golden/*.safetensors
    python tools/make_golden.py --check   recomputes them and compares with the files on disk
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

import reference
from reference import (
    STYLE_LAYERS, Targets, Vgg, gram_matrix, norm_pool2d, objectives, scaled, total_variation, value_and_gradient,
)

ROOT = Path(__file__).resolve().parents[1]
CONTENT_CROP = (268, 92, 364, 164)  # left, top, right, bottom in px: 96 x 72, castle, hill and sky
STYLE_CROP = (160, 100, 240, 164)  # 80 x 64, awning of the café and night sky
STEPS = 20
FIRST_STEP = 0.01  # root mean square change of the pixels by the first step of L-BFGS
LIMIT = 1e-5  # largest relative L2 difference that --check allows

SENTENCES = {
    "features": "Features of `image` (content crop + 0.05 * seeded noise, clamped to [0, 1]) in VGG-19, zero padding "
    "and max pooling unless the name begins with another variant: `replicate.` pads the pixel-transformed image with "
    "its border before the first convolution, `reflect.` with its mirror image, `average.` pools by the mean, "
    "`average2.` by twice the mean, `l2.` by 0.78 times the root of the sum of squares. `.everyN` keeps channels 0, N, "
    "2N, ...",
    "grams": "Gram matrices F F^T / (H W) and channel means of the features of `image` (in features.safetensors), zero "
    "padding, max pooling. `.every8` keeps rows 0, 8, 16, ... and all columns.",
    "losses": "Losses of `image` against the content and style crops (all in features.safetensors), for the network "
    "with zero-padded and with replicate-padded first convolution, max pooling; unweighted. `total.` and `gradient.` "
    "are of the two objectives in tools/README.md; `.f64` was computed in float64 and rounded.",
    "curves": "Total loss before each of 20 optimiser steps from `image`, and after the last. Adam: lr 0.03, betas "
    "0.9 0.99, eps 1e-8, image clamped to [0, 1] after each step. L-BFGS: torch.optim.LBFGS, max_iter 1, history 10, "
    "no line search, no tolerances, no clamping; lr 1 but for the first step, whose lr makes the root mean square "
    "change of the pixels 0.01.",
}


def curve(objective, start, name):
    """Loss before each step of the optimiser and after the last: [STEPS + 1]."""
    image = start.clone().requires_grad_()
    if name == "adam":
        optimiser = torch.optim.Adam([image], lr=0.03, betas=(0.9, 0.99), eps=1e-8)
    else:
        # PyTorch's first step is lr * g / max(1, |g|_1), a change of 1e-4 or so: too short to tell the curvature
        # from rounding, so that the run depends on the last bit of the gradient (tools/README.md).
        gradient = value_and_gradient(objective, start)[1]
        lr = FIRST_STEP * gradient.numel() ** 0.5 / gradient.norm() * gradient.abs().sum().clamp(min=1)
        optimiser = torch.optim.LBFGS(
            [image], lr=lr.item(), max_iter=1, history_size=10, tolerance_grad=0, tolerance_change=0
        )
    values = []

    def closure():
        optimiser.zero_grad()
        loss = objective(image)
        loss.backward()
        values.append(loss.item())
        return loss

    for _ in range(STEPS):
        optimiser.step(closure)
        if name == "adam":
            with torch.no_grad():
                image.clamp_(0, 1)
        else:
            optimiser.param_groups[0]["lr"] = 1
    with torch.no_grad():
        values.append(objective(image).item())
    values = torch.tensor(values, dtype=torch.float64)
    return values[: int(values.isfinite().cumprod(0).sum())]


def crop(path, box):
    """Part of a picture as RGB in [0, 1]: [3, H, W]."""
    with Image.open(path) as picture:
        pixels = numpy.asarray(picture.convert("RGB").crop(box), dtype=numpy.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def sha256(path):
    """Hash of a file, in hex."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def features_file(path, content, style, image):
    """The pictures, and features of `image` in several variants of the network."""
    variants = {
        "": (Vgg(path), {"conv1_1": 16, "relu1_1": 8, "relu2_1": 8, "relu3_1": 2, "relu4_1": 2, "relu4_2": 2,
                         "relu5_1": 1}),
        "replicate.": (Vgg(path, padding="replicate"), {"relu1_1": 8, "relu3_1": 4}),
        "average.": (Vgg(path, pool=F.avg_pool2d), {"relu3_1": 4, "relu5_1": 1}),
        "reflect.": (Vgg(path, padding="reflect"), {"relu1_1": 16, "relu4_2": 8}),
        "average2.": (Vgg(path, pool=scaled(F.avg_pool2d, 2.0)), {"relu4_2": 8}),
        "l2.": (Vgg(path, pool=scaled(norm_pool2d, 0.78)), {"relu2_1": 16, "relu4_2": 8}),
    }
    tensors = {"content": content, "style": style, "image": image}
    for prefix, (vgg, layers) in variants.items():
        features = vgg.features(image)
        for layer, every in layers.items():
            tensors[prefix + layer + (f".every{every}" if every > 1 else "")] = features[layer][::every]
    return tensors


def grams_file(path, _content, _style, image):
    """Gram matrices and channel means of `image`."""
    features, tensors = Vgg(path).features(image), {}
    for layer in STYLE_LAYERS:
        gram, wide = gram_matrix(features[layer]), layer in ("relu4_1", "relu5_1")
        tensors[f"{layer}.gram.every8" if wide else f"{layer}.gram"] = gram[::8] if wide else gram
        tensors[f"{layer}.mean"] = features[layer].mean((1, 2))
    return tensors


def losses_file(path, content, style, image):
    """Every loss alone, both totals, and the totals' gradients in both precisions."""
    tensors = {"tv": total_variation(image).view(1)}
    for padding in ("zero", "replicate"):
        losses = Targets(Vgg(path, padding=padding), content, style).losses(image)
        tensors |= {f"{padding}.{name}": value.view(1) for name, value in losses.items()}
    for dtype, suffix in ((torch.float32, ""), (torch.float64, ".f64")):
        for name, objective in objectives(path, content, style, dtype).items():
            loss, gradient = value_and_gradient(objective, image.to(dtype))
            tensors |= {f"total.{name}{suffix}": loss, f"gradient.{name}{suffix}": gradient}
    return tensors


def curves_file(path, content, style, image):
    """Twenty steps of each optimiser on each objective."""
    both = objectives(path, content, style)
    names = [(optimiser, name) for optimiser in ("adam", "lbfgs") for name in both]
    return {f"{optimiser}.{name}": curve(both[name], image, optimiser) for optimiser, name in names}


def difference(found, expected):
    """Relative L2 difference; infinite when the shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    found, expected = found.double(), expected.double()
    return ((found - expected).norm() / expected.norm()).item()


def check(folder, files):
    """Compares with the files on disk. Float32 gradients and curves depend on the machine: shown, not judged."""
    good = True
    for file, tensors in files.items():
        stored = load_file(folder / f"{file}.safetensors")
        good &= stored.keys() == tensors.keys()
        for name in sorted(stored.keys() & tensors.keys()):
            judged = file != "curves" and name not in ("gradient.relative", "gradient.mse")
            value = difference(tensors[name], stored[name])
            good &= value <= LIMIT or not judged
            print(f"{value:9.2e}  {file} {name}{'' if judged else '  (not judged)'}")
    print("same" if good else f"DIFFERENT: names differ, or a difference above {LIMIT}")
    return good


def arguments(description):
    """The parser of the options that both scripts have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=ROOT / "weights/vgg19.safetensors")
    parser.add_argument("--content", type=Path, default=ROOT / "examples/images/eilean_donan.webp")
    parser.add_argument("--style", type=Path, default=ROOT / "examples/images/van_gogh_cafe_terrace.webp")
    return parser


def inputs(options):
    """Path of the weights, content crop, style crop and the noisy image; makes torch repeatable."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    content, style = crop(options.content, CONTENT_CROP), crop(options.style, STYLE_CROP)
    noise = torch.randn(content.shape, generator=torch.Generator().manual_seed(0))
    return options.weights, content, style, (content + 0.05 * noise).clamp(0, 1)


def main():
    """Command line."""
    parser = arguments(__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "crates/style-core/tests/golden")
    parser.add_argument("--check", action="store_true", help="compare with the files in --out, write nothing")
    options = parser.parse_args()
    makers = {"features": features_file, "grams": grams_file, "losses": losses_file, "curves": curves_file}
    given = inputs(options)
    files = {name: maker(*given) for name, maker in makers.items()}
    if options.check:
        sys.exit(0 if check(options.out, files) else 1)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, tensors in files.items():
        tensors = {key: tensor.detach().float().contiguous().clone() for key, tensor in tensors.items()}
        metadata = {"description": SENTENCES[name], "torch": torch.__version__, "numpy": numpy.__version__,
                    "script_sha256": sha256(__file__), "reference_sha256": sha256(reference.__file__),
                    "weights_sha256": sha256(options.weights)}
        save_file(tensors, options.out / f"{name}.safetensors", metadata)
        print(f"{name}: {len(tensors)} tensors")


if __name__ == "__main__":
    main()
