"""What every network offers its trainer, its scorer and the formats it is written in."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gdsweep.errors import BadInput
from gdsweep.model.inference import Predictions, predict
from gdsweep.model.outputs import Outputs
from gdsweep.model.timm_net import checkpoint_blocks, compile_net

SIZE_MULTIPLE = 32
"""Padded sizes are multiples of the coarsest stride."""


class Network(nn.Module, ABC):
    """A network that `model.architecture` names.

    Called with images and targets it returns either `Outputs`, to which the criterion is applied,
    or losses of its own by name, each a mean over the images it was called with.
    """

    class_head: ClassVar[str]
    """Name of the layer that classifies, whose weight [C + 1, width] has a row for each class and
    one for "no object" or background."""
    teachable: ClassVar[bool]
    """As `config.architectures` has it: whether it returns `Outputs`."""

    @abstractmethod
    def predict(
        self,
        images: Sequence[Tensor],
        original_sizes: Sequence[tuple[int, int]],
        detections: int = 100,
    ) -> list[Predictions]:
        """Instances of each image, masks at its original size (height, width); needs `eval()`.

        Args:
            images: [3, h, w] each, RGB in 0..255, of any sizes.
            original_sizes: (height, width) to which masks are resized.
            detections: instances kept of each image.
        """

    def advance(self, share: float) -> None:
        """Be told how much of the training is done, 0 to 1, before each step."""

    def checkpoint_activations(self) -> None:
        """Compute the backbone's activations again in the backward pass instead of keeping them.

        Raises:
            BadInput: a backbone that cannot, or whose statistics would count images twice.
        """
        raise BadInput(f"resources.activation_checkpointing: {type(self).__name__} has none")

    def compile_backbone(self) -> None:
        """Compile the backbone with `torch.compile`, at its first call.

        Raises:
            BadInput: a network without a backbone to compile, or no compiler.
        """
        raise BadInput(f"resources.compile: {type(self).__name__} is not compiled")

    def countable(self) -> nn.Module:
        """A module that computes a forward pass on `[image]` and never asks a tensor's content."""
        return self


class QueryNetwork(Network):
    """A network whose queries predict a class and a mask each."""

    teachable = True

    @property
    @abstractmethod
    def timm_net(self) -> Any:
        """timm's network inside the backbone, under its own names."""

    @property
    @abstractmethod
    def query_count(self) -> int:
        """Predictions of an image."""

    def checkpoint_activations(self) -> None:
        """See `Network`; every block of a ViT, Swin or ConvNeXt is computed twice."""
        checkpoint_blocks(self.timm_net)

    def compile_backbone(self) -> None:
        """See `Network`; of a ViT every block is compiled, once for all of them."""
        compile_net(self.timm_net)

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)

    @torch.no_grad()
    def predict(
        self,
        images: Sequence[Tensor],
        original_sizes: Sequence[tuple[int, int]],
        detections: int = 100,
    ) -> list[Predictions]:
        """Instances of each image; see `inference.predict`."""
        outputs: Outputs = self(images, auxiliary=False)
        return predict(outputs, outputs.sizes, original_sizes, detections)

    def batch(self, images: Sequence[Tensor]) -> Tensor:
        """Normalised images [B, 3, H, W] on one canvas, its sides multiples of 32."""
        # normalised first, so that the padding's zeros are the mean colour (as detectron2)
        assert isinstance(self.mean, Tensor)
        assert isinstance(self.std, Tensor)
        height, width = (
            -(-max(image.shape[axis] for image in images) // SIZE_MULTIPLE) * SIZE_MULTIPLE
            for axis in (-2, -1)
        )
        batch = self.mean.new_zeros(len(images), 3, height, width)
        for canvas, image in zip(batch, images, strict=True):
            normalised = (image.to(self.mean.device).to(self.mean.dtype) - self.mean) / self.std
            canvas[:, : image.shape[-2], : image.shape[-1]] = normalised
        return batch
