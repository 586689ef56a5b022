"""The transformer decoder with masked attention (Mask2Former, sec. 3.2 of Cheng et al., 2022)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gdsweep.config import ModelSettings
from gdsweep.model.attention import MultiheadAttention
from gdsweep.model.outputs import LayerOutput, dot_masks
from gdsweep.model.position import sine_position


class TransformerDecoder(nn.Module):
    """Learnable queries refined by layers that look only where the previous mask is.

    Layer i attends to the map i mod 3 of strides 32, 16, 8. The prediction heads are shared by all
    layers and also applied to the bare queries.
    """

    def __init__(self, classes: int, settings: ModelSettings, backend: str = "auto") -> None:
        super().__init__()
        hidden = settings.hidden
        self.query_features = nn.Embedding(settings.queries, hidden)
        self.query_positions = nn.Embedding(settings.queries, hidden)
        self.level_embed = nn.Embedding(3, hidden)
        self.layers = nn.ModuleList(
            DecoderLayer(settings, backend) for _ in range(settings.decoder_layers)
        )
        self.norm = nn.LayerNorm(hidden)
        self.class_head = nn.Linear(hidden, classes + 1)
        self.mask_head = nn.Sequential(
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
        )

    def forward(
        self, mask_features: Tensor, maps: Sequence[Tensor], auxiliary: bool = True
    ) -> list[LayerOutput]:
        """Predict from mask features [B, hidden, H/4, W/4] and maps at strides 32, 16, 8.

        Returns:
            The predictions of the bare queries and of every layer, or only the last layer's.
        """
        B = len(mask_features)
        memories = [
            x.flatten(2).transpose(1, 2) + level
            for x, level in zip(maps, self.level_embed.weight, strict=True)
        ]
        positions = [
            sine_position(x.shape[-2], x.shape[-1], x.shape[1], x.device, dtype=x.dtype)
            for x in maps
        ]
        # resizing is linear, so masks at a map's size are dot products with resized features
        with torch.no_grad():
            resized = [
                F.interpolate(mask_features, x.shape[-2:], mode="bilinear", align_corners=False)
                for x in maps
            ]
        queries = self.query_features.weight.expand(B, -1, -1)
        query_positions = self.query_positions.weight
        outputs = []
        for number, layer in enumerate([*self.layers, None]):
            normed = self.norm(queries)
            embeddings = self.mask_head(normed)
            if auxiliary or layer is None:
                outputs.append(LayerOutput(self.class_head(normed), embeddings, mask_features))
            if layer is not None:
                level = number % 3
                mask = attention_mask(embeddings, resized[level])
                queries = layer(queries, query_positions, memories[level], positions[level], mask)
        return outputs


@torch.no_grad()
def attention_mask(embeddings: Tensor, features: Tensor) -> Tensor:
    """Where queries may look: inside their own predicted mask, or everywhere if that is empty.

    Args:
        embeddings: [B, Q, hidden].
        features: [B, hidden, h, w], mask features resized to the map that is looked at.

    Returns:
        bool [B, Q, h * w], true where the mask's probability is at least one half.
    """
    inside = dot_masks(embeddings, features).flatten(2) >= 0
    return inside | ~inside.any(-1, keepdim=True)


class DecoderLayer(nn.Module):
    """Masked cross-attention, self-attention, MLP; normalised after each."""

    def __init__(self, settings: ModelSettings, backend: str) -> None:
        super().__init__()
        hidden, width = settings.hidden, settings.decoder_feedforward
        self.cross_attention = MultiheadAttention(hidden, settings.heads, backend)
        self.norm1 = nn.LayerNorm(hidden)
        self.self_attention = MultiheadAttention(hidden, settings.heads, backend)
        self.norm2 = nn.LayerNorm(hidden)
        self.linear1 = nn.Linear(hidden, width)
        self.linear2 = nn.Linear(width, hidden)
        self.norm3 = nn.LayerNorm(hidden)
        nn.init.xavier_uniform_(self.linear1.weight)
        nn.init.xavier_uniform_(self.linear2.weight)

    def forward(
        self,
        queries: Tensor,
        query_positions: Tensor,
        memory: Tensor,
        memory_positions: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """Refine queries [B, Q, hidden] from memory [B, S, hidden]; `mask` bool [B, Q, S].

        Positions ([Q, hidden], [S, hidden]) are added to queries and keys, never to values.
        """
        found = self.cross_attention(
            queries + query_positions, memory + memory_positions, memory, mask
        )
        queries = self.norm1(queries + found)
        placed = queries + query_positions
        queries = self.norm2(queries + self.self_attention(placed, placed, queries))
        out: Tensor = self.norm3(queries + self.linear2(F.relu(self.linear1(queries))))
        return out
