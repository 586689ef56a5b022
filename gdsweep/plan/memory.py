"""How many images a GPU can forward at once: `batch.micro` from a stated table.

The table, `presets/memory.yaml`, is counted tensor by tensor and not measured on a GPU; a margin
stands for the criterion, workspaces and fragmentation.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from gdsweep.config import ModelSettings, RunConfig
from gdsweep.grid.names import PRESETS
from gdsweep.grid.yaml_lines import read_yaml

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


def memory_of(config: RunConfig) -> Memory | None:
    """What a run needs; None where the table does not know its network, sizes or crop."""
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
    processes = settings.resources.nodes * max(settings.resources.gpus, 1)
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
