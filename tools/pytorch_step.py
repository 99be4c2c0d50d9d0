"""Times one optimisation step of neural style transfer in PyTorch: what the benchmarks are compared with.

    python tools/pytorch_step.py --size 256 512 --threads 2
    python tools/pytorch_step.py --size 256 512 1024 2048 --device cuda         # --tf32 allows tensor cores

A step is VGG-19 forward to relu5_1, a content loss at relu4_2, five Gram losses, and the gradient of the pixels, waited
for; no optimiser. It is measured with both layouts of PyTorch's maps, channels first and last, and the line of JSON that is
printed for a size is that of the faster one. At least --steps steps and --seconds of them are counted, after one that
is not on the CPU and five on a GPU.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

from reference import CONTENT_LAYER, STYLE_LAYERS, Vgg, gram_matrix

ROOT = Path(__file__).resolve().parents[1]


class Step:
    """A network, targets and a picture, all of noise."""

    def __init__(self, size, device, layout):
        self.vgg = Vgg(ROOT / "weights/vgg19.safetensors")
        self.vgg.layers = [(name, weight.to(device).contiguous(memory_format=layout), bias.to(device))
                           for name, weight, bias in self.vgg.layers]
        generator = torch.Generator().manual_seed(0)
        pictures = (torch.rand(1, 3, size, size, generator=generator) for _ in range(2))
        content, style = (picture.to(device).contiguous(memory_format=layout)[0] for picture in pictures)
        with torch.no_grad():
            self.content = self.vgg.features(content)[CONTENT_LAYER]
            style = self.vgg.features(style)
            self.grams = {layer: gram_matrix(style[layer]) for layer in STYLE_LAYERS}
        self.image, self.device = content.clone().requires_grad_(), device

    def seconds(self):
        """The time of one step."""
        start = time.perf_counter()
        features = self.vgg.features(self.image)
        loss = (features[CONTENT_LAYER] - self.content).square().mean()
        loss = loss + sum((gram_matrix(features[layer]) - gram).square().mean() for layer, gram in self.grams.items())
        torch.autograd.grad(loss, self.image)
        if self.device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - start


def measure(size, layout, options):
    """Seconds of the counted steps."""
    step = Step(size, options.device, layout)
    for _ in range(1 if options.device == "cpu" else 5):
        step.seconds()
    times = []
    while len(times) < options.steps or sum(times) < options.seconds:
        times.append(step.seconds())
    return times


def fastest_layout(size, options):
    """What is printed for a size."""
    layouts = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}
    times = {name: measure(size, layout, options) for name, layout in layouts.items()}
    layout = min(times, key=lambda name: statistics.median(times[name]))
    name = "cpu" if options.device == "cpu" else torch.cuda.get_device_name()
    return {"size": size, "device": options.device, "hardware": name, "tf32": options.tf32, "layout": layout,
            "min_s": min(times[layout]), "median_s": statistics.median(times[layout]), "steps": len(times[layout]),
            "threads": torch.get_num_threads(), "torch": torch.__version__}


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0, help="count at least so many seconds of steps")
    parser.add_argument("--threads", type=int, help="as many as PyTorch takes by default")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--tf32", action="store_true", help="let a GPU round to 10 bits inside of products")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = options.tf32
    torch.backends.cudnn.allow_tf32 = options.tf32
    # cuDNN tries its convolutions on the first step of a size, as our backend tries its own.
    torch.backends.cudnn.benchmark = True
    for size in options.size:
        print(json.dumps(fastest_layout(size, options)), flush=True)


if __name__ == "__main__":
    main()
