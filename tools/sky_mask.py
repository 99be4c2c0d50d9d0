"""Draws the mask of the castle picture's sky, and of all below it, into `examples/images`: an outline by hand, softened.

    python tools/sky_mask.py
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageOps

SIZE = (680, 453)
# Along the mountains from left to right, in px of the photograph.
OUTLINE = [
    (0, 180), (22, 168), (40, 178), (55, 180), (70, 182), (112, 163), (160, 145), (195, 140), (225, 124), (250, 114),
    (300, 102), (328, 92), (352, 88), (395, 82), (440, 72), (480, 72), (515, 80), (560, 90), (600, 93), (640, 92),
    (680, 94),
]
BLUR = 3  # px

mask = Image.new("L", SIZE, 0)
ImageDraw.Draw(mask).polygon([(0, 0), *OUTLINE, (SIZE[0], 0)], fill=255)
target = Path(__file__).resolve().parents[1] / "examples/images"
sky = mask.filter(ImageFilter.GaussianBlur(BLUR))
sky.save(target / "eilean_donan_sky.png", optimize=True)
ImageOps.invert(sky).save(target / "eilean_donan_land.png", optimize=True)
