"""A network as a program of torch.export: it runs without gdsweep, in Python or compiled."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gdsweep import atomic
from gdsweep.model.network import QueryNetwork

Size = tuple[int, int]
"""Height and width, in pixels."""

ABOUT = "gdsweep.json"
"""Name under which `torch.export.load(extra_files=...)` finds classes and size."""


class Program(nn.Module):
    """What is exported: everything from an image to the masks of its queries."""

    def __init__(self, network: QueryNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Class probabilities [Q, C] and mask logits [Q, H, W] of an image.

        A mask is where its logit is above zero; see `inference.predict` for scores.

        Args:
            image: float [3, H, W], RGB in 0..255.
        """
        outputs = self.network([image], auxiliary=False)
        last = outputs.layers[-1]
        probabilities = last.class_logits.float().softmax(-1)[0, :, :-1]
        logits = F.interpolate(last.mask_logits, outputs.size, mode="bilinear", align_corners=False)
        return probabilities, logits[0, :, : image.shape[-2], : image.shape[-1]]


def write_program(path: Path, network: QueryNetwork, size: Size, classes: Sequence[str]) -> None:
    """Write the program for images of one size, with the names of its classes in it.

    Raises:
        OSError: nothing is left behind.
    """
    program = Program(network.eval())
    with torch.no_grad():
        exported = torch.export.export(program, (torch.zeros(3, *size),))
    about = json.dumps({"classes": list(classes), "height": size[0], "width": size[1]})
    with atomic.replacing(path) as temporary, open(temporary, "wb") as file:
        torch.export.save(exported, file, extra_files={ABOUT: about})
