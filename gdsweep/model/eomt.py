"""EoMT: queries join the last blocks of a plain vision transformer, and nothing else is added.

Kerssies et al., "Your ViT is Secretly an Image Segmentation Model", CVPR 2025.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model.network import QueryNetwork
from gdsweep.model.operators import AUTOMATIC, Operators
from gdsweep.model.outputs import LayerOutput, Outputs
from gdsweep.model.vit import create_vit, is_vit

PATCH = 16
"""Pixels of a patch; the patch embedding of a ViT with others is resampled to it, as published."""
POWER = 0.9
"""Exponent of the polynomial by which a block's mask share falls (sec. 3.3)."""


class EoMT(QueryNetwork):
    """A plain ViT in whose last L2 blocks queries attend together with the patch tokens.

    Before each of these blocks, and after the last, the final norm and two shared heads predict a
    class and a mask embedding from every query; mask features are the patch tokens, enlarged to
    stride 4 by transposed convolutions. In a masked block a query sees only the patches inside its
    own predicted mask, besides all queries and prefix tokens.

    Mask annealing (sec. 3.3): in training each query is masked with a probability that falls from 1
    to 0, block by block, so that the trained network needs no masks. Outside training a block is
    masked as long as that share is one half or more, without chance.

    Args:
        settings: the ViT and `queries`, `query_blocks`, `masked_attention`, `vit_grid`; sizes of
            pixel and transformer decoder are of no use here, the width is the ViT's.
        classes: C, without "no object".
        operators: what computes the ViT's attention.

    Raises:
        BadInput: a backbone that is no plain ViT or has fewer blocks, or weights that cannot be
            had or do not fit.
    """

    class_head = "classifier"

    def __init__(
        self, settings: ModelSettings, classes: int, operators: Operators = AUTOMATIC
    ) -> None:
        net = _transformer(settings, operators.attention)
        config = net.pretrained_cfg
        super().__init__([255 * v for v in config["mean"]], [255 * v for v in config["std"]])
        width = net.embed_dim
        self.fixed = settings.freeze_backbone
        self.masked_attention = settings.masked_attention
        self.backbone = net
        self.queries = nn.Embedding(settings.queries, width)
        self.upscale = nn.Sequential(UpscaleBlock(width), UpscaleBlock(width))
        self.classifier = nn.Linear(width, classes + 1)
        self.mask_head = nn.Sequential(
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, width),
        )
        first = 0.0 if settings.masked_attention == "never" else 1.0
        # the buffer is what checkpoints hold; the list is read without a look at the device
        self.shares = [first] * settings.query_blocks
        self.register_buffer("mask_share", torch.tensor(self.shares))
        self.register_load_state_dict_post_hook(_read_shares)
        self.train()

    def train(self, mode: bool = True) -> "EoMT":
        """As `nn.Module.train`, except that a fixed transformer stays in evaluation mode."""
        super().train(mode)
        if self.fixed:
            self.backbone.eval()
        return self

    def advance(self, share: float) -> None:
        """Set each block's share of masked queries from the share of the training that is done."""
        if self.masked_attention != "annealed":
            return
        assert isinstance(self.mask_share, Tensor)
        self.mask_share.copy_(torch.tensor(mask_shares(share, len(self.shares))))
        self.shares = mask_shares(share, len(self.shares))

    @property
    def timm_net(self) -> Any:
        """timm's vision transformer."""
        return self.backbone

    @property
    def query_count(self) -> int:
        """Queries that join the last blocks."""
        return self.queries.num_embeddings

    def forward(
        self, images: Sequence[Tensor], targets: object = None, auxiliary: bool = True
    ) -> Outputs:
        """Predict instances.

        Args:
            images: [3, h, w] each, RGB in 0..255, uint8 or float, of any sizes.
            targets: not looked at: the criterion compares them with what is returned.
            auxiliary: also return the predictions before each of the last blocks.
        """
        batch = self.batch(images)
        grid = (batch.shape[-2] // PATCH, batch.shape[-1] // PATCH)
        tokens, rope = self._embedded(batch)
        blocks = list(self.backbone.blocks)
        joined = len(blocks) - len(self.shares)
        for block in blocks[:joined]:
            tokens = self._through(block, tokens, rope, None)
        tokens = torch.cat([self.queries.weight.expand(len(tokens), -1, -1), tokens], 1)
        rope = None if rope is None else _unrotated(rope, self.queries.num_embeddings)
        layers: list[LayerOutput] = []
        for block, share in zip(blocks[joined:], self.shares, strict=True):
            masked = share > 0 if self.training else share >= 0.5
            found = self._predicted(tokens, grid) if auxiliary or masked else None
            if auxiliary and found is not None:
                layers.append(found)
            mask = self._mask(found, grid, share) if masked and found is not None else None
            tokens = self._through(block, tokens, rope, mask)
        layers.append(self._predicted(tokens, grid))
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        return Outputs(layers, (batch.shape[-2], batch.shape[-1]), sizes)

    def _through(
        self, block: Any, tokens: Tensor, rope: Tensor | None, mask: Tensor | None
    ) -> Tensor:
        positions: dict[str, Any] = {} if rope is None else {"rope": rope}
        out: Tensor
        if self.backbone.grad_checkpointing and torch.is_grad_enabled():
            out = checkpoint(block, tokens, attn_mask=mask, **positions, use_reentrant=False)
        else:
            out = block(tokens, attn_mask=mask, **positions)
        return out

    def _embedded(self, batch: Tensor) -> tuple[Tensor, Tensor | None]:
        """Tokens [B, prefix + patches, width] before the first block, and rotary positions."""
        net = self.backbone
        placed = net._pos_embed(net.patch_embed(batch))
        tokens, rope = placed if isinstance(placed, tuple) else (placed, None)
        return net.norm_pre(tokens), rope

    def _predicted(self, tokens: Tensor, grid: tuple[int, int]) -> LayerOutput:
        count = self.queries.num_embeddings
        normed = self.backbone.norm(tokens)
        queries = normed[:, :count]
        patches = normed[:, count + self.backbone.num_prefix_tokens :]
        features = self.upscale(patches.transpose(1, 2).unflatten(-1, grid))
        return LayerOutput(self.classifier(queries), self.mask_head(queries), features)

    @torch.no_grad()
    def _mask(self, found: LayerOutput, grid: tuple[int, int], share: float) -> Tensor:
        """Bool [B, 1, N, N], true where a token may look."""
        logits = F.interpolate(found.mask_logits, grid, mode="bilinear", align_corners=False)
        inside = logits.flatten(2) > 0
        if self.training and share < 1:
            inside |= torch.rand(inside.shape[:2], device=inside.device).unsqueeze(-1) > share
        B, count, patches = inside.shape
        before = count + self.backbone.num_prefix_tokens
        N = before + patches
        mask = torch.ones(B, 1, N, N, dtype=torch.bool, device=inside.device)
        mask[:, 0, :count, before:] = inside
        return mask


class UpscaleBlock(nn.Module):
    """Twice the resolution: transposed convolution, GELU, depthwise convolution, layer norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(width, width, 2, stride=2)
        self.smooth = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, maps: Tensor) -> Tensor:
        """[B, width, h, w] to [B, width, 2 h, 2 w]."""
        maps = self.smooth(F.gelu(self.enlarge(maps)))
        out: Tensor = self.norm(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return out


def mask_shares(done: float, blocks: int) -> list[float]:
    """Share of masked queries in each block when `done` of the training is over (sec. 3.3).

    Training is cut into blocks + 2 equal parts: in the first all blocks are masked, in each part
    that follows one block's share falls from 1 to 0 as a polynomial of power 0.9, in the last none
    is masked. These are the public configurations' steps for four blocks.
    """
    parts = blocks + 2
    falling = [min(max(done * parts - (block + 1), 0.0), 1.0) for block in range(blocks)]
    return [(1 - share) ** POWER for share in falling]


def _transformer(settings: ModelSettings, attention: str) -> Any:
    name = settings.backbone
    if not is_vit(name):
        raise BadInput(
            f"model.backbone: {name} is no plain vision transformer, which eomt needs; "
            "valid: timm's ViT, DINOv2, DeiT, DINOv3, such as vit_large_patch14_reg4_dinov2"
        )
    side = {} if settings.vit_grid is None else {"img_size": settings.vit_grid * PATCH}
    net = create_vit(settings, attention, patch_size=PATCH, num_classes=0, **side)
    if settings.query_blocks > len(net.blocks):
        raise BadInput(
            f"model.query_blocks: {settings.query_blocks} of the {len(net.blocks)} blocks "
            f"{name} has"
        )
    return net


def _read_shares(model: nn.Module, incompatible_keys: object) -> None:
    """Take the shares of the weights that were loaded."""
    assert isinstance(model, EoMT)
    assert isinstance(model.mask_share, Tensor)
    model.shares = model.mask_share.tolist()


def _unrotated(rope: Tensor, count: int) -> Tensor:
    """Rotary positions [n, sine and cosine] with `count` rows more before them, which turn nothing.

    timm rotates all tokens but as many as there are prefix tokens; with queries before these, the
    rows that follow belong to the last queries and the prefix tokens.
    """
    half = rope.shape[-1] // 2
    still = rope.new_zeros(count, rope.shape[-1])
    still[:, half:] = 1
    return torch.cat([still, rope])
