"""The code as it was at a launch: jobs run from a copy, whatever happens to the checkout."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gdsweep import atomic
from gdsweep.checkout import ROOT, git, is_checkout
from gdsweep.errors import BadInput

LARGEST = 5 * 1024 * 1024
"""Bytes of a file that is still taken for code."""

_SECRET = re.compile(
    r"secret|token|passw|credential|api_?key|private|_key$|\.pem$|\.key$|^\.env|^\.netrc|^id_[a-z0-9]+$",
    re.IGNORECASE,
)


def looks_secret(name: str) -> bool:
    """Whether a variable's or a file's name sounds like a secret; such are never written."""
    return _SECRET.search(name) is not None


def take_snapshot(store: Path, checkout: Path | None = None) -> Path:
    """Copy the code into the store, once per state of it; returns the copy's folder.

    Tracked and untracked files as they are now, plus `snapshot.json`: commit, whether the tree was
    dirty, untracked files, what was left out (large, or secret by name); and `dirty.patch`. Raises
    BadInput where it cannot be written.
    """
    root = checkout or ROOT
    files, record, patch = _describe(root)
    digest = hashlib.sha256(patch.encode())
    for name in files:
        digest.update(name.encode() + b"\0" + _content(root / name))
    digest.update(str(record["commit"]).encode())
    target = store.resolve() / ".slurm" / "code" / digest.hexdigest()[:16]
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".draft."))
        os.chmod(draft, 0o777 & ~atomic.umask())
        for name in files:
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, draft / name, follow_symlinks=not (root / name).is_dir())
        (draft / "snapshot.json").write_text(json.dumps(record, indent=1) + "\n")
        (draft / "dirty.patch").write_text(patch)
        try:
            os.rename(draft, target)
        except OSError:
            shutil.rmtree(draft)  # another launch was quicker
            if not target.is_dir():
                raise
    except OSError as error:
        raise BadInput(f"{target}: the code cannot be copied ({error.strerror})") from None
    return target


def _describe(root: Path) -> tuple[list[str], dict[str, Any], str]:
    """Files to copy, the record, and the patch from the commit to the tracked files."""
    if not is_checkout(root):  # installed, not a checkout: the package is all there is
        package = root / "gdsweep"
        files = [p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        names = sorted(str(path.relative_to(root)) for path in files)
        return names, {"commit": None, "dirty": None, "untracked": [], "left_out": []}, ""
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard") or ""
    present = sorted({name for name in listed.split("\0") if name and _is_code(root, name)})
    left_out = [
        name
        for name in present
        if looks_secret(Path(name).name) or (root / name).stat().st_size > LARGEST
    ]
    others = (git(root, "ls-files", "-z", "--others", "--exclude-standard") or "").split("\0")
    excluded = [f":(exclude,literal){name}" for name in left_out]
    patch = git(root, "diff", "HEAD", "--binary", "--", ".", *excluded) or ""
    record = {
        "commit": (git(root, "rev-parse", "HEAD") or "").strip() or None,
        "dirty": bool(patch) or any(others),
        "untracked": sorted(name for name in others if name and name not in left_out),
        "left_out": left_out,
    }
    return [name for name in present if name not in left_out], record, patch


def _is_code(root: Path, name: str) -> bool:
    """Whether a listed path is a file, or a link to a folder of the same tree: `gdsweep/plots`."""
    path = root / name
    inside = path.is_symlink() and path.resolve().is_relative_to(root.resolve())
    return path.is_file() or (inside and path.is_dir())


def _content(path: Path) -> bytes:
    return os.fsencode(os.readlink(path)) if path.is_dir() else path.read_bytes()
