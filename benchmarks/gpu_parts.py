"""Sections of `gpu.py` that take one part of the work: operators, average, evaluation, loading."""

import argparse
import contextlib
import copy
import importlib.metadata
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gdsweep.config import (
    AugmentationSettings,
    CellSettings,
    LossSettings,
    ModelSettings,
    RunConfig,
    ShapesData,
)
from gdsweep.data import Instances, open_dataset
from gdsweep.evaluate import predict_dataset
from gdsweep.model import Criterion, Mask2Former, Normaliser
from gdsweep.model.attention import attention
from gdsweep.model.deformable_attention import deformable_attention, reference_points
from gdsweep.train.distributed import Processes
from gdsweep.train.ema import MovingAverage
from gdsweep.train.streams import Streams

PACKAGES = ("torch", "triton", "xformers", "timm", "transformers", "numpy")
TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def machine(device: str) -> dict[str, Any]:
    """Card, driver, versions and commit."""
    found: dict[str, Any] = {"device": platform.processor() or platform.machine()}
    if device == "cuda":
        card = torch.cuda.get_device_properties(0)
        found = {
            "device": card.name,
            "memory_gib": round(card.total_memory / 2**30, 1),
            "capability": f"{card.major}.{card.minor}",
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    here = Path(__file__).resolve().parent
    asked = ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--abbrev=7"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return {**found, "commit": said or "unknown"}


def synchronize(device: str) -> None:
    """Wait for what was begun."""
    if device == "cuda":
        torch.cuda.synchronize()


def milliseconds(work: Callable[[], Any], device: str, repeats: int) -> dict[str, float]:
    """Median, least and greatest of a call's milliseconds, the first two calls apart."""
    times = []
    for _ in range(repeats + 2):
        synchronize(device)
        begin = time.perf_counter()
        work()
        synchronize(device)
        times.append(1000 * (time.perf_counter() - begin))
    times = times[2:]
    named = {"ms": statistics.median(times), "least": min(times), "greatest": max(times)}
    return {name: round(value, 3) for name, value in named.items()}


def peak_mib(device: str) -> float | None:
    """Most memory that was allocated since `work` was begun; None on a CPU."""
    return round(torch.cuda.max_memory_allocated() / 2**20, 1) if device == "cuda" else None


def deformable(results: Any, options: argparse.Namespace) -> None:
    """Deformable attention alone, forward and with its gradients, by either operator."""
    device, repeats = options.device, 1 if options.tiny else 10
    for side in (64,) if options.tiny else (512, 1024):
        shapes = [(side // stride, side // stride) for stride in (32, 16, 8)]
        S = sum(h * w for h, w in shapes)
        for kind in ("fp32", "bf16", "fp16") if device == "cuda" else ("fp32",):
            torch.manual_seed(0)
            value = torch.randn(2, S, 8, 32, device=device).to(TYPES[kind]).requires_grad_()
            near = reference_points(shapes, torch.device(device)).view(1, S, 1, 1, 1, 2)
            spread = torch.randn(2, S, 8, 3, 4, 2, device=device) * (2 / (side // 16))
            locations = (near + spread).requires_grad_()
            weights = torch.rand(2, S, 8, 3, 4, device=device, requires_grad=True)
            given = (value, locations, weights)
            for backend in ("triton", "pytorch") if device == "cuda" else ("pytorch",):

                def forward(given: Any = given, shapes: Any = shapes, by: str = backend) -> Any:
                    return deformable_attention(given[0], shapes, given[1], given[2], by)

                def both(forward: Any = forward, given: Any = given) -> Any:
                    return torch.autograd.grad(forward().float().square().sum(), given)

                def measured(forward: Any = forward, both: Any = both) -> dict[str, Any]:
                    if device == "cuda":
                        torch.cuda.reset_peak_memory_stats()
                    alone = milliseconds(forward, device, repeats)["ms"]
                    whole = milliseconds(both, device, repeats)
                    return {"forward_ms": alone, **whole, "peak_mib": peak_mib(device)}

                about = {"side": side, "values": kind, "by": backend}
                results.attempt("deformable", measured, **about)


def attention_operators(results: Any, options: argparse.Namespace) -> None:
    """Attention alone, by xformers and by PyTorch: the decoder's, masked, and a ViT-L's."""
    device, repeats = options.device, 1 if options.tiny else 10
    cells, tokens = (16, 16) if options.tiny else (128 * 128, 74 * 74)
    for what, L, S, heads, d in (
        ("decoder", 100, cells, 8, 32),
        ("ViT-L at 1036", tokens, tokens, 16, 64),
    ):
        for kind in ("fp16", "bf16", "fp32") if device == "cuda" else ("fp32",):
            torch.manual_seed(0)
            query, key, value = (
                torch.randn(2, n, heads, d, device=device).to(TYPES[kind]).requires_grad_()
                for n in (L, S, S)
            )
            mask = None
            if what == "decoder":
                mask = torch.rand(2, L, S, device=device) > 0.7
                mask[..., 0] = True
            for backend in ("xformers", "sdpa") if device == "cuda" else ("sdpa",):

                def both(
                    q: Any = query, k: Any = key, v: Any = value, m: Any = mask, by: str = backend
                ) -> Any:
                    out = attention(q, k, v, m, by)
                    return torch.autograd.grad(out.float().square().sum(), (q, k, v))

                def measured(both: Any = both) -> dict[str, Any]:
                    if device == "cuda":
                        torch.cuda.reset_peak_memory_stats()
                    return {**milliseconds(both, device, repeats), "peak_mib": peak_mib(device)}

                results.attempt("attention", measured, what=what, values=kind, by=backend)


def average(results: Any, options: argparse.Namespace) -> None:
    """Eq. (5) against a bare foreach over tensors that lie ready."""
    settings = _model(options)

    def measured() -> dict[str, Any]:
        model = Mask2Former(settings, 80).to(options.device)
        other = copy.deepcopy(model).requires_grad_(False)
        moving = MovingAverage(other, model)
        ours, theirs = (list(m.state_dict().values()) for m in (other, model))
        pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.is_floating_point()]
        first, second = [a for a, _ in pairs], [b for _, b in pairs]

        def bare() -> None:
            with torch.no_grad():
                torch._foreach_lerp_(first, second, 0.0004)

        repeats = 1 if options.tiny else 30
        own = milliseconds(lambda: moving.update(0.9996), options.device, repeats)
        return {**own, "bare_ms": milliseconds(bare, options.device, repeats)["ms"]}

    results.attempt("average", measured)


def transformers_step(results: Any, options: argparse.Namespace) -> None:
    """A supervised ResNet-50 step of ours and of transformers' Mask2Former, in turn."""
    side, batch = (64, 1) if options.tiny else (1024, 2)
    device = options.device
    for kind in ("fp16", "bf16", "fp32") if device == "cuda" else ("fp32",):

        def measured(kind: str = kind) -> dict[str, Any]:
            takes = {
                "ours": _our_step(options, side, batch, kind),
                "theirs": _their_step(options, side, batch, kind),
            }
            times: dict[str, list[float]] = {name: [] for name in takes}
            for _ in range(1 if options.tiny else 6):
                for name, take in takes.items():
                    synchronize(device)
                    begin = time.perf_counter()
                    take()
                    synchronize(device)
                    times[name].append(time.perf_counter() - begin)
            ours, theirs = (statistics.median(times[name][-5:]) for name in ("ours", "theirs"))
            ratio = round(ours / theirs, 3)
            return {"seconds": round(ours, 4), "theirs": round(theirs, 4), "ratio": ratio}

        results.attempt("transformers", measured, precision=kind, side=side, batch=batch)


def evaluation(results: Any, options: argparse.Namespace) -> None:
    """Images a second of a validation with masks encoded, without and with worker threads."""
    side, count = (64, 2) if options.tiny else (1024, 48)
    scenes = open_dataset(ShapesData(name="shapes", size=side, train=1, val=count, test=1)).val
    for workers in (0, 1) if options.tiny else (0, 4):

        def measured(workers: int = workers) -> dict[str, Any]:
            model = Mask2Former(_model(options), len(scenes.classes)).to(options.device).eval()
            views = AugmentationSettings(test_short_edge=None)
            for _ in range(2):  # the first warms up
                begin = time.perf_counter()
                predict_dataset([model], scenes, views, 100, workers=workers)
                seconds = time.perf_counter() - begin
            return {"images_per_second": round(count / seconds, 2)}

        results.attempt("evaluation", measured, side=side, workers=workers)


def loader(results: Any, options: argparse.Namespace) -> None:
    """Images a second of both streams together, from generated scenes cut to COCO's crop."""
    side, workers = (64, 0) if options.tiny else (1024, 8)

    def measured() -> dict[str, Any]:
        settings = CellSettings.model_validate(
            {
                "dataset": ShapesData(name="shapes", size=side, train=64, val=1, test=1),
                "labels": {"percent": 50},
                "augmentation": {"crop": (side, side)},
                "batch": {"labelled": 2, "unlabelled": 2},
                "resources": {"workers": workers, "gpus": 0, "device": "cpu"},
            }
        )
        config = RunConfig(run="loader", objective="self-distilled", settings=settings)
        splits = open_dataset(settings.dataset)
        streams = Streams(config, splits, Processes(0, 1, torch.device("cpu")))
        images, batches = 0, 2 if options.tiny else 60
        with streams.opened(0) as (labelled, unlabelled):
            assert unlabelled is not None
            for _ in range(1 + workers):  # what is read ahead while nobody asks
                next(labelled), next(unlabelled)
            begin = time.perf_counter()
            for _ in range(batches):
                images += len(next(labelled)) + len(next(unlabelled))
            seconds = time.perf_counter() - begin
        return {"images_per_second": round(images / seconds, 1)}

    results.attempt("loader", measured, side=side, workers=2 * workers)


def _model(options: argparse.Namespace) -> ModelSettings:
    if not options.tiny:
        return ModelSettings(weights="random")
    small = {"hidden": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 2, "queries": 12}
    return ModelSettings.model_validate({"backbone": "test_resnet", "weights": "random", **small})


def _autocast(device: str, kind: str) -> Any:
    return contextlib.nullcontext() if kind == "fp32" else torch.autocast(device, TYPES[kind])


def _targets(side: int, batch: int, device: str) -> list[Instances]:
    masks = torch.zeros(8, side, side, dtype=torch.bool, device=device)
    for number, mask in enumerate(masks):
        mask[side * number // 16 : side * number // 16 + side // 3, : side // 2] = True
    return [Instances(torch.arange(8, device=device), masks)] * batch


def _stepping(model: Any, loss: Callable[[], Any]) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5, fused=True)

    def take() -> None:
        model.zero_grad(set_to_none=True)
        loss().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        optimizer.step()

    return take


def _our_step(options: argparse.Namespace, side: int, batch: int, kind: str) -> Callable[[], None]:
    device, settings = options.device, _model(options)
    model = Mask2Former(settings, 80).to(device).train()
    criterion = Criterion(80, LossSettings(points=32 if options.tiny else 12544))
    images = [torch.rand(3, side, side, device=device) * 255] * batch
    targets = _targets(side, batch, device)
    normaliser = Normaliser.of([8] * batch, settings.queries, 0.1)

    def loss() -> Any:
        with _autocast(device, kind):
            outputs = model(images, [None] * batch)
        return torch.stack(list(criterion(outputs, targets, normaliser).values())).sum()

    return _stepping(model, loss)


def _their_step(
    options: argparse.Namespace, side: int, batch: int, kind: str
) -> Callable[[], None]:
    import transformers

    transformers.logging.set_verbosity_error()
    stages = {"out_features": ["stage1", "stage2", "stage3", "stage4"]}
    less: dict[str, Any] = {}
    if options.tiny:
        stages |= {"depths": [1, 1, 1, 1], "hidden_sizes": [16, 16, 16, 16], "embedding_size": 8}
        less = {"train_num_points": 32, "decoder_layers": 2, "encoder_layers": 1, "num_queries": 12}
    config = transformers.Mask2FormerConfig(
        backbone_config=transformers.ResNetConfig(**stages), num_labels=80, **less
    )
    device = options.device
    model = transformers.Mask2FormerForUniversalSegmentation(config).to(device).train()
    pixels = torch.rand(batch, 3, side, side, device=device)
    targets = _targets(side, batch, device)
    masks, labels = [t.masks.float() for t in targets], [t.labels for t in targets]

    def loss() -> Any:
        with _autocast(device, kind):
            return model(pixel_values=pixels, mask_labels=masks, class_labels=labels).loss

    return _stepping(model, loss)
