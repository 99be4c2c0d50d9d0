"""Runs Adam and L-BFGS, with and without the ladder of scales, with and without averaged iterates, on three pairs of
pictures, and writes loss against seconds for loss_curves.py.

    cargo build --release --example transfer --example measure
    python tools/measure_curves.py out/curves.json
    python tools/loss_curves.py out/curves.json docs/images/loss_curves.svg

The loss is that of the last scale throughout: pictures on the way are enlarged and measured with the run's own
objective (example `measure`). Seconds are those of the run; writing the pictures is in them, a few milliseconds each.
Runs take turns over the pairs, so that a slow minute of the machine hits all.
"""

import argparse
import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "examples/images"
CONTENT = "eilean_donan.webp"
PAIRS = {
    "castle, cafe terrace": (CONTENT, "van_gogh_cafe_terrace.webp"),
    "castle, church at Auvers": (CONTENT, "van_gogh_church_at_auvers.webp"),
    "harvest, cafe terrace": ("van_gogh_harvest_at_la_crau.webp", "van_gogh_cafe_terrace.webp"),
}
ONE_SCALE = ["--set", "smallest_scale=8192", "--steps", "75"]
LADDER = ["--steps", "25,25,50"]
AVERAGED = ["--set", "averaging=0.9"]
RUNS = {
    "Adam": ["--optimizer", "adam", *ONE_SCALE],
    "Adam, averaged": ["--optimizer", "adam", *ONE_SCALE, *AVERAGED],
    "Adam, ladder": ["--optimizer", "adam", *LADDER],
    "Adam, ladder, averaged": ["--optimizer", "adam", *LADDER, *AVERAGED],
    "L-BFGS": ["--optimizer", "lbfgs", *ONE_SCALE],
    "L-BFGS, averaged": ["--optimizer", "lbfgs", *ONE_SCALE, *AVERAGED],
    "L-BFGS, ladder": ["--optimizer", "lbfgs", *LADDER],
    "L-BFGS, ladder, averaged": ["--optimizer", "lbfgs", *LADDER, *AVERAGED],
}


def run(programs, size, pair, label, folder):
    """[seconds, loss] of the pictures of one run."""
    content, style = (str(PICTURES / name) for name in PAIRS[pair])
    common = ["--size", str(size)]
    output = ["-o", folder / "result.png", "--snapshots", folder, "--snapshot-every", "4"]
    subprocess.run([programs / "transfer", content, style, *common, *output, *RUNS[label]], check=True, capture_output=True)
    taken = json.loads((folder / "snapshots.json").read_text())
    files = [str(folder / snapshot["file"]) for snapshot in taken]
    arguments = ["--content", content, "--style", style, *common]
    found = subprocess.run([programs / "measure", *arguments, *files], check=True, capture_output=True, text=True)
    losses = [json.loads(line)["loss"] for line in found.stdout.splitlines()]
    return [[snapshot["seconds"], loss] for snapshot, loss in zip(taken, losses, strict=True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--programs", type=Path, default=ROOT / "target/release/examples")
    parser.add_argument("--size", type=int, default=320)
    options = parser.parse_args()
    curves = []
    for label in RUNS:
        for pair in PAIRS:
            folder = options.output.parent / "curves" / f"{label} {pair}".replace(",", "").replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            points = run(options.programs, options.size, pair, label, folder)
            curves.append({"pair": pair, "label": label, "points": points, "dashed": "averaged" in label})
            print(f"{pair}: {label}: {points[-1][0]:.1f} s, loss {points[-1][1]:.4f}", flush=True)
    options.output.write_text(json.dumps(curves))


if __name__ == "__main__":
    main()
