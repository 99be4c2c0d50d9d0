"""Makes the contact sheet of docs/controls.md by running the commands that stand there.

    cargo build --release --example transfer
    python tools/contact_sheet.py docs/controls.md docs/images/controls.jpg

Every line of the page that begins with `transfer ` inside of a code block is a command; its output is the picture named
after `-o`. Prints seconds and distances of each.
"""

import argparse
import json
import shlex
import subprocess
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
COLUMNS, GAP, LABEL = 3, 6, 18


def commands(page):
    """The commands of a page, in their order, as lists of words."""
    return [shlex.split(line)[1:] for line in page.read_text().splitlines() if line.startswith("transfer ")]


def output(arguments):
    return ROOT / arguments[arguments.index("-o") + 1]


def run(program, arguments):
    """Runs one command; answers what its report says."""
    subprocess.run([program, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report = json.loads(output(arguments).with_suffix(".json").read_text())
    style = [at["distance"] for at in report["metrics"]["style_distance"]]
    times = report["times"]
    return (
        f"{output(arguments).stem}: {times['preparation'] + times['steps'] + times['finish']:.1f} s, "
        f"style {sum(style) / len(style):.4f}, content {report['metrics']['content_distance'][0]['distance']:.3f}, "
        f"ssim {report['metrics']['ssim']:.3f}"
    )


def sheet(pictures):
    """All pictures in rows, each with its name below."""
    opened = [Image.open(path).convert("RGB") for path in pictures]
    width, height = max(image.width for image in opened), max(image.height for image in opened)
    rows = -(-len(opened) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * (width + GAP) - GAP, rows * (height + LABEL + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(13)
    for index, (path, image) in enumerate(zip(pictures, opened, strict=True)):
        at = (index % COLUMNS * (width + GAP), index // COLUMNS * (height + LABEL + GAP))
        whole.paste(image, at)
        draw.text((at[0] + 2, at[1] + height + 1), path.stem, "black", font)
    return whole


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/examples/transfer")
    parser.add_argument("--reuse", action="store_true", help="take the pictures that are there")
    options = parser.parse_args()
    found = commands(options.page)
    for arguments in found:
        if not options.reuse:
            print(run(options.program, arguments), flush=True)
    sheet([output(arguments) for arguments in found]).save(options.sheet, quality=88, optimize=True)


if __name__ == "__main__":
    main()
