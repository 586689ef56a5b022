"""The code of a launch, copied: what is in, what is not, and once per state."""

import json
import subprocess
from pathlib import Path

import pytest

from gdsweep.cluster.slurm.snapshot import LARGEST, looks_secret, take_snapshot


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "gdsweep").mkdir(parents=True)
    (root / "gdsweep" / "a.py").write_text("a = 1\n")
    (root / ".gitignore").write_text("ignored\n")
    git = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    return root


def record(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "snapshot.json").read_text())
    return content


def test_a_clean_tree_is_copied_once(checkout: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = take_snapshot(store, checkout)
    assert take_snapshot(store, checkout) == first
    assert (first / "gdsweep" / "a.py").read_text() == "a = 1\n"
    assert record(first)["dirty"] is False
    assert len(str(record(first)["commit"])) == 40
    assert (first / "dirty.patch").read_text() == ""


def test_changes_and_untracked_files_are_in(checkout: Path, tmp_path: Path) -> None:
    clean = take_snapshot(tmp_path / "store", checkout)
    (checkout / "gdsweep" / "a.py").write_text("a = 2\n")
    (checkout / "new.py").write_text("b = 1\n")
    (checkout / "ignored").write_text("x")
    dirty = take_snapshot(tmp_path / "store", checkout)
    assert dirty != clean
    assert (dirty / "gdsweep" / "a.py").read_text() == "a = 2\n"
    assert "+a = 2" in (dirty / "dirty.patch").read_text()
    assert record(dirty)["dirty"] is True
    assert record(dirty)["untracked"] == ["new.py"]
    assert not (dirty / "ignored").exists()


def test_links_to_folders_of_the_tree_are_in(checkout: Path, tmp_path: Path) -> None:
    (checkout / "grids").mkdir()
    (checkout / "grids" / "a.yaml").write_text("a: 1\n")
    (checkout / "gdsweep" / "grids").symlink_to("../grids")
    (checkout / "runs").symlink_to(tmp_path)
    (checkout / "gone").symlink_to("nowhere")
    taken = take_snapshot(tmp_path / "store", checkout)
    assert (taken / "gdsweep" / "grids").is_symlink()
    assert (taken / "gdsweep" / "grids" / "a.yaml").read_text() == "a: 1\n"
    assert not (taken / "runs").is_symlink()
    assert not (taken / "gone").is_symlink()
    (checkout / "gdsweep" / "grids").unlink()
    (checkout / "gdsweep" / "grids").symlink_to("../gdsweep")
    assert take_snapshot(tmp_path / "store", checkout) != taken


def test_secrets_and_large_files_stay_out(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".env").write_text("WANDB_API_KEY=123secret456\n")
    (checkout / "huge.bin").write_bytes(b"0" * (LARGEST + 1))
    taken = take_snapshot(tmp_path / "store", checkout)
    assert record(taken)["left_out"] == [".env", "huge.bin"]
    everything = b"".join(p.read_bytes() for p in taken.rglob("*") if p.is_file())
    assert b"123secret456" not in everything


def test_a_folder_that_is_no_checkout_gives_its_package(tmp_path: Path) -> None:
    package = tmp_path / "site" / "gdsweep"
    (package / "__pycache__").mkdir(parents=True)
    (package / "a.py").write_text("a = 1\n")
    (package / "__pycache__" / "a.pyc").write_text("x")
    taken = take_snapshot(tmp_path / "store", tmp_path / "site")
    assert sorted(p.name for p in (taken / "gdsweep").iterdir()) == ["a.py"]
    assert record(taken)["commit"] is None


@pytest.mark.parametrize(
    ("name", "secret"),
    [("HF_TOKEN", True), ("WANDB_API_KEY", True), ("DB_PASSWORD", True), ("id_rsa", True),
     ("NCCL_DEBUG", False), ("keypoints.py", False), ("OMP_NUM_THREADS", False)],
)  # fmt: skip
def test_names_that_sound_like_secrets(name: str, secret: bool) -> None:
    assert looks_secret(name) is secret


def test_installed_in_somebodys_repository_the_package_is_copied(tmp_path: Path) -> None:
    packages = tmp_path / "project" / ".venv" / "site-packages"
    (packages / "gdsweep").mkdir(parents=True)
    (packages / "gdsweep" / "a.py").write_text("a = 1\n")
    (packages / "numpy").mkdir()
    (packages / "numpy" / "b.py").write_text("")
    subprocess.run(["git", "init", "-q", str(tmp_path / "project")], check=True)
    taken = take_snapshot(tmp_path / "store", packages)
    assert (taken / "gdsweep" / "a.py").read_text() == "a = 1\n"
    assert not (taken / "numpy").exists()
    assert record(taken)["commit"] is None
