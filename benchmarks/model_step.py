"""Where a Mask2Former step's time goes, as ratios measured within one run.

    python benchmarks/model_step.py --size 256 --repeats 5

Alternatives are timed in turn, so that other work on the machine touches all of them alike; times
are CPU seconds of this process (wall time on CUDA), medians over the repeats.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor

from gdsweep.config import LossSettings, ModelSettings
from gdsweep.model import Criterion, Mask2Former, Normaliser, Outputs, predict
from gdsweep.model import deformable_attention as deformable
from gdsweep.model.deformable_attention import DeformableAttention, Shapes, reference_points

CLASSES, INSTANCES = 80, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--size", type=int, default=256, help="side of the square images")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    sampling(options)
    steps(options)


def sampling(options: argparse.Namespace) -> None:
    """Deformable attention by embedding_bag and by grid_sample, alone."""
    device = torch.device(options.device)
    shapes = [(options.size // s, options.size // s) for s in (32, 16, 8)]
    S = sum(h * w for h, w in shapes)
    module = DeformableAttention(256, 8, 3, 4).to(device)
    # where a model early in training looks: the initial directions, a cell to and fro
    offsets = module.sampling_offsets.bias.detach().view(8, 3, 4, 2)
    offsets = offsets + torch.randn(options.batch, S, 8, 3, 4, 2, device=device)
    sizes = torch.tensor([(w, h) for h, w in shapes], device=device).view(3, 1, 2)
    locations = reference_points(shapes, device).view(1, S, 1, 1, 1, 2) + offsets / sizes
    value = torch.randn(options.batch, S, 8, 32, device=device)
    weights = torch.rand(options.batch, S, 8, 3, 4, device=device)
    given = [x.requires_grad_() for x in (value, locations, weights)]

    def forward(function: Callable[..., Tensor]) -> Callable[[], Any]:
        return lambda: function(given[0], shapes, given[1], given[2])

    def both(function: Callable[..., Tensor]) -> Callable[[], Any]:
        return lambda: torch.autograd.grad(forward(function)().square().sum(), given)

    bag, grid = deformable.deformable_attention, by_grid_sample
    compare("deformable attention, forward", options, bag=forward(bag), grid=forward(grid))
    compare("deformable attention, forward + backward", options, bag=both(bag), grid=both(grid))


def steps(options: argparse.Namespace) -> None:
    """Whole passes of the full-size model."""
    device = torch.device(options.device)
    settings = ModelSettings(backbone=options.backbone, weights="random")
    model = Mask2Former(settings, CLASSES).to(device)
    criterion = Criterion(CLASSES, LossSettings())
    side = (options.size, options.size)
    images = [torch.randint(0, 256, (3, *side)).byte().to(device) for _ in range(options.batch)]
    targets = [ellipses(options.size, device) for _ in images]
    normaliser = Normaliser.of([INSTANCES] * options.batch, settings.queries, 0.1)

    def step() -> None:
        model.zero_grad()
        losses = criterion(model(images), targets, normaliser)
        torch.stack(list(losses.values())).sum().backward()

    def step_by_grid_sample() -> None:
        with mock.patch.object(deformable, "deformable_attention", by_grid_sample):
            step()

    compare("training step", options, bag=step, grid=step_by_grid_sample)

    with torch.no_grad():
        outputs = model(images, auxiliary=False)

        def every_layers_masks() -> None:
            for layer in model(images).layers:
                layer.mask_logits  # noqa: B018 - computing it is the point

        compare(
            "forward without gradient",
            options,
            last=lambda: model(images, auxiliary=False).layers[-1].mask_logits,
            every=every_layers_masks,
        )
        original = [(options.size * 3 // 2, options.size * 3 // 2)] * options.batch
        compare(
            "100 instances at 1.5 times the size",
            options,
            kept=lambda: predict(outputs, outputs.sizes, original, 100),
            all=lambda: enlarge_all(outputs, original),
        )
    outputs = model(images)
    compare(
        "forward in training",
        options,
        criterion=lambda: criterion(outputs, targets, normaliser),
        model=lambda: model(images),
    )
    if importlib.util.find_spec("transformers") is not None and options.backbone == "resnet50":
        theirs = transformers_step(options, images, targets)
        compare("training step", options, ours=step, transformers=theirs)


def transformers_step(
    options: argparse.Namespace, images: list[Tensor], targets: list[Any]
) -> Callable[[], None]:
    """The same step of Hugging Face transformers' Mask2Former R50 (its batch norm is trained)."""
    import transformers

    transformers.logging.set_verbosity_error()
    stages = ["stage1", "stage2", "stage3", "stage4"]
    config = transformers.Mask2FormerConfig(
        backbone_config=transformers.ResNetConfig(out_features=stages), num_labels=CLASSES
    )
    model = transformers.Mask2FormerForUniversalSegmentation(config).to(options.device)
    pixels = torch.stack(images).float() / 255
    masks = [target.masks.float() for target in targets]
    labels = [target.labels for target in targets]

    def step() -> None:
        model.zero_grad()
        model(pixel_values=pixels, mask_labels=masks, class_labels=labels).loss.backward()

    return step


def by_grid_sample(value: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor) -> Tensor:
    """The usual form: one grid_sample per level."""
    B, _, heads, d = value.shape
    Q = locations.shape[1]
    total: Tensor | None = None
    parts = value.split([h * w for h, w in shapes], 1)
    for level, ((h, w), part) in enumerate(zip(shapes, parts, strict=True)):
        maps = part.permute(0, 2, 3, 1).reshape(B * heads, d, h, w)
        grid = 2 * locations[:, :, :, level].transpose(1, 2).flatten(0, 1) - 1
        read = F.grid_sample(maps, grid, align_corners=False)
        found = (read * weights[:, :, :, level].transpose(1, 2).reshape(B * heads, 1, Q, -1)).sum(
            -1
        )
        total = found if total is None else total + found
    assert total is not None
    return total.view(B, heads * d, Q).transpose(1, 2)


def enlarge_all(outputs: Outputs, originals: list[tuple[int, int]]) -> None:
    """The usual form: every query's mask to the canvas, then to the image, then choose."""
    last = outputs.layers[-1]
    masks = F.interpolate(last.mask_logits, outputs.size, mode="bilinear", align_corners=False)
    for b, original in enumerate(originals):
        resized = F.interpolate(masks[b : b + 1], original, mode="bilinear", align_corners=False)[0]
        pairs = last.class_logits[b].softmax(-1)[:, :-1].flatten().topk(100).indices
        chosen = resized[pairs // CLASSES]
        inside = chosen > 0
        (chosen.sigmoid() * inside).sum((1, 2)) / (inside.sum((1, 2)) + 1e-6)


def ellipses(size: int, device: torch.device) -> SimpleNamespace:
    """Random targets."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    centre, radius = (
        torch.rand(2, INSTANCES, 1, 1) * size,
        (0.05 + torch.rand(2, 8, 1, 1) / 4) * size,
    )
    masks = ((y - centre[0]) / radius[0]) ** 2 + ((x - centre[1]) / radius[1]) ** 2 < 1
    labels = torch.randint(0, CLASSES, (INSTANCES,))
    return SimpleNamespace(labels=labels.to(device), masks=masks.to(device))


def compare(what: str, options: argparse.Namespace, **alternatives: Callable[[], Any]) -> None:
    """Time two alternatives in turn and print both and their ratio."""
    times: dict[str, list[float]] = {name: [] for name in alternatives}
    for repeat in range(options.repeats + 1):
        for name, run in alternatives.items():
            spent = clocked(run, options.device == "cuda")
            if repeat:  # the first one warms up
                times[name].append(spent)
    (first, a), (second, b) = ((n, statistics.median(t)) for n, t in times.items())
    spread = max((max(t) - min(t)) / statistics.median(t) for t in times.values())
    print(
        f"{what}: {first} {a:.3f} s, {second} {b:.3f} s; {second} takes {b / a:.2f} times {first}"
        f" (spread {spread:.0%})",
        flush=True,
    )


def clocked(run: Callable[[], Any], cuda: bool) -> float:
    """Seconds a call takes."""
    if not cuda:
        start = time.process_time()
        run()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
