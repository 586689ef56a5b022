"""docs/tutorial.md, command by command, with a shorter schedule and fewer scored images."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHORTER = {
    "iterations: 300, drops: [0.8], warmup: 50": "iterations: 4, warmup: 1",
    "burn_in: 200": "burn_in: 2",
    "at: 300": "at: 4",
    "period: 150": "period: 4",
}


@pytest.fixture
def blocks() -> dict[str, list[str]]:
    """The tutorial's code, by language."""
    text = (ROOT / "docs" / "tutorial.md").read_text()
    found: dict[str, list[str]] = {}
    for language, code in re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        found.setdefault(language, []).append(code)
    return found


@pytest.mark.slow
def test_every_command_of_the_tutorial_works(
    tmp_path: Path, blocks: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (grid,) = blocks["yaml"]
    for words, shorter in SHORTER.items():
        assert words in grid
        grid = grid.replace(words, shorter)
    Path("cells.py").write_text(blocks["python"][0])
    Path("small.yaml").write_text(grid)
    for name in ("launch.py", "collect.py"):
        Path(name).symlink_to(ROOT / name)
    printed = {}
    for block in blocks["bash"]:
        for command in re.sub(r"\\\n\s*", "", block).splitlines():
            printed[command] = bash(command)
            if command == "python cells.py":
                assert len(list(Path("cells/unlabelled").iterdir())) == 480
                leave("cells/val.json", "")
                leave("cells/test.json", "1023509cf8d4c155-10-")

    assert "20 images of 80 x 80" in Path("cells.yaml").read_text()
    assert Path("results/data/cells.png").is_file()
    table = next(text for command, text in printed.items() if command.startswith("python collect"))
    assert re.search(r"guided +\*?\d+\.\d", table)
    assert Path("results/small-panels-cells-100.png").is_file()
    assert json.loads(Path("found/images.json").read_text())["images"]


def bash(command: str) -> str:
    """What a command prints; fails where the command does."""
    folders = (str(Path(sys.executable).parent), os.environ["PATH"])
    inherited = {**os.environ, "PATH": ":".join(folders), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=inherited, timeout=500
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def leave(path: str, begins: str) -> None:
    """Leave four images whose names begin so in a COCO file, and what is annotated on them."""
    content = json.loads(Path(path).read_text())
    named = [image for image in content["images"] if image["file_name"].startswith(begins)]
    content["images"] = named[:4]
    left = {image["id"] for image in content["images"]}
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] in left]
    Path(path).write_text(json.dumps(content))
