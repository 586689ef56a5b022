"""The commands of docs/own-data.md's section on microscopy print what it shows."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from microscopy import save
from PIL import Image
from pycocotools import mask as rle

from gdsweep.commands.entry import script
from gdsweep.data.__main__ import main as data_main
from gdsweep.grid.names import PRESETS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "own-data.md"


def write_slides(folder: Path) -> None:
    """The 60 whole images of the embedded nuclei, and label maps of 16 bits of their nuclei."""
    nuclei = PRESETS / "datasets" / "nuclei"
    known = json.loads((nuclei / "whole.json").read_text())
    for image in known["images"]:
        labels = np.zeros((image["height"], image["width"]), np.uint16)
        masks = [a["segmentation"] for a in known["annotations"] if a["image_id"] == image["id"]]
        for value, mask in enumerate(masks, start=1):
            labels[rle.decode(mask) > 0] = value
        stem = Path(image["file_name"]).stem
        with Image.open(nuclei / "whole" / image["file_name"]) as picture:
            save(folder / f"images/{stem}.png", np.asarray(picture))
        save(folder / f"labels/{stem}.tif", labels)


def test_microscopy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    section = PAGE.read_text().split("\n## Microscopy\n", 1)[1].split("\n## ", 1)[0]
    shown = re.findall(r"^\$ (.+)\n((?:(?!\$|```).*\n)*)", section, re.MULTILINE)
    assert len(shown) >= 2
    monkeypatch.chdir(tmp_path)
    write_slides(tmp_path / "slides")
    for command, output in shown:
        words = shlex.split(command)
        if words[:3] == ["python", "-m", "gdsweep.data"]:
            assert data_main(words[3:]) == 0
        else:
            assert words[:2] == ["python", "launch.py"]
            assert script("launch", words[2:]) == 0
        printed = capsys.readouterr().out.splitlines()
        expected = output.splitlines()
        if "..." in expected:
            expected = [line for line in expected if line != "..."]
            printed = [line for line in printed if line in expected]
        assert printed == expected, command
