"""Sections of `gpu.py` that take whole steps of training."""

import argparse
import collections
import dataclasses
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from gpu_parts import synchronize
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from gdsweep.config import CellSettings, RunConfig, ShapesData
from gdsweep.data import Instances, Sample
from gdsweep.grid.presets import backbone
from gdsweep.runs import RunDir
from gdsweep.train.device import set_up
from gdsweep.train.device_batch import mover
from gdsweep.train.distributed import Processes
from gdsweep.train.networks import build_networks
from gdsweep.train.objectives import Loss
from gdsweep.train.optimizer import build_optimizer
from gdsweep.train.precision import Precision
from gdsweep.train.pseudo_labels import Choice

CLASSES, OBJECTS = 80, 8
CROPS = {"COCO": (1024, 1024), "Cityscapes": (512, 1024)}

CASES: dict[str, dict[str, Any]] = {
    "fp16": {},
    "bf16": {"optimizer.precision": "bf16"},
    "fp32": {"optimizer.precision": "fp32"},
    "fp32, TF32 in products": {"optimizer.precision": "fp32", "optimizer.tf32": "all"},
    "fp32, no TF32": {"optimizer.precision": "fp32", "optimizer.tf32": "none"},
    "teacher in bf16": {"distillation.teacher_precision": "bf16"},
    "pixel decoder under autocast": {"model.pixel_decoder_precision": "autocast"},
    "attention by SDPA": {"resources.attention": "sdpa"},
    "deformable attention by PyTorch": {"resources.deformable_attention": "pytorch"},
    "cuDNN's benchmark": {"resources.cudnn_benchmark": True},
    "channels last": {"resources.channels_last": True},
    "deterministic": {"resources.deterministic": True},
    "activation checkpointing": {"resources.activation_checkpointing": True},
    "compiled": {"resources.compile": True},
}
"""Ways to take a step, each a change of the first."""


class Step:
    """Steps of the project's own objectives on random images, from seeded weights."""

    def __init__(
        self,
        options: argparse.Namespace,
        name: str,
        crop: tuple[int, int],
        changes: dict[str, Any],
        taught: bool = True,
        batch: int = 2,
    ) -> None:
        self.device = torch.device(options.device)
        preset = backbone(name)
        assigned = {
            ".".join(a.target): a.value for a in preset.extras.assignments if not a.when
        } | changes
        settings = _settings(options, preset.timm, crop, batch, assigned)
        set_up(self.device, settings)
        self.processes = Processes(0, 1, self.device)
        objective = "self-distilled" if taught else "supervised"
        config = RunConfig(run="benchmark", objective=objective, settings=settings)
        classes = [str(number) for number in range(CLASSES)]
        networks, _ = build_networks(RunDir(Path("unused")), config, classes, self.processes)
        self.networks, self.settings = networks, settings
        self.optimizer = build_optimizer(networks.student, settings.optimizer)
        self.precision = Precision(
            settings.optimizer.precision, self.device, settings.distillation.teacher_precision
        )
        self.loss = Loss(settings, CLASSES, self.processes, self.precision)
        _find_objects(self.loss, networks.teacher)
        self.iteration = 0
        generator = torch.Generator().manual_seed(0)
        self.labelled, self.unlabelled = (
            [_sample(crop, generator) for _ in range(batch)] for _ in range(2)
        )
        self.move = mover(self.device)

    def take(self) -> dict[str, float]:
        """One step, as the trainer takes it; nothing waits for it to end."""
        networks = self.networks
        networks.student.train()
        taught = networks.teacher is not None
        others = self.move(self.unlabelled) if taught else None
        parts, told = self.loss.parts(self.move(self.labelled), others, networks.teacher)
        logged = self.loss.hear(told)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss.backward(networks.wrapped, parts, self.iteration)
        clip = self.settings.optimizer.clip_norm
        self.precision.step(self.optimizer, networks.student, clip)
        if networks.moving is not None and networks.alpha is not None:
            networks.moving.update(networks.alpha)
        self.iteration += 1
        return logged


def steps(results: Any, options: argparse.Namespace) -> None:
    """Seconds a step and peak memory, for each backbone, crop and way."""
    crops = {"tiny": (64, 64)} if options.tiny else CROPS
    for name in options.backbones:
        for data, crop in crops.items():
            for case in options.cases:
                changes = CASES[case]
                # the choices of kernels are compared where most is computed
                if data == "Cityscapes" and case not in ("fp16", "bf16", "fp32"):
                    continue
                about = {"backbone": name, "crop": data, "case": case}
                if options.device == "cpu":
                    changes = _without_fp16(changes)

                def measured(crop: Any = crop, name: str = name, changes: Any = changes) -> Any:
                    return _timed(Step(options, name, crop, changes), options.tiny)

                results.attempt("steps", measured, **about, taught=True)
            plain = {} if options.device == "cuda" else _without_fp16({})

            def supervised(crop: Any = crop, name: str = name, plain: Any = plain) -> Any:
                return _timed(Step(options, name, crop, plain, taught=False), options.tiny)

            about = {"backbone": name, "crop": data, "case": "fp16"}
            results.attempt("steps", supervised, **about, taught=False)


def synchronisations(results: Any, options: argparse.Namespace) -> None:
    """Where a step waits for the device, as PyTorch warns of it."""
    for taught in (False, True):

        def counted(taught: bool = taught) -> dict[str, Any]:
            step = _plain_step(options, taught=taught)
            step.take()
            synchronize(options.device)
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                _warn_of_waits(options.device, "warn")
                try:
                    step.take()
                finally:
                    _warn_of_waits(options.device, "default")
            waits = [w for w in seen if "synchroniz" in str(w.message)]
            places = collections.Counter(f"{Path(w.filename).name}:{w.lineno}" for w in waits)
            return {"waits": len(waits), "places": dict(places.most_common(20))}

        results.attempt("syncs", counted, taught=taught)


def kernels(results: Any, options: argparse.Namespace) -> None:
    """The 15 dearest kernels of a step; on the CPU, operators."""
    for name in options.backbones:

        def dearest(name: str = name) -> dict[str, Any]:
            step = _plain_step(options, name)
            step.take()
            synchronize(options.device)
            cuda = options.device == "cuda"
            activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * cuda
            with profile(activities=activities) as found:
                step.take()
                synchronize(options.device)
            spent = {}
            for event in found.key_averages():
                if cuda and event.device_type != torch.autograd.DeviceType.CUDA:
                    continue
                microseconds = event.self_device_time_total if cuda else event.self_cpu_time_total
                spent[event.key[:90]] = (microseconds / 1000, event.count)
            total = sum(ms for ms, _ in spent.values())
            rows = sorted(spent.items(), key=lambda item: -item[1][0])[:15]
            listed = [[key, round(ms, 2), count] for key, (ms, count) in rows]
            launches = sum(count for _, count in spent.values())
            return {"total_ms": round(total, 1), "launches": launches, "kernels": listed}

        results.attempt("kernels", dearest, backbone=name)


def determinism(results: Any, options: argparse.Namespace) -> None:
    """Whether two equal sequences of three steps give equal weights, bit for bit."""
    for deterministic in (False, True):

        def repeated(deterministic: bool = deterministic) -> dict[str, Any]:
            finals = []
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                for _ in range(2):
                    changes = {"resources.deterministic": deterministic}
                    step = _plain_step(options, changes=changes)
                    for _ in range(1 if options.tiny else 3):
                        step.take()
                    state = step.networks.student.state_dict()
                    finals.append({key: value.cpu() for key, value in state.items()})
            told = {str(w.message).split(" does not have")[0][:80] for w in seen}
            lacking = sorted(t for t in told if "deterministic" in t or "_cuda" in t)
            one, two = finals
            unequal = sum(not torch.equal(one[key], two[key]) for key in one)
            return {"unequal_tensors": unequal, "of": len(one), "without_fixed_order": lacking}

        results.attempt("determinism", repeated, deterministic=deterministic)
    torch.use_deterministic_algorithms(False)


def _plain_step(
    options: argparse.Namespace,
    name: str = "resnet50",
    changes: dict[str, Any] | None = None,
    taught: bool = True,
) -> Step:
    crop = (64, 64) if options.tiny else CROPS["COCO"]
    changes = changes or {}
    batch = 1 if options.tiny else 2
    if options.device == "cpu":
        changes = _without_fp16(changes)
    return Step(options, name, crop, changes, taught, batch)


def _without_fp16(changes: dict[str, Any]) -> dict[str, Any]:
    # the default precision, which a CPU does not have
    return {"optimizer.precision": "fp32", **changes}


def _settings(
    options: argparse.Namespace,
    timm: str,
    crop: tuple[int, int],
    batch: int,
    assigned: dict[str, Any],
) -> CellSettings:
    cuda = options.device == "cuda"
    content: dict[str, Any] = {
        "dataset": ShapesData(name="random").model_dump(),
        "augmentation": {"crop": crop},
        "model": {"backbone": timm, "weights": "random", "norm": "frozen"},
        "batch": {"labelled": batch, "unlabelled": batch},
        "distillation": {"alpha_c": 0.0, "alpha_s": 0.0},
        "resources": {"gpus": int(cuda), "device": options.device},
    }
    for key, value in assigned.items():
        room, setting = key.split(".", 1)
        content.setdefault(room, {})[setting] = value
    if options.tiny:
        small = {"hidden": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 2, "queries": 12}
        content["model"] |= small | {"encoder_feedforward": 16, "decoder_feedforward": 16}
        content["loss"] = {"points": 32}
    return CellSettings.model_validate(content)


def _sample(crop: tuple[int, int], generator: torch.Generator) -> Sample:
    height, width = crop
    weak, strong = (
        torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator)
        for _ in range(2)
    )
    masks = torch.zeros(OBJECTS, height, width, dtype=torch.bool)
    for number, mask in enumerate(masks):
        top, left = height * number // (2 * OBJECTS), width * number // (2 * OBJECTS)
        mask[top : top + height // 3, left : left + width // 4] = True
    labels = torch.randint(0, CLASSES, (OBJECTS,), generator=generator)
    return Sample("random", weak, strong, Instances(labels, masks))


def _find_objects(loss: Loss, teacher: Any) -> None:
    """Have a teacher with random weights find OBJECTS instances in every image."""
    if teacher is None:
        return
    choose = loss._choice

    def chosen(*arguments: Any, **named: Any) -> Choice:
        found = choose(*arguments, **named)
        keep = torch.zeros_like(found.keep)
        keep[:, :OBJECTS] = True
        some: Tensor = found.labels.clamp(max=CLASSES - 1)
        return dataclasses.replace(found, keep=keep, labels=some)

    loss._choice = chosen  # type: ignore[method-assign]


def _timed(step: Step, tiny: bool) -> dict[str, Any]:
    cuda = step.device.type == "cuda"
    for _ in range(1 if tiny else 4):  # fp16 needs some to find its scale
        begin = time.perf_counter()
        logged = step.take()
        synchronize(step.device.type)
        last = time.perf_counter() - begin
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    blocks, count = [], 1 if tiny else max(2, min(10, round(1.0 / last)))
    for _ in range(1 if tiny else 3):
        begin = time.perf_counter()
        for _ in range(count):
            logged = step.take() or logged
        synchronize(step.device.type)
        blocks.append((time.perf_counter() - begin) / count)
    memory = torch.cuda.max_memory_allocated() / 2**30 if cuda else None
    return {
        "seconds": round(statistics.median(blocks), 4),
        "least": round(min(blocks), 4),
        "greatest": round(max(blocks), 4),
        "peak_gib": None if memory is None else round(memory, 2),
    }


def _warn_of_waits(device: str, mode: str) -> None:
    if device == "cuda":
        torch.cuda.set_sync_debug_mode(mode)
