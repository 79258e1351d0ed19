"""PNGs in the programs that people have: pixels, text, and XMP that marks synthetic media."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
import rasterio
from file_cases import MARK, WrittenCase, mark
from PIL import Image

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def test_rasterio(files: WrittenCase) -> None:
    with rasterio.open(files.png) as file:
        assert np.abs(file.read().astype(int) - files.grey).max() <= (0 if files.case.dtype == "uint8" else 1)
        assert file.tags()["geoinfinite_token"] == files.plan.recipe.token
        assert mark(file.tags(ns="xml:XMP")["xml:XMP"]) == MARK


def test_pillow(files: WrittenCase) -> None:
    with Image.open(files.png) as image:
        image.load()
        pixels = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)
        assert np.abs(pixels.astype(int) - files.grey).max() <= (0 if files.case.dtype == "uint8" else 1)
        described = image.getxmp()["xmpmeta"]["RDF"]["Description"]
        assert described["DigitalSourceType"] == MARK
        assert described["title"]["Alt"]["li"]["text"] == image.text["Title"]
        assert image.text["synthetic"].startswith("Synthetic imagery")


def test_gdal_on_the_command_line(files: WrittenCase) -> None:
    if shutil.which("gdalinfo") is None:
        pytest.skip("there is no gdalinfo here (Debian: apt-get install gdal-bin)")
    command = ["gdalinfo", "-json", "-mdd", "all", "-checksum", str(files.png)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert len(said["bands"]) == len(files.grey)
    assert MARK in str(said["metadata"]["xml:XMP"])


def test_chunks_are_in_order_and_their_sums_are_right(files: WrittenCase) -> None:
    data, names = files.png.read_bytes(), []
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    start = 8
    while start < len(data):
        (length,) = struct.unpack(">I", data[start : start + 4])
        chunk = data[start + 4 : start + 8 + length]
        assert data[start + 8 + length : start + 12 + length] == struct.pack(">I", zlib.crc32(chunk))
        names.append(chunk[:4].decode())
        start += 12 + length
    assert names[:2] == ["IHDR", "iTXt"]
    assert names[-1] == "IEND"
    first, last = names.index("IDAT"), len(names) - 1 - names[::-1].index("IDAT")
    assert set(names[first : last + 1]) == {"IDAT"}
