import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import torch

from gdsweep.config import AugmentationSettings, ShapesData
from gdsweep.data import (
    JoinedImages,
    LabelledView,
    RepeatFactorSampler,
    Sample,
    Sampler,
    UniformSampler,
    UnlabelledView,
    batches,
    labelled_images,
    open_dataset,
    repeat_factors,
)
from gdsweep.errors import BadInput

AUGMENTATION = AugmentationSettings(
    geometry="resized-crop", crop=(32, 32), scale=(0.7, 1.0), labelled_strong=0.5
)
TRAIN = open_dataset(ShapesData(name="shapes", size=32, train=30)).train
CHOSEN = labelled_images(TRAIN, 40, 0)
LABELLED = RepeatFactorSampler(CHOSEN, repeat_factors(TRAIN, CHOSEN, 10.0), 0, "labelled")
UNLABELLED = UniformSampler(range(30), 0, "unlabelled")


def stream(kind: str, **changes: Any) -> Generator[list[Sample], None, None]:
    arguments: dict[str, Any] = {"batch": 5, "seed": 0, "stream": kind} | changes
    sampler: Sampler = LABELLED if kind == "labelled" else UNLABELLED
    view = LabelledView(AUGMENTATION) if kind == "labelled" else UnlabelledView(AUGMENTATION)
    return batches(TRAIN, sampler, view, **arguments)


def first(iterator: Generator[list[Sample], None, None], count: int) -> list[list[Sample]]:
    found = list(itertools.islice(iterator, count))
    iterator.close()
    return found


def content(sample: Sample) -> tuple[Any, ...]:
    strong = None if sample.strong is None else sample.strong.numpy().tobytes()
    targets = None
    if sample.targets is not None:
        assert sample.targets.masks.dtype == torch.bool
        assert sample.targets.labels.dtype == torch.int64
        masks = sample.targets.masks
        targets = (tuple(sample.targets.labels.tolist()), masks.shape, masks.numpy().tobytes())
    assert sample.weak.is_contiguous()
    return sample.name, sample.weak.shape, sample.weak.numpy().tobytes(), strong, targets


def contents(found: list[list[Sample]]) -> list[list[tuple[Any, ...]]]:
    return [[content(sample) for sample in batch] for batch in found]


@pytest.mark.parametrize("kind", ["labelled", "unlabelled"])
def test_what_a_sample_holds(kind: str) -> None:
    for sample in itertools.chain(*first(stream(kind), 4)):
        assert sample.weak.dtype == torch.uint8
        assert sample.weak.shape == (3, 32, 32)
        assert sample.name.startswith("train/")
        if kind == "labelled":
            assert int(sample.name.split("/")[1]) in CHOSEN
            assert sample.strong is None
            assert sample.targets is not None
            assert sample.targets.masks.shape == (len(sample.targets), 32, 32)
        else:
            assert sample.targets is None
            assert sample.strong is not None
            assert sample.strong.shape == sample.weak.shape


@pytest.mark.parametrize("kind", ["labelled", "unlabelled"])
def test_workers_change_nothing(kind: str) -> None:
    alone = contents(first(stream(kind), 12))
    assert contents(first(stream(kind, workers=2), 12)) == alone


@pytest.mark.parametrize("workers", [0, 2])
def test_any_start_goes_on_where_it_should(workers: int) -> None:
    whole = contents(first(stream("unlabelled"), 20))
    for start in (1, 7, 19):
        found = first(stream("unlabelled", start_iteration=start, workers=workers), 20 - start)
        assert contents(found) == whole[start:]


@pytest.mark.parametrize("world", [2, 3, 7])
def test_processes_share_the_global_batch(world: int) -> None:
    whole = contents(first(stream("labelled"), 6))
    shares = [
        contents(first(stream("labelled", rank=rank, world=world, start_iteration=2), 4))
        for rank in range(world)
    ]
    for iteration in range(4):
        for place in range(5):
            share = shares[place % world][iteration]
            assert share[place // world] == whole[2 + iteration][place]
        assert sum(len(shares[rank][iteration]) for rank in range(world)) == 5


def test_an_empty_share_with_workers() -> None:
    assert first(stream("labelled", rank=6, world=7, workers=1), 3) == [[], [], []]


def test_seeds_and_streams_differ() -> None:
    usual = contents(first(stream("unlabelled"), 2))
    assert contents(first(stream("unlabelled", seed=1), 2)) != usual
    assert contents(first(stream("unlabelled", stream="other"), 2)) != usual


def test_an_image_looks_different_each_time() -> None:
    looks = [s for s in itertools.chain(*first(stream("unlabelled"), 60)) if s.name == "train/4"]
    assert len(looks) == 10  # 300 draws of 30 images
    assert len({content(sample) for sample in looks}) == 10


@pytest.mark.parametrize("workers", [0, 2])
def test_the_callers_random_numbers_are_not_touched(workers: int) -> None:
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    first(stream("labelled", workers=workers), 3)
    assert torch.equal(torch.rand(3), expected)


def test_the_callers_random_numbers_change_nothing() -> None:
    torch.manual_seed(4)
    one = contents(first(stream("labelled"), 3))
    torch.manual_seed(5)
    assert contents(first(stream("labelled"), 3)) == one


def pasted(**changes: Any) -> Generator[list[Sample], None, None]:
    view = LabelledView(AUGMENTATION.model_copy(update={"copy_paste": 0.5}), CHOSEN)
    arguments: dict[str, Any] = {"batch": 5, "seed": 0, "stream": "labelled"} | changes
    return batches(TRAIN, LABELLED, view, **arguments)


def test_pasted_samples_are_functions_of_their_position() -> None:
    whole = contents(first(pasted(), 6))
    plain = contents(first(stream("labelled"), 6))
    pairs = zip(itertools.chain(*whole), itertools.chain(*plain), strict=True)
    assert 0 < sum(a != b for a, b in pairs) < 30
    assert contents(first(pasted(workers=2), 6)) == whole
    assert contents(first(pasted(start_iteration=4), 2)) == whole[4:]
    share = contents(first(pasted(rank=1, world=2, start_iteration=3), 1))[0]
    assert share == whole[3][1::2]
    torch.manual_seed(5)
    assert contents(first(pasted(), 6)) == whole


def test_labelled_images_get_strong_colours_as_often_as_asked() -> None:
    def weak(share: float) -> list[torch.Tensor]:
        settings = AUGMENTATION.model_copy(update={"labelled_strong": share})
        view = LabelledView(settings)
        found = batches(TRAIN, LABELLED, view, batch=20, seed=0, stream="labelled")
        return [sample.weak for sample in itertools.chain(*first(found, 10))]

    plain = weak(0.0)
    changed = [
        sum(not torch.equal(a, b) for a, b in zip(weak(share), plain, strict=True))
        for share in (0.5, 1.0)
    ]
    assert 65 < changed[0] < 120  # half of 200, of which the strong view changes 0.92
    assert changed[1] > 165


def test_extra_images_join_the_pool() -> None:
    extra = open_dataset(ShapesData(name="other", size=32, train=4, world=9)).train
    pool = JoinedImages(TRAIN, extra)
    assert len(pool) == 34
    assert torch.equal(pool.image(31), extra.image(1))
    assert pool.names[31] == "train/1"
    sampler = UniformSampler([29, 30], 0, "unlabelled")
    view = UnlabelledView(AUGMENTATION.model_copy(update={"scale": (1.0, 1.0), "flip": 0.0}))
    found = first(batches(pool, sampler, view, batch=2, seed=0, stream="unlabelled"), 1)[0]
    assert {sample.weak.numpy().tobytes() for sample in found} == {
        pool.image(29).contiguous().numpy().tobytes(),
        pool.image(30).contiguous().numpy().tobytes(),
    }
    with pytest.raises(IndexError):
        pool.image(34)


# ---- errors --------------------------------------------------------------------------------------


class Broken:
    """Ten images, of which number 3 cannot be read."""

    names = tuple(f"{k}.jpg" for k in range(10))
    problem: Exception = BadInput("folder/3.jpg: not a readable image: truncated")

    def __len__(self) -> int:
        return 10

    def image(self, index: int) -> torch.Tensor:
        if index == 3:
            raise self.problem
        return torch.zeros(3, 40, 40, dtype=torch.uint8)


class Buggy(Broken):
    problem = ValueError("of all things")


class InOrder:
    """Image after image."""

    def index_at(self, position: int) -> int:
        return position % 10


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_image_is_one_line_and_comes_with_its_batch(workers: int) -> None:
    view = UnlabelledView(AUGMENTATION)
    found = batches(
        Broken(), InOrder(), view, batch=2, seed=0, stream="unlabelled", workers=workers
    )
    assert [sample.name for sample in next(found)] == ["0.jpg", "1.jpg"]
    with pytest.raises(BadInput) as caught:
        next(found)
    assert str(caught.value) == "folder/3.jpg: not a readable image: truncated"


@pytest.mark.parametrize("workers", [0, 1])
def test_any_other_error_names_the_image(workers: int) -> None:
    view = UnlabelledView(AUGMENTATION)
    found = batches(Buggy(), InOrder(), view, batch=4, seed=0, stream="unlabelled", workers=workers)
    with pytest.raises(RuntimeError, match=r"3\.jpg: ValueError: of all things"):
        next(found)


def test_a_truncated_file_of_a_real_data_set(small: Any) -> None:
    train = open_dataset(small.settings()).train
    path = small.root / "train" / "20.png"
    path.write_bytes(path.read_bytes()[:500])
    sampler = UniformSampler(train.trainable(), 0, "labelled")
    view = LabelledView(AUGMENTATION)
    for workers in (0, 1):
        found = batches(train, sampler, view, batch=2, seed=0, stream="labelled", workers=workers)
        with pytest.raises(BadInput, match=r"train/20\.png: not a readable image"):
            next(found)


# ---- processes -----------------------------------------------------------------------------------


def descendants(pid: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def gone(pids: set[int], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_workers_end_with_their_iterator_and_nothing_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        helper = stream("labelled", workers=1)  # the fork server stays, by design
        next(helper)
        helper.close()
        before = descendants(os.getpid())
        found = stream("labelled", workers=3)
        next(found)
        workers = descendants(os.getpid()) - before
        assert len(workers) == 3
        del found  # dropped without a word
        assert gone(workers)


SCRIPT = """
    import os, signal, sys
    from gdsweep.config import AugmentationSettings, ShapesData
    from gdsweep.data import LabelledView, UniformSampler, batches, open_dataset

    def main(end):
        stopped = []
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
            signal.signal(number, lambda n, frame: stopped.append(n))
        train = open_dataset(ShapesData(name="shapes", size=32, train=8)).train
        view = LabelledView(AugmentationSettings(crop=(32, 32)))
        found = batches(
            train, UniformSampler(range(8), 0, "labelled"), view,
            batch=2, seed=0, stream="labelled", workers=2,
        )
        next(found)
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(200):
            next(found)
        print(sorted(set(stopped)), flush=True)
        if end == "hang":
            sys.stdin.readline()
        if end == "raise":
            raise SystemExit(5)

    if __name__ == "__main__":
        main(sys.argv[1])
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT))
    return path


def started(script: Path, end: str) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(script), end],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if line != "ready\n":
        process.kill()
        pytest.fail(f"{line}{process.communicate()[1]}")
    return process


@pytest.mark.slow
def test_workers_outlive_signals_to_the_whole_job(script: Path) -> None:
    process = started(script, "raise")
    helpers = descendants(process.pid)
    assert len(helpers) >= 3
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
        os.killpg(process.pid, number)
        time.sleep(0.2)
    out, err = process.communicate("go on\n", timeout=60)
    assert out == "[2, 12, 15]\n"  # the trainer was told of all three
    assert not err, err
    assert process.returncode == 5
    assert gone(helpers)


@pytest.mark.slow
def test_workers_do_not_outlive_a_killed_trainer(script: Path) -> None:
    process = started(script, "hang")
    helpers = descendants(process.pid)
    process.kill()
    process.wait()
    assert gone(helpers)
