"""Complete training states and scored weights on disk, whole or not at all."""

import hashlib
import json
import random
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdsweep import atomic
from gdsweep.config import CellSettings
from gdsweep.data import DatasetSplits
from gdsweep.errors import BadInput
from gdsweep.runs import Best, RunDir

FORMAT = 1
"""Version of the files written here."""


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint of tensors and plain values. Raises OSError with nothing left behind."""
    with atomic.replacing(path) as temporary:
        try:
            torch.save({"format": FORMAT, **content}, temporary)
        except RuntimeError as error:
            # torch's zip writer hides the errno of a full disk behind a RuntimeError
            raise OSError(f"cannot write {path}: {str(error).splitlines()[0]}") from error


def about(settings: CellSettings, splits: DatasetSplits) -> dict[str, Any]:
    """What it takes to use weights away from their run: how to build the network, its classes."""
    model = settings.model.model_copy(update={"weights": "random", "init": None})
    return {"settings": model.model_dump(mode="json"), "classes": list(splits.train.classes)}


def load(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint, running no code from the file. Raises BadInput if it is not whole."""
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such checkpoint") from None
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        first = str(error).splitlines()[0]
        raise BadInput(f"{path}: not a readable checkpoint ({first})") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BadInput(f"{path}: not a gdsweep checkpoint of format {FORMAT}")
    return content


def is_damaged(path: Path) -> bool:
    """Whether a checkpoint's file is not what was written: cut short, or other bytes.

    A file that cannot be read just now (a disk, a network) is not damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is not None
    except zipfile.BadZipFile:
        return True
    except (OSError, EOFError):
        return False


def random_state() -> dict[str, Any]:
    """States of every random generator of this process, as tensors and plain values."""
    version, internal, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
        "python": [version, list(internal), gauss],
        "numpy": [
            str(kind),
            torch.from_numpy(np.asarray(keys, np.int64)),
            position,
            has_gauss,
            cached,
        ],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put every random generator of this process where `random_state` found it."""
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), position, has_gauss, cached))


def digest(weights: dict[str, Tensor]) -> str:
    """Hash of a state dictionary's names, shapes and bytes."""
    total = hashlib.sha256()
    for name, value in weights.items():
        total.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        total.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


class Shelf:
    """The checkpoints of one run: which states and weights are kept, and which go."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self._index = run.checkpoint_index

    def put(self, iteration: int, state: dict[str, Any], best: dict[str, Best]) -> None:
        """Save a complete state, which remembers the best checkpoints up to it."""
        save(self.run.state(iteration), state)
        index = self._read()
        index[str(iteration)] = {name: b.model_dump(mode="json") for name, b in best.items()}
        atomic.write_json(self._index, index)

    def best_at(self, iteration: int) -> dict[str, Best]:
        """The best checkpoint per network up to a state on disk."""
        entry = self._read().get(str(iteration), {})
        return {name: Best.model_validate(value) for name, value in entry.items()}

    def pause(self, iteration: int, state: dict[str, Any], best: dict[str, Best]) -> None:
        """Save a state whose scores are not known yet, with the best checkpoints before them."""
        known = {name: entry.model_dump(mode="json") for name, entry in best.items()}
        save(self.run.unscored_state(iteration), {**state, "best": known})

    def tidy(self, iteration: int, keep: set[int], best: dict[str, Best]) -> None:
        """Remove states before `iteration` that nobody keeps, and weights nothing refers to."""
        index = self._read()
        for old in self.run.unscored_states():
            if old <= iteration:
                self.run.unscored_state(old).unlink(missing_ok=True)
        for old in self.run.states():
            if old < iteration and old not in keep:
                self.run.state(old).unlink(missing_ok=True)
                index.pop(str(old), None)
        atomic.write_json(self._index, index)
        states = set(self.run.states())
        if {str(n) for n in states} - index.keys():
            return  # a state whose references are not known: keep all weights
        named = {b.file for b in best.values()}
        named |= {b["file"] for n in states for b in index[str(n)].values()}
        for path in self.run.scored_weights():
            if path.name not in named:
                path.unlink(missing_ok=True)

    def adopt(self, parent: RunDir, best: dict[str, Best]) -> None:
        """Take over the parent's best weights: the best of a path may lie before the fork."""
        for entry in best.values():
            source = parent.checkpoint(entry.file)
            target = self.run.checkpoint(entry.file)
            if not target.exists():
                with atomic.replacing(target) as temporary:
                    shutil.copyfile(source, temporary)

    def _read(self) -> dict[str, Any]:
        try:
            index = json.loads(self._index.read_text())
        except FileNotFoundError:
            return {}
        return dict(index)
