"""What a trainer tells of itself while it scores."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gdsweep.data import DatasetSplits
from gdsweep.runs import RunDir
from gdsweep.runs.activity import Scoring, read_scoring, tell_scoring
from gdsweep.train import pulse
from gdsweep.train.pulse import Pulse


class Images:
    """Three images."""

    classes = ("disc",)

    def __len__(self) -> int:
        return 3

    def image(self, index: int) -> Any:
        return index


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    made = RunDir(tmp_path / "run")
    made.path.mkdir()
    made.lock.touch()
    return made


def splits() -> DatasetSplits:
    val: Any = Images()
    return DatasetSplits(train=val, val=val, test=val, unlabelled=None, fingerprint={})


def test_images_are_counted_network_by_network(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "PERIOD", 0.0)
    ask = Pulse(run, lambda: False)
    watched = ask.watched(splits(), world=1)
    assert watched.test is watched.val
    assert (watched.val.classes, len(watched.val)) == (("disc",), 3)
    told = []
    with ask.scoring():
        for index in (0, 1, 2, 0, 1):  # the second network begins anew
            assert watched.val.image(index) == index
            assert not ask()
            told.append(read_scoring(run))
    assert told == [Scoring(images="val", done=n, of=3) for n in (1, 2, 3, 1, 2)]
    assert read_scoring(run) is None
    ask()
    assert read_scoring(run) is None


def test_processes_share_the_images_and_one_tells(run: RunDir) -> None:
    tells = Pulse(run, lambda: False)
    silent = Pulse(run, lambda: True, tells=False)
    test: Any = Images()
    for ask in (silent, tells):
        watched = ask.watched(replace(splits(), test=test), world=2)
        with ask.scoring():
            watched.test.image(0)
            assert ask() == (ask is silent)
            scoring = None if ask is silent else Scoring(images="test", done=1, of=2)
            assert read_scoring(run) == scoring


def test_what_a_killed_process_left_is_removed(run: RunDir) -> None:
    tell_scoring(run, Scoring(images="val", done=1, of=2))
    Pulse(run, lambda: False)
    assert read_scoring(run) is None
    run.activity.write_text("{")
    assert read_scoring(run) is None
