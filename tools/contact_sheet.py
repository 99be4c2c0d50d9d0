"""Makes the pictures of docs/options.md by running the commands that stand there.

    cargo build --release --package style-cli
    python tools/contact_sheet.py docs/options.md

A block of commands with a picture below it in the page is shown by that picture: the outputs of the block's commands,
named after their files. Every command gets `--preset fast --size 240`, where it does not say otherwise. Prints what the
program says of each in the end: seconds and distances.
"""

import argparse
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
GAP, LABEL = 6, 18
# The names that the page uses for the pictures of examples/images.
PICTURES = {
    "photo.jpg": "eilean_donan.webp",
    "painting.jpg": "van_gogh_cafe_terrace.webp",
    "second.jpg": "van_gogh_harvest_at_la_crau.webp",
    "sky.png": "eilean_donan_sky.png",
    "land.png": "eilean_donan_land.png",
}
BLOCK = re.compile(r"^```sh\n((?:style .*\n)+)```\n\n!\[[^\]]*\]\(([^)]+)\)", re.MULTILINE)


def sheets(page):
    """The pictures of a page, each with the commands that make it, as lists of words."""
    for block, picture in BLOCK.findall(page.read_text()):
        yield page.parent / picture, [shlex.split(line)[1:] for line in block.splitlines()]


def output(arguments):
    return arguments[arguments.index("-o") + 1]


def run(program, arguments, folder):
    """Runs one command; answers what it says last."""
    defaults = {"--preset": "fast", "--size": "240"}
    added = [word for flag, value in defaults.items() if flag not in arguments for word in (flag, value)]
    command = [program, *arguments, *added, "--force", "--progress", "plain"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stderr.splitlines()[-1]


def sheet(pictures):
    """All pictures in rows, each with its name below."""
    opened = [Image.open(path).convert("RGB") for path in pictures]
    columns = 2 if len(opened) == 4 else 3
    width, height = max(image.width for image in opened), max(image.height for image in opened)
    rows = -(-len(opened) // columns)
    whole = Image.new("RGB", (columns * (width + GAP) - GAP, rows * (height + LABEL + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(13)
    for index, (path, image) in enumerate(zip(pictures, opened, strict=True)):
        at = (index % columns * (width + GAP), index // columns * (height + LABEL + GAP))
        whole.paste(image, at)
        draw.text((at[0] + 2, at[1] + height + 1), path.stem, "black", font)
    return whole


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/style")
    parser.add_argument("--only", help="sheets whose name has this in it")
    options = parser.parse_args()
    program = options.program.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for picture, bundled in PICTURES.items():
            (folder / picture).symlink_to(ROOT / "examples/images" / bundled)
        for place, commands in sheets(options.page):
            if options.only and options.only not in place.name:
                continue
            for arguments in commands:
                print(f"{output(arguments)}: {run(program, arguments, folder)}", flush=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            sheet([folder / output(arguments) for arguments in commands]).save(place, quality=85, optimize=True)


if __name__ == "__main__":
    main()
