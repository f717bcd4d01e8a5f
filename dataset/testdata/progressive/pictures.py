#!/usr/bin/env python3
"""Writes progressive JPEG files, which Go's encoder does not make, with Pillow 9.4:

    python3 dataset/testdata/progressive/pictures.py"""
import pathlib

from PIL import Image

here = pathlib.Path(__file__).parent
side = 320
for mode, colour in (("CMYK", (100, 50, 20, 10)), ("RGB", (100, 50, 20)), ("L", 100)):
    Image.new(mode, (side, side), colour).save(here / f"{mode.lower()}.jpg", progressive=True, subsampling=0)
Image.new("RGB", (1, side), (100, 50, 20)).save(here / "thin.jpg", progressive=True, subsampling=2)
