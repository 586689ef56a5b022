"""How many images a GPU can forward at once: `batch.micro` from a stated table.

The table, `presets/memory.yaml`, is counted tensor by tensor and not measured on a GPU; a margin
stands for the criterion, workspaces and fragmentation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from gdsweep.config import ModelSettings, RunConfig
from gdsweep.grid.names import PRESETS
from gdsweep.grid.yaml_lines import read_yaml
from gdsweep.plan.plan import PlannedRun

BYTES_A_PARAMETER = 24
"""Weight, gradient, AdamW's two moments, DistributedDataParallel's bucket and the teacher's copy,
four bytes each."""
MARGIN = 1.25
"""Factor on what the table counts."""
RESERVED = 2.0
"""GiB of the CUDA context, the criterion and the teacher's forward pass."""

_SIZES = ("hidden", "heads", "encoder_layers", "encoder_points", "encoder_feedforward",
          "decoder_layers", "decoder_feedforward")  # fmt: skip


@dataclass(frozen=True)
class Memory:
    """What one process of a run needs on its GPU."""

    fixed: float
    """GiB whatever is forwarded."""
    image: float
    """GiB for each image forwarded together."""
    share: int
    """Images of one kind that a process has in each step."""

    def needed(self, images: int) -> float:
        """GiB with so many images forwarded together."""
        return self.fixed + images * self.image

    def fitting(self, card: float) -> int:
        """Most images, up to the share, that a card of `card` GiB can forward together."""
        room = int((card - self.fixed) / self.image)
        return max(0, min(self.share, room))


@dataclass(frozen=True)
class Card:
    """What a run computes on."""

    gib: float
    """GiB of memory of each GPU."""
    gpus: int
    """GPUs that share its global batch."""


def fit(
    runs: Iterable[PlannedRun], card_of: Callable[[PlannedRun], Card | None]
) -> tuple[list[PlannedRun], list[str]]:
    """The runs with `batch.micro` where their share of a batch would not fit, and lines on them.

    Only runs that leave it open are touched, and none whose batch statistics would change: with
    `model.norm` sync or batch a line says what would fit.
    """
    fitted: list[PlannedRun] = []
    lines: dict[str, int] = {}
    for run in runs:
        config, line = _fitted(run.config, card_of(run))
        fitted.append(replace(run, config=config))
        if line is not None:
            lines[line] = lines.get(line, 0) + 1
    return fitted, [f"{line} ({count} run{'s' * (count > 1)})" for line, count in lines.items()]


def _fitted(config: RunConfig, card: Card | None) -> tuple[RunConfig, str | None]:
    settings = config.settings
    memory = None if card is None else memory_of(config, card.gpus)
    if card is None or memory is None or settings.batch.micro is not None:
        return config, None
    most = memory.fitting(card.gib)
    if most == memory.share:
        return config, None
    name = settings.model.backbone.partition(".")[0]
    needs = f"{name}: {memory.share} images need about {memory.needed(memory.share):.0f} GiB"
    if most == 0:
        return config, (
            f"{needs}, one does not fit {card.gib:.0f} either; see "
            "resources.activation_checkpointing"
        )
    if settings.model.norm != "frozen":
        return config, f"{needs}, {card.gib:.0f} are there; batch.micro: {most} would fit"
    batch = settings.batch.model_copy(update={"micro": most})
    changed = settings.model_copy(update={"batch": batch})
    return config.model_copy(update={"settings": changed}), (
        f"{needs}, {card.gib:.0f} are there: {most} at once (batch.micro)"
    )


def memory_of(config: RunConfig, gpus: int | None = None) -> Memory | None:
    """What a run needs; None where the table does not know its network, sizes or crop.

    `gpus` share its global batch; None takes those it asks for.
    """
    settings, model = config.settings, config.settings.model
    usual = ModelSettings()
    if any(getattr(model, name) != getattr(usual, name) for name in _SIZES):
        return None
    height, width = settings.augmentation.crop
    row = _table().get(model.architecture, {}).get(model.backbone.partition(".")[0], {})
    counted = row.get(f"{height}x{width}")
    if counted is None:
        return None
    frugal = settings.resources.activation_checkpointing and len(counted) > 1
    processes = gpus or settings.resources.nodes * max(settings.resources.gpus, 1)
    kinds = [settings.batch.labelled]
    if config.objective != "supervised":
        kinds.append(settings.batch.unlabelled)
    return Memory(
        fixed=RESERVED + row["parameters"] * 1e6 * BYTES_A_PARAMETER / 2**30,
        image=MARGIN * counted[1 if frugal else 0],
        share=max(-(-kind // processes) for kind in kinds),
    )


@cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(PRESETS / "memory.yaml").value
    return found
