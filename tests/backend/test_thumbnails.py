"""Small pictures of files: whatever a file holds, there is a picture or there is none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seagull_iqa.imaging.thumbnails import thumbnail


def test_a_picture_is_as_small_as_was_asked_and_turned_as_the_camera_was_held(tmp_path):
    held = Image.Exif()
    held[0x112] = 6
    Image.fromarray(np.full((40, 80, 3), 90, dtype=np.uint8)).save(tmp_path / "a.jpg", exif=held)
    made = thumbnail(tmp_path / "a.jpg", 20)
    assert made.shape == (20, 10, 3) and abs(int(made.mean()) - 90) < 3


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_file_that_is_no_picture_has_none(data, tmp_path):
    (tmp_path / "a.png").write_bytes(data)
    assert thumbnail(tmp_path / "a.png", 20) is None


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_picture_with_a_damaged_exif_block_is_no_reason_to_stop(tmp_path):
    name, count = tmp_path / "a.webp", 0
    held = Image.Exif()
    held[0x112], held[0x10F] = 6, "abc"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(name, exif=held)
    data = name.read_bytes()
    for place in range(data.rfind(b"EXIF"), len(data)):
        for value in (0, 1, 2, 5, 12, 255):
            name.write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
            made = thumbnail(name, 16)
            count += made is not None and max(made.shape) <= 16
    assert count > 100
