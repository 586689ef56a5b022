"""Hugging Face transformers' EoMT (`model_type: eomt`): how to build ours from it, and back."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from gdsweep.config import LossSettings, ModelSettings
from gdsweep.errors import BadInput
from gdsweep.interop.eomt_names import DROPPED, HEAD, VIT
from gdsweep.interop.names import Table
from gdsweep.interop.tensors import renamed
from gdsweep.interop.transformers_names import LOSS
from gdsweep.model import EoMT
from gdsweep.model.eomt import PATCH

TABLE: Table = (*HEAD, *VIT)
DROPPABLE = DROPPED

_POSITIONS = "embeddings.position_embeddings.weight"
_VITS = {
    (384, 12): "vit_small_patch14_reg4_dinov2",
    (768, 12): "vit_base_patch14_reg4_dinov2",
    (1024, 24): "vit_large_patch14_reg4_dinov2",
}
"""timm's name by width and blocks, of the transformers that EoMT was published with."""


def is_eomt(tensors: Mapping[str, object]) -> bool:
    """Whether names are those of transformers' EoMT."""
    return {"attn_mask_probs", "query.weight", _POSITIONS} <= tensors.keys()


def given(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Its tensors in our shapes: the table of positions has a batch axis with us."""
    return {
        name: tensor.unsqueeze(0) if name == _POSITIONS and tensor.ndim == 2 else tensor
        for name, tensor in tensors.items()
    }


def infer(tensors: Mapping[str, Tensor], what: str) -> ModelSettings:
    """How to build the network, from the tensors' shapes.

    Raises:
        BadInput: a transformer that EoMT was not published with.
    """
    queries, positions = tensors["query.weight"], tensors[_POSITIONS]
    width = queries.shape[1]
    blocks = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("layers."))
    name = _VITS.get((width, blocks))
    if name is None:
        raise BadInput(
            f"{what}: its backbone is a transformer of width {width} and {blocks} blocks; name it "
            "with --config FILE"
        )
    return ModelSettings(
        architecture="eomt",
        backbone=name,
        weights="random",
        queries=queries.shape[0],
        query_blocks=tensors["attn_mask_probs"].shape[0],
        vit_grid=round(positions.shape[-2] ** 0.5),
    )


def written(model: EoMT, settings: ModelSettings) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by transformers' names, and its configuration, labels apart.

    Raises:
        BadInput: a backbone without register tokens or with rotary positions, which transformers'
            EoMT does not have.
    """
    net, loss = model.backbone, LossSettings()
    if getattr(net, "pos_embed", None) is None or not net.no_embed_class or net.reg_token is None:
        raise BadInput(
            f"transformers: its EoMT has no backbone such as {settings.backbone}; valid: a ViT "
            "with register tokens, such as vit_large_patch14_reg4_dinov2"
        )
    state = renamed(model.state_dict(), TABLE, "transformers' EoMT")
    state[_POSITIONS] = state[_POSITIONS].squeeze(0)
    grid = net.patch_embed.grid_size
    return state, {
        "architectures": ["EomtForUniversalSegmentation"],
        "model_type": "eomt",
        "hidden_size": net.embed_dim,
        "num_hidden_layers": len(net.blocks),
        "num_attention_heads": net.blocks[0].attn.num_heads,
        "hidden_act": "gelu",
        "layer_norm_eps": net.norm.eps,
        "image_size": grid[0] * PATCH,
        "patch_size": PATCH,
        "mlp_ratio": net.blocks[0].mlp.fc1.out_features // net.embed_dim,
        "num_upscale_blocks": len(model.upscale),
        "use_swiglu_ffn": False,
        "num_blocks": len(model.shares),
        "num_queries": settings.queries,
        "num_register_tokens": net.num_prefix_tokens - 1,
        "drop_path_rate": settings.drop_path,
        **{theirs: getattr(loss, name) for theirs, name in LOSS.items()},
    }
