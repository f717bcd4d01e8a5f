#!/usr/bin/env python3
"""Draws pictures of five things (circle, square, triangle, star, cross) in any colour,
size, place and orientation, over backgrounds that vary, with noise: files of many sizes
and shapes, as JPEG, some of them to be turned by Exif, and PNG, some of them transparent
or gray. They lie in OUT/train and OUT/test, a folder a thing.

    python3 bench/peers/shapes.py OUT [TRAIN TEST [SEED]]

TRAIN and TEST are pictures of each thing, 200 and 100 unless said. Needs NumPy and Pillow.
"""
import os, sys
import numpy as np
from PIL import Image, ImageDraw

THINGS = {
    "circle": [(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 60)],
    "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    "triangle": [(np.cos(a), np.sin(a)) for a in (0, 2 * np.pi / 3, 4 * np.pi / 3)],
    "star": [((1, 0.45)[k % 2] * np.cos(k * np.pi / 5), (1, 0.45)[k % 2] * np.sin(k * np.pi / 5)) for k in range(10)],
    "cross": [(-.3, -1), (.3, -1), (.3, -.3), (1, -.3), (1, .3), (.3, .3), (.3, 1), (-.3, 1), (-.3, .3), (-1, .3), (-1, -.3), (-.3, -.3)],
}
TURNED = {1: None, 3: Image.ROTATE_180, 6: Image.ROTATE_90, 8: Image.ROTATE_270}  # how a file of that orientation is stored


def draw(points, r):
    """A picture of the thing."""
    w, h = r.integers(48, 161, 2)
    below, above = r.integers(0, 256, (2, 3))
    while np.abs(below - above).sum() < 120: above = r.integers(0, 256, 3)
    slope = (np.linspace(-1, 1, h)[:, None] * r.uniform(-1, 1) + np.linspace(-1, 1, w)[None] * r.uniform(-1, 1))[..., None]
    ground = below + 60 * slope * r.uniform(-1, 1, 3)
    size, turn = min(w, h) * r.uniform(0.2, 0.42), r.uniform(0, 2 * np.pi)
    x, y = w / 2 + (w / 2 - size) * r.uniform(-1, 1) * 0.6, h / 2 + (h / 2 - size) * r.uniform(-1, 1) * 0.6
    large = Image.new("L", (4 * int(w), 4 * int(h)))
    ImageDraw.Draw(large).polygon([(4 * (x + size * (a * np.cos(turn) - b * np.sin(turn))), 4 * (y + size * (a * np.sin(turn) + b * np.cos(turn)))) for a, b in points], fill=255)
    mask = np.asarray(large.resize((w, h), Image.BOX), float)[..., None] / 255
    return np.clip(ground * (1 - mask) + above * mask + r.normal(0, r.uniform(2, 16), (h, w, 3)), 0, 255).astype("u1"), mask


def save(path, pixels, mask, r):
    kind, im = r.choice(["jpg", "turned", "png", "clear", "gray"], p=[0.5, 0.2, 0.1, 0.1, 0.1]), Image.fromarray(pixels)
    if kind == "png": im.save(path + ".png")
    elif kind == "gray": im.convert("L").save(path + ".png")
    elif kind == "clear": Image.fromarray(np.dstack([pixels, (255 * mask).astype("u1")])).save(path + ".png")
    else:
        way = int(r.choice([3, 6, 8])) if kind == "turned" else 1
        exif = Image.Exif()
        exif[0x0112] = way
        (im.transpose(TURNED[way]) if TURNED[way] is not None else im).save(path + ".jpg", quality=90, exif=exif)


def main():
    out, counts = sys.argv[1], {"train": 200, "test": 100}
    if len(sys.argv) > 3: counts = {"train": int(sys.argv[2]), "test": int(sys.argv[3])}
    r = np.random.default_rng(int(sys.argv[4]) if len(sys.argv) > 4 else 0)
    for part, n in counts.items():
        for thing, points in THINGS.items():
            os.makedirs(os.path.join(out, part, thing), exist_ok=True)
            for i in range(n):
                pixels, mask = draw(points, r)
                save(os.path.join(out, part, thing, "%03d" % i), pixels, mask, r)


main()
