"""What Hugging Face transformers calls an EoMT's tensors (`EomtForUniversalSegmentation`)."""

from gdsweep.interop.names import Table

HEAD: Table = (
    ("queries.weight", "query.weight"),
    ("mask_share", "attn_mask_probs"),
    ("upscale.{a}.enlarge.*", "upscale_block.block.{a}.conv1.*"),
    ("upscale.{a}.smooth.*", "upscale_block.block.{a}.conv2.*"),
    ("upscale.{a}.norm.*", "upscale_block.block.{a}.layernorm2d.*"),
    ("classifier.*", "class_predictor.*"),
    ("mask_head.0.*", "mask_head.fc1.*"),
    ("mask_head.2.*", "mask_head.fc2.*"),
    ("mask_head.4.*", "mask_head.fc3.*"),
    ("backbone.norm.*", "layernorm.*"),
)

_BLOCK, _LAYER = "backbone.blocks.{a}", "layers.{a}"
VIT: Table = (
    ("backbone.cls_token", "embeddings.cls_token"),
    ("backbone.reg_token", "embeddings.register_tokens"),
    ("backbone.pos_embed", "embeddings.position_embeddings.weight"),
    ("backbone.patch_embed.proj.*", "embeddings.patch_embeddings.projection.*"),
    (f"{_BLOCK}.norm{{b}}.*", f"{_LAYER}.norm{{b}}.*"),
    (f"{_BLOCK}.attn.qkv.*", f"{_LAYER}.attention.{{q|k|v}}_proj.*"),
    (f"{_BLOCK}.attn.proj.*", f"{_LAYER}.attention.out_proj.*"),
    (f"{_BLOCK}.ls{{b}}.gamma", f"{_LAYER}.layer_scale{{b}}.lambda1"),
    (f"{_BLOCK}.mlp.fc{{b}}.*", f"{_LAYER}.mlp.fc{{b}}.*"),
)

DROPPED = (("criterion.empty_weight", "a constant of the loss"),)
"""Tensors that hold nothing learnt, and why each may go."""
