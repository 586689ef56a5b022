"""Files that are either whole or not there."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place when the block succeeds.

    The content is on disk before the rename (fsync), so a crash leaves the old file or the new one.
    Raises OSError (a full disk, say) with the temporary file removed.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON to `path`, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, sort_keys=False) + "\n")


def sweep(folder: Path) -> None:
    """Remove what writers that were killed left in `folder`; nobody may be writing there."""
    for leftover in folder.glob(".*.*"):
        leftover.unlink(missing_ok=True)


def umask() -> int:
    """The process's file mode mask."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json_compact(path: Path, value: Any) -> None:
    """Write `value` as JSON on one line (predictions are large), whole or not at all."""
    write_text(path, json.dumps(value, separators=(",", ":")) + "\n")
