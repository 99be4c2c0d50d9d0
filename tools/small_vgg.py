"""The small VGG network of the importer's fixtures: the topology of VGG-11 to VGG-19, narrow channels.

Its values follow from a seed; every script that makes fixtures builds the very same network.
"""

import torch
from torch import nn

CHANNELS = (4, 8, 16, 32, 32)
BLOCKS = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}


def small_vgg(architecture="vgg19", batch_norm=False, average=False, seed=1):
    """`features` as torchvision builds it: convolution, (norm,) ReLU, and a pooling after every block."""
    generator = torch.Generator().manual_seed(seed)
    layers, inputs = [], 3
    for outputs, count in zip(CHANNELS, BLOCKS[architecture]):
        for _ in range(count):
            conv = nn.Conv2d(inputs, outputs, 3, padding=1)
            with torch.no_grad():
                spread = (2 / (9 * inputs)) ** 0.5
                conv.weight.copy_(torch.randn(conv.weight.shape, generator=generator) * spread)
                conv.bias.copy_(torch.randn(outputs, generator=generator) * 0.1)
            layers.append(conv)
            if batch_norm:
                norm = nn.BatchNorm2d(outputs)
                with torch.no_grad():
                    norm.weight.copy_(1 + 0.2 * torch.randn(outputs, generator=generator))
                    norm.bias.copy_(0.1 * torch.randn(outputs, generator=generator))
                    norm.running_mean.copy_(0.1 * torch.randn(outputs, generator=generator))
                    norm.running_var.copy_(0.5 + torch.rand(outputs, generator=generator))
                layers.append(norm)
            layers.append(nn.ReLU())
            inputs = outputs
        layers.append(nn.AvgPool2d(2) if average else nn.MaxPool2d(2))
    return nn.Sequential(*layers).eval()


class SmallVgg(nn.Module):
    """`features` and a classifier, with the attribute names of torchvision."""

    def __init__(self, *arguments, **options):
        super().__init__()
        self.features = small_vgg(*arguments, **options)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(CHANNELS[-1], 10), nn.ReLU(), nn.Dropout(), nn.Linear(10, 5))

    def forward(self, image):
        return self.classifier(torch.flatten(self.avgpool(self.features(image)), 1))
