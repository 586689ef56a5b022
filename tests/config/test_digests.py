"""When a file is read again to tell what it holds."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from gdsweep.config import digests
from gdsweep.config.digests import file_digest, remembered, stamp_of


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, where every digest of an old file is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "LARGE", 0)
    monkeypatch.setattr(digests, "YOUNG", 0.0)
    digests._known.cache_clear()
    return tmp_path / "cache" / "gdsweep" / "digests.json"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def refuse() -> str:
    raise AssertionError("the files are read again")


def test_a_replaced_content_is_noticed_whatever_its_times_say(cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "train.json"
    file.write_text("old")
    before = file.stat()
    assert file_digest(file) == sha256("old")
    file.write_text("new")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (3, before.st_mtime_ns)
    assert file_digest(file) == sha256("new")


def test_large_files_are_read_once_for_all_commands(cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "train.json"
    file.write_text("old")
    assert file_digest(file) == sha256("old")
    digests._known.cache_clear()  # another command
    assert remembered(stamp_of({"": file}), refuse) == sha256("old")
    os.utime(file)
    with pytest.raises(AssertionError, match="read again"):
        remembered(stamp_of({"": file}), refuse)


def test_small_files_leave_nothing_behind(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "LARGE", 4)
    (tmp_path / "a").write_text("old")
    file_digest(tmp_path / "a")
    assert not cache.exists()


def test_what_was_just_changed_is_not_trusted(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "YOUNG", 60.0)
    (tmp_path / "a").write_text("old")
    stamp = stamp_of({"": tmp_path / "a"})
    assert stamp.young
    file_digest(tmp_path / "a")
    assert not cache.exists()
    with pytest.raises(AssertionError, match="read again"):
        remembered(stamp, refuse)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_cache_is_no_cache(cache: Path, tmp_path: Path, content: str) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text(content)
    (tmp_path / "a").write_text("old")
    assert file_digest(tmp_path / "a") == sha256("old")
    assert list(json.loads(cache.read_text()).values()) == [sha256("old")]


def test_a_home_that_cannot_be_written_only_costs_time(cache: Path, tmp_path: Path) -> None:
    cache.parent.parent.write_text("a file where the folder should be")
    (tmp_path / "a").write_text("old")
    assert file_digest(tmp_path / "a") == sha256("old")


def test_only_the_newest_digests_are_kept(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "KEPT", 2)
    for name in "abc":
        (tmp_path / name).write_text(name)
        file_digest(tmp_path / name)
    assert list(json.loads(cache.read_text()).values()) == [sha256("b"), sha256("c")]


def test_a_stamp_of_several_files(tmp_path: Path) -> None:
    (tmp_path / "city").mkdir()
    files = {name: tmp_path / "city" / name for name in "ab"}
    for name, path in files.items():
        path.write_text(name)
    before = stamp_of(files)
    assert (before.path, before.files, before.size) == (str(tmp_path / "city"), 2, 2)
    assert stamp_of(dict(reversed(files.items()))).mark == before.mark
    assert stamp_of({"a": files["a"]}).mark != before.mark
    files["b"].unlink()
    with pytest.raises(FileNotFoundError):
        stamp_of(files)
