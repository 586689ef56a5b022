"""Training steps, memory and predictions of Mask2Former R50 beside Hugging Face transformers'.

    python benchmarks/step.py --size 256 --repeats 5

One image of `--size` pixels a side with eight instances, 100 queries, 80 classes, float32, one
thread; the semi-supervised step has one labelled and one unlabelled image, with eight
pseudo-labels. A step is what a trainer does: losses, gradients, clipping, AdamW, and the teacher's
average where there is a teacher. Times are CPU seconds of this process, alternatives in turn;
memory is the peak of a process of its own that takes two steps.
"""

import argparse
import contextlib
import copy
import importlib.metadata
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from rows import Row, Spread, in_turn
from torch import Tensor, nn

from gdsweep.config import CellSettings
from gdsweep.data import Instances, Sample
from gdsweep.model import Mask2Former
from gdsweep.train.distributed import Processes
from gdsweep.train.ema import MovingAverage
from gdsweep.train.objectives import Loss
from gdsweep.train.optimizer import build_optimizer
from gdsweep.train.precision import Precision

CLASSES, INSTANCES = 80, 8
CPU = torch.device("cpu")
SETTINGS = {
    "dataset": {"name": "shapes", "format": "shapes"},
    "model": {"backbone": "resnet50", "weights": "random"},
    "batch": {"labelled": 1, "unlabelled": 1},
    "distillation": {"alpha_s": 0},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="side of the square images")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", action="store_true", help="print rows for RESULTS.md")
    parser.add_argument("--peak", choices=WORKS, help="only print this one's peak memory, in MiB")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if options.peak:
        work = WORKS[options.peak](options.size)
        work()
        work()
        print(peak())
        return
    peer = importlib.util.find_spec("transformers") is not None
    names = [name for name in WORKS if peer or "transformers" not in name]
    works = {name: WORKS[name](options.size) for name in names}
    times = {name: Spread.of(found) for name, found in in_turn(works, options.repeats).items()}
    memory = {name: Spread.of([peak_of(name, options.size)]) for name in names if "step" in name}
    parts = shares_of_a_step(options.size) if options.rows else {}
    for row in table(options.size, times, memory, parts):
        if options.rows:
            row.print()
        else:
            value = "" if row.value is None else f"{row.value:.2f}"
            print(f"{row.work}: {value} (goal {row.goal})")


def table(
    size: int, times: dict[str, Spread], memory: dict[str, Spread], parts: dict[str, float]
) -> Iterator[Row]:
    """The rows; those of the peer only where it is installed."""
    where = f"R50, {size} x {size}, fp32"
    theirs, note = "", "transformers is not installed"
    if "transformers' step" in times:
        theirs, note = f"transformers {importlib.metadata.version('transformers')}", ""
    cpu = "CPU-seconds"
    against = [
        (f"supervised step, {where}", cpu, times, "step", "transformers' step", 0.55),
        (
            f"peak memory, supervised step, {where}",
            "MiB",
            memory,
            "step",
            "transformers' step",
            0.75,
        ),
        (
            f"prediction with masks, {where}",
            cpu,
            times,
            "prediction",
            "transformers' prediction",
            0.5,
        ),
    ]
    for work, unit, found, ours, peer, goal in against:
        shown = parts if work.startswith("supervised") else {}
        yield Row(
            work,
            unit,
            found[ours] if peer in found else None,
            peer=found.get(peer),
            peer_name=theirs,
            goal=goal,
            parts=shown,
            note=note,
        )
    own = "our supervised step"
    taught = "semi-supervised step"
    yield Row(
        f"semi-supervised step 1+1, {where}",
        cpu,
        times[taught],
        peer=times["step"],
        peer_name=own,
        goal=2.35,
        note="two student passes and a teacher's forward pass",
    )
    yield Row(
        f"peak memory, semi-supervised step 1+1, {where}",
        "MiB",
        memory[taught],
        peer=memory["step"],
        peer_name=own,
        goal=1.05,
    )


def scene(size: int) -> tuple[Tensor, Instances]:
    """A random image with ellipses."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    centre = torch.rand(2, INSTANCES, 1, 1) * size
    radius = (0.05 + torch.rand(2, INSTANCES, 1, 1) / 4) * size
    masks = ((y - centre[0]) / radius[0]) ** 2 + ((x - centre[1]) / radius[1]) ** 2 < 1
    labels = torch.randint(0, CLASSES, (INSTANCES,))
    return torch.randint(0, 256, (3, size, size)).byte(), Instances(labels, masks)


def our_step(size: int, taught: bool = False) -> Callable[[], Any]:
    """A trainer's step, without files and loaders."""
    settings = CellSettings.model_validate(SETTINGS)
    image, targets = scene(size)
    student = Mask2Former(settings.model, CLASSES)
    teacher = copy.deepcopy(student).requires_grad_(False).eval() if taught else None
    if teacher is not None:
        with torch.no_grad():
            classes = teacher([image], auxiliary=False).layers[-1].class_logits
        sure = classes.softmax(-1)[0, :, :-1].amax(-1).sort(descending=True).values
        limit = (float(sure[INSTANCES - 1]) + float(sure[INSTANCES])) / 2
        chosen = settings.distillation.model_copy(update={"alpha_c": limit})
        settings = settings.model_copy(update={"distillation": chosen})
    loss = Loss(settings, CLASSES, Processes(0, 1, CPU), Precision("fp32", CPU))
    optimizer = build_optimizer(student, settings.optimizer)
    moving = None if teacher is None else MovingAverage(teacher, student)

    def step() -> None:
        others = None if teacher is None else [Sample("b", image, image.flip(0), None)]
        parts, _ = loss.parts([Sample("a", image, None, targets)], others, teacher)
        optimizer.zero_grad(set_to_none=True)
        loss.backward(student, parts, 0)
        loss.precision.step(optimizer, student, 0.01)
        if moving is not None:
            moving.update(1.0 - 1e-9)  # its labels stay as many
        loss.hear(loss.exchange.meet())

    return step


def their_network() -> nn.Module:
    import transformers

    transformers.logging.set_verbosity_error()
    stages = ["stage1", "stage2", "stage3", "stage4"]
    config = transformers.Mask2FormerConfig(
        backbone_config=transformers.ResNetConfig(out_features=stages), num_labels=CLASSES
    )
    return transformers.Mask2FormerForUniversalSegmentation(config)


def their_step(size: int) -> Callable[[], Any]:
    """The same of transformers; its batch normalisation is trained."""
    model, (image, targets) = their_network().train(), scene(size)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    pixels, masks = image[None].float() / 255, [targets.masks.float()]

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        model(pixel_values=pixels, mask_labels=masks, class_labels=[targets.labels]).loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        optimizer.step()

    return step


def our_prediction(size: int) -> Callable[[], Any]:
    """100 instances of an image, at its size."""
    model = Mask2Former(CellSettings.model_validate(SETTINGS).model, CLASSES).eval()
    image, _ = scene(size)
    return lambda: model.predict([image], [(size, size)], 100)


def their_prediction(size: int) -> Callable[[], Any]:
    """The same; with random weights hardly a segment passes its threshold, so it is set to 0."""
    import transformers

    model, (image, _) = their_network().eval(), scene(size)
    processor = transformers.Mask2FormerImageProcessorPil()
    pixels = image[None].float() / 255

    def predict() -> None:
        with torch.no_grad():
            found = model(pixel_values=pixels)
        processor.post_process_instance_segmentation(
            found, threshold=0.0, target_sizes=[(size, size)], return_binary_maps=True
        )

    return predict


WORKS: dict[str, Callable[[int], Callable[[], Any]]] = {
    "step": our_step,
    "transformers' step": their_step,
    "semi-supervised step": lambda size: our_step(size, taught=True),
    "prediction": our_prediction,
    "transformers' prediction": their_prediction,
}


def shares_of_a_step(size: int) -> dict[str, float]:
    """CPU seconds of the forward passes' parts and of what is left: backward pass and optimiser."""
    spent: dict[str, float] = {}

    @contextlib.contextmanager
    def clocked(name: str) -> Iterator[None]:
        start = time.process_time()
        yield
        spent[name] = spent.get(name, 0.0) + time.process_time() - start

    def around(owner: Any, attribute: str, name: str) -> None:
        plain = getattr(owner, attribute)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with clocked(name):
                return plain(*args, **kwargs)

        setattr(owner, attribute, timed)

    from gdsweep.model import backbone, criterion, pixel_decoder, transformer_decoder

    around(backbone.Backbone, "forward", "backbone, forward")
    around(pixel_decoder.PixelDecoder, "forward", "pixel decoder, forward")
    around(transformer_decoder.TransformerDecoder, "forward", "transformer decoder, forward")
    around(criterion.Criterion, "__call__", "criterion")
    around(torch.optim.AdamW, "step", "AdamW")
    step = our_step(size)
    step()
    spent.clear()
    start = time.process_time()
    step()
    whole = time.process_time() - start
    return spent | {"backward and the rest": whole - sum(spent.values())}


def peak_of(name: str, size: int) -> float:
    """Peak memory of a process that takes two steps, MiB."""
    asked = [sys.executable, __file__, "--peak", name, "--size", str(size)]
    return float(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


def peak() -> float:
    """Peak resident memory of this process, MiB."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
