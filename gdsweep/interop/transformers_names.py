"""What Hugging Face transformers calls our tensors, in files and in memory.

Files have kept the names of the first release (the hub's `mask2former-*` folders, and what
`save_pretrained` writes); in memory transformers 5 renamed Swin. Both are read; files are written.
"""

from gdsweep.interop.names import Table

_B = "model.pixel_level_module.encoder"
_P = "model.pixel_level_module.decoder"
_T = "model.transformer_module"
_D = f"{_T}.decoder"

HEAD: Table = (
    ("pixel_decoder.level_embed", f"{_P}.level_embed"),
    ("pixel_decoder.input_proj.*", f"{_P}.input_projections.*"),
    ("pixel_decoder.layers.{a}.attention.*", f"{_P}.encoder.layers.{{a}}.self_attn.*"),
    ("pixel_decoder.layers.{a}.norm1.*", f"{_P}.encoder.layers.{{a}}.self_attn_layer_norm.*"),
    ("pixel_decoder.layers.{a}.norm2.*", f"{_P}.encoder.layers.{{a}}.final_layer_norm.*"),
    ("pixel_decoder.layers.{a}.linear{b}.*", f"{_P}.encoder.layers.{{a}}.fc{{b}}.*"),
    ("pixel_decoder.lateral.*", f"{_P}.adapter_1.*"),
    ("pixel_decoder.output.*", f"{_P}.layer_1.*"),
    ("pixel_decoder.mask_features.*", f"{_P}.mask_projection.*"),
    ("transformer_decoder.query_features.weight", f"{_T}.queries_features.weight"),
    ("transformer_decoder.query_positions.weight", f"{_T}.queries_embedder.weight"),
    ("transformer_decoder.level_embed.weight", f"{_T}.level_embed.weight"),
    ("transformer_decoder.norm.*", f"{_D}.layernorm.*"),
    ("transformer_decoder.class_head.*", "class_predictor.*"),
    ("transformer_decoder.mask_head.0.*", f"{_D}.mask_predictor.mask_embedder.0.0.*"),
    ("transformer_decoder.mask_head.2.*", f"{_D}.mask_predictor.mask_embedder.1.0.*"),
    ("transformer_decoder.mask_head.4.*", f"{_D}.mask_predictor.mask_embedder.2.0.*"),
    (
        "transformer_decoder.layers.{a}.cross_attention.in_proj.*",
        f"{_D}.layers.{{a}}.cross_attn.in_proj_*",
    ),
    ("transformer_decoder.layers.{a}.cross_attention.*", f"{_D}.layers.{{a}}.cross_attn.*"),
    (
        "transformer_decoder.layers.{a}.self_attention.in_proj.*",
        f"{_D}.layers.{{a}}.self_attn.{{q|k|v}}_proj.*",
    ),
    ("transformer_decoder.layers.{a}.self_attention.*", f"{_D}.layers.{{a}}.self_attn.*"),
    ("transformer_decoder.layers.{a}.norm1.*", f"{_D}.layers.{{a}}.cross_attn_layer_norm.*"),
    ("transformer_decoder.layers.{a}.norm2.*", f"{_D}.layers.{{a}}.self_attn_layer_norm.*"),
    ("transformer_decoder.layers.{a}.norm3.*", f"{_D}.layers.{{a}}.final_layer_norm.*"),
    ("transformer_decoder.layers.{a}.linear{b}.*", f"{_D}.layers.{{a}}.fc{{b}}.*"),
)

_RESNET_LAYER = f"{_B}.encoder.stages.{{a-1}}.layers.{{b}}"
RESNET: Table = (
    ("backbone.net.conv1.weight", f"{_B}.embedder.embedder.convolution.weight"),
    ("backbone.net.bn1.*", f"{_B}.embedder.embedder.normalization.*"),
    (
        "backbone.net.layer{a}.{b}.conv{c}.*",
        f"{_RESNET_LAYER}.layer.{{c-1}}.convolution.*",
    ),
    (
        "backbone.net.layer{a}.{b}.bn{c}.*",
        f"{_RESNET_LAYER}.layer.{{c-1}}.normalization.*",
    ),
    (
        "backbone.net.layer{a}.{b}.downsample.0.weight",
        f"{_RESNET_LAYER}.shortcut.convolution.weight",
    ),
    (
        "backbone.net.layer{a}.{b}.downsample.1.*",
        f"{_RESNET_LAYER}.shortcut.normalization.*",
    ),
)

_OURS, _BLOCK = "backbone.net.layers_{a}.blocks.{b}", "encoder.layers.{a}.blocks.{b}"
_SWIN_NORM = ("backbone.norms.{a}.*", f"{_B}.hidden_states_norms.stage{{a+1}}.*")
SWIN: Table = (
    ("backbone.net.patch_embed.proj.*", f"{_B}.embeddings.patch_embeddings.projection.*"),
    ("backbone.net.patch_embed.norm.*", f"{_B}.embeddings.norm.*"),
    (f"{_OURS}.norm1.*", f"{_B}.{_BLOCK}.layernorm_before.*"),
    (f"{_OURS}.norm2.*", f"{_B}.{_BLOCK}.layernorm_after.*"),
    (f"{_OURS}.mlp.fc1.*", f"{_B}.{_BLOCK}.intermediate.dense.*"),
    (f"{_OURS}.mlp.fc2.*", f"{_B}.{_BLOCK}.output.dense.*"),
    (f"{_OURS}.attn.qkv.*", f"{_B}.{_BLOCK}.attention.self.{{query|key|value}}.*"),
    (f"{_OURS}.attn.proj.*", f"{_B}.{_BLOCK}.attention.output.dense.*"),
    (f"{_OURS}.attn.relative_*", f"{_B}.{_BLOCK}.attention.self.relative_*"),
    ("backbone.net.layers_{a}.downsample.*", f"{_B}.encoder.layers.{{a-1}}.downsample.*"),
    _SWIN_NORM,
)
SWIN_IN_MEMORY: Table = (
    ("backbone.net.patch_embed.proj.*", f"{_B}.swin.embeddings.patch_embeddings.projection.*"),
    ("backbone.net.patch_embed.norm.*", f"{_B}.swin.embeddings.norm.*"),
    (f"{_OURS}.norm1.*", f"{_B}.swin.{_BLOCK}.layernorm_before.*"),
    (f"{_OURS}.norm2.*", f"{_B}.swin.{_BLOCK}.layernorm_after.*"),
    (f"{_OURS}.mlp.*", f"{_B}.swin.{_BLOCK}.mlp.*"),
    (f"{_OURS}.attn.qkv.*", f"{_B}.swin.{_BLOCK}.attention.{{q|k|v}}_proj.*"),
    (f"{_OURS}.attn.proj.*", f"{_B}.swin.{_BLOCK}.attention.o_proj.*"),
    (
        f"{_OURS}.attn.relative_*",
        f"{_B}.swin.{_BLOCK}.attention.relative_position_bias.relative_*",
    ),
    ("backbone.net.layers_{a}.downsample.*", f"{_B}.swin.encoder.layers.{{a-1}}.downsample.*"),
    _SWIN_NORM,
)

LOSS = {
    "no_object_weight": "no_object",
    "class_weight": "lambda_c",
    "mask_weight": "lambda_ce",
    "dice_weight": "lambda_d",
    "train_num_points": "points",
    "oversample_ratio": "oversample",
    "importance_sample_ratio": "importance",
}
"""Settings of the loss in a config.json of Mask2Former or EoMT, to ours in `LossSettings`."""

DROPPED = (
    ("criterion.empty_weight", "a constant of the loss"),
    ("*.relative_position_index", "follows from the window size"),
    (f"{_B}.swin.layernorm.*", "never used: each stage has a norm of its own"),
    (f"{_B}.layernorm.*", "never used: each stage has a norm of its own"),
    ("*.num_batches_tracked", "no part of what is computed"),
)
"""Tensors that hold nothing learnt, and why each may go."""
