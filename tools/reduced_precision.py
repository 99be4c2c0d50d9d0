"""What float32 loses when everything that is multiplied is rounded first, as matrix units of GPUs do: the figures of
docs/devices.md. TF32 keeps 10 bits of float32's 23, bfloat16 keeps 7; sums are float32.

    python tools/reduced_precision.py [long side in px]
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import reference

ROOT = Path(__file__).resolve().parents[1]
conv2d, state = F.conv2d, {"bits": 23, "cut": False}


def rounded(x):
    """The nearest number of so many bits, or the next one towards zero."""
    lost = 23 - state["bits"]
    if lost == 0:
        return x
    i = x.contiguous().view(torch.int32)
    if not state["cut"]:
        i = i + (1 << (lost - 1)) - 1 + ((i >> lost) & 1)
    return (i & ~((1 << lost) - 1)).view(torch.float32)


class Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, padding):
        ctx.weight, ctx.padding, ctx.shape = weight, padding, x.shape
        return conv2d(rounded(x), rounded(weight), bias, padding=padding)

    @staticmethod
    def backward(ctx, gradient):
        weight, gradient = rounded(ctx.weight), rounded(gradient)
        return torch.nn.grad.conv2d_input(ctx.shape, weight, gradient, padding=ctx.padding), None, None, None


class Gram(torch.autograd.Function):
    @staticmethod
    def forward(ctx, flat):
        ctx.save_for_backward(flat)
        return rounded(flat) @ rounded(flat).T

    @staticmethod
    def backward(ctx, gradient):
        return rounded(gradient + gradient.T) @ rounded(ctx.saved_tensors[0])


def gram(features):
    flat = features.flatten(1)
    return Gram.apply(flat) / flat.shape[1]


def picture(name, size):
    image = Image.open(ROOT / "examples/images" / name).convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return torch.tensor(np.asarray(image) / 255, dtype=torch.float32).permute(2, 0, 1)


def error(found, expected):
    return float((found.double() - expected.double()).norm() / expected.double().norm())


def trimmed(found, expected):
    """Without the worst 1 %."""
    found, expected = found.flatten(), expected.flatten()
    kept = (found - expected).abs().argsort()[: found.numel() - found.numel() // 100]
    return error(found[kept], expected[kept])


class Case:
    def __init__(self, width):
        size = (width, round(width * 2 / 3))
        self.content, self.style = picture("eilean_donan.webp", size), picture("van_gogh_cafe_terrace.webp", size)
        self.picture = (self.content + self.style) / 2
        self.vgg = reference.Vgg(ROOT / "weights/vgg19.safetensors", "replicate")
        self.relus = [f"relu{name}" for name, _, _ in self.vgg.layers]

    def maps(self):
        maps = self.vgg.features(self.picture)
        return [maps[relu] for relu in self.relus]

    def layer(self, index, before):
        """A layer in float32, of the map before it."""
        bits, state["bits"] = state["bits"], 23
        name, weight, bias = self.vgg.layers[index]
        if index == 0:
            x = conv2d(F.pad(self.vgg.transform(self.picture), (1, 1, 1, 1), mode="replicate"), weight, bias)
        else:
            x = F.max_pool2d(before[None], 2, 2) if name.endswith("_1") else before[None]
            x = conv2d(x, weight, bias, padding=1)
        state["bits"] = bits
        return F.relu(x)[0]

    def way_back(self, relu):
        x = self.picture.clone().requires_grad_()
        (self.vgg.features(x)[relu].square().sum() / 2).backward()
        return x.grad

    def targets(self):
        style = self.vgg.features(self.style)
        return {at: gram(style[at]) for at in reference.STYLE_LAYERS}, self.vgg.features(self.content)["relu4_2"]

    def loss(self, x, targets):
        """That of the preset balanced."""
        maps, (grams, content) = self.vgg.features(x), targets
        style = sum(((gram(maps[at]) - of).square().sum() / of.square().sum() for at, of in grams.items()))
        content = (maps["relu4_2"] - content).square().mean() / content.square().mean()
        return style / 5 + 0.03 * content + 0.3 * reference.total_variation(x)

    def step(self):
        x, targets = self.picture.clone().requires_grad_(), self.targets()
        self.loss(x, targets).backward()
        return x.grad

    def run(self):
        x, targets, curve = self.content.clone().requires_grad_(), self.targets(), []
        adam = torch.optim.Adam([x], lr=0.03, betas=(0.9, 0.99))
        for _ in range(20):
            adam.zero_grad()
            loss = self.loss(x, targets)
            loss.backward()
            curve.append(loss.item())
            adam.step()
            with torch.no_grad():
                x.clamp_(0, 1)
        return curve, x.detach()


def main():
    F.conv2d = lambda x, weight, bias=None, padding=0: Convolution.apply(x, weight, bias, padding)
    case = Case(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
    exact, back = case.maps(), [case.way_back(relu) for relu in case.relus]
    step, (curve, end) = case.step(), case.run()
    for name, bits, cut in [("TF32", 10, False), ("TF32, cut off", 10, True), ("bfloat16", 7, False)]:
        state.update(bits=bits, cut=cut)
        maps = case.maps()
        before = [None, *maps]
        layers = [error(found, case.layer(i, before[i])) for i, found in enumerate(maps)]
        of_maps = [m for m, relu in zip(maps, case.relus) if relu in reference.STYLE_LAYERS]
        grams = [error(gram(m), reference.gram_matrix(m)) for m in of_maps]
        ways = [trimmed(case.way_back(relu), expected) for relu, expected in zip(case.relus, back)]
        found_curve, found_end = case.run()
        decibels = float(-10 * torch.log10((found_end - end).square().mean()))
        print(f"{name}:")
        for what, errors in [("layers", layers), ("Gram matrices", grams), ("ways back", ways)]:
            print(f"  {what:<14}", " ".join(f"{error:.1e}" for error in errors))
        print(f"  {'picture to relu5_1':<20} {error(maps[-1], exact[-1]):.1e}")
        print(f"  {'gradient of a step':<20} {trimmed(case.step(), step):.1e}")
        print(f"  {'loss over 20 steps':<20} {max(abs(a / b - 1) for a, b in zip(found_curve, curve)):.1e}")
        print(f"  {'picture after them':<20} {decibels:.1f} dB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
