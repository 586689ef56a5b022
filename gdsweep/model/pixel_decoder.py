"""The pixel decoder: deformable-attention encoder at strides 32, 16, 8, then one FPN step to 4."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gdsweep.config import ModelSettings
from gdsweep.model.deformable_attention import DeformableAttention, Shapes, reference_points
from gdsweep.model.position import sine_position
from gdsweep.model.precise import at_least_float32, full_precision


class PixelDecoder(nn.Module):
    """Mask2Former's multi-scale deformable pixel decoder (Cheng et al., 2022), in float32 at least.

    Half precision would be too coarse for sampling locations; autocast is off inside, as in the
    original. With `settings.pixel_decoder_precision: autocast` only sampling locations, and what
    is summed along the layers, are in float32.
    """

    def __init__(
        self, channels: Sequence[int], settings: ModelSettings, deformable: str = "auto"
    ) -> None:
        super().__init__()
        self.autocast = settings.pixel_decoder_precision == "autocast"
        hidden = settings.hidden
        stride4, *encoded = channels
        self.input_proj = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, hidden, 1), _group_norm(hidden))
            for width in reversed(encoded)
        )
        self.level_embed = nn.Parameter(torch.empty(len(encoded), hidden))
        self.layers = nn.ModuleList(
            EncoderLayer(settings, len(encoded), deformable) for _ in range(settings.encoder_layers)
        )
        self.lateral = nn.Sequential(nn.Conv2d(stride4, hidden, 1, bias=False), _group_norm(hidden))
        self.output = nn.Sequential(
            nn.Conv2d(hidden, hidden, 3, padding=1, bias=False), _group_norm(hidden), nn.ReLU()
        )
        self.mask_features = nn.Conv2d(hidden, hidden, 1)
        self._initialise()

    def _initialise(self) -> None:
        nn.init.normal_(self.level_embed)
        for module in self.input_proj.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
        for part in (self.lateral, self.output, self.mask_features):
            for module in part.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_uniform_(module.weight, a=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Decode backbone maps at strides 4, 8, 16, 32.

        Returns:
            mask features [B, hidden, H/4, W/4], and the encoder's maps [B, hidden, h, w] at
            strides 32, 16, 8 in this order.
        """
        if self.autocast:
            return self._decode(list(features))
        with full_precision(features[0]):
            return self._decode([at_least_float32(feature) for feature in features])

    def _decode(self, features: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        stride4, *encoded = features
        maps = [project(x) for project, x in zip(self.input_proj, reversed(encoded), strict=True)]
        shapes = [(x.shape[-2], x.shape[-1]) for x in maps]
        tokens = torch.cat([at_least_float32(x).flatten(2).transpose(1, 2) for x in maps], 1)
        device, dtype = tokens.device, tokens.dtype
        positions = torch.cat(
            [
                sine_position(height, width, tokens.shape[-1], device, dtype=dtype) + embedding
                for (height, width), embedding in zip(shapes, self.level_embed, strict=True)
            ]
        )
        references = reference_points(shapes, device, dtype)
        for layer in self.layers:
            tokens = layer(tokens, positions, shapes, references)
        lengths = [height * width for height, width in shapes]
        maps = [
            part.transpose(1, 2).unflatten(-1, shape)
            for part, shape in zip(tokens.split(lengths, 1), shapes, strict=True)
        ]
        size = (stride4.shape[-2], stride4.shape[-1])
        upsampled = F.interpolate(maps[-1], size, mode="bilinear", align_corners=False)
        fused = self.output(self.lateral(stride4) + upsampled)
        return self.mask_features(fused), maps


class EncoderLayer(nn.Module):
    """Deformable self-attention over all levels, then an MLP; normalised after each."""

    def __init__(self, settings: ModelSettings, levels: int, deformable: str) -> None:
        super().__init__()
        hidden, width = settings.hidden, settings.encoder_feedforward
        self.attention = DeformableAttention(
            hidden, settings.heads, levels, settings.encoder_points, deformable
        )
        self.norm1 = nn.LayerNorm(hidden)
        self.linear1 = nn.Linear(hidden, width)
        self.linear2 = nn.Linear(width, hidden)
        self.norm2 = nn.LayerNorm(hidden)
        nn.init.xavier_uniform_(self.linear1.weight)
        nn.init.xavier_uniform_(self.linear2.weight)

    def forward(
        self, tokens: Tensor, positions: Tensor, shapes: Shapes, references: Tensor
    ) -> Tensor:
        """Encode tokens [B, S, hidden]; positions [S, hidden] are added to the queries only."""
        found = self.attention(tokens + positions, tokens, shapes, references)
        tokens = self.norm1(tokens + found)
        out: Tensor = self.norm2(tokens + self.linear2(F.relu(self.linear1(tokens))))
        return out


def _group_norm(channels: int) -> nn.GroupNorm:
    # 32 groups at the paper's 256 channels; a narrower model has as many as divide it
    return nn.GroupNorm(math.gcd(32, channels), channels)
