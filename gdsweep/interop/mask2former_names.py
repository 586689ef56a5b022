"""What the official Mask2Former, and GuidedDistillation with it, call our tensors."""

from gdsweep.interop.names import Table

_P = "sem_seg_head.pixel_decoder"
_T = "sem_seg_head.predictor"

HEAD: Table = (
    ("pixel_decoder.level_embed", f"{_P}.transformer.level_embed"),
    ("pixel_decoder.input_proj.*", f"{_P}.input_proj.*"),
    ("pixel_decoder.layers.{a}.attention.*", f"{_P}.transformer.encoder.layers.{{a}}.self_attn.*"),
    ("pixel_decoder.layers.*", f"{_P}.transformer.encoder.layers.*"),
    ("pixel_decoder.lateral.0.*", f"{_P}.adapter_1.*"),
    ("pixel_decoder.lateral.1.*", f"{_P}.adapter_1.norm.*"),
    ("pixel_decoder.output.0.*", f"{_P}.layer_1.*"),
    ("pixel_decoder.output.1.*", f"{_P}.layer_1.norm.*"),
    ("pixel_decoder.mask_features.*", f"{_P}.mask_features.*"),
    ("transformer_decoder.query_features.weight", f"{_T}.query_feat.weight"),
    ("transformer_decoder.query_positions.weight", f"{_T}.query_embed.weight"),
    ("transformer_decoder.level_embed.weight", f"{_T}.level_embed.weight"),
    ("transformer_decoder.norm.*", f"{_T}.decoder_norm.*"),
    ("transformer_decoder.class_head.*", f"{_T}.class_embed.*"),
    ("transformer_decoder.mask_head.0.*", f"{_T}.mask_embed.layers.0.*"),
    ("transformer_decoder.mask_head.2.*", f"{_T}.mask_embed.layers.1.*"),
    ("transformer_decoder.mask_head.4.*", f"{_T}.mask_embed.layers.2.*"),
    (
        "transformer_decoder.layers.{a}.cross_attention.in_proj.*",
        f"{_T}.transformer_cross_attention_layers.{{a}}.multihead_attn.in_proj_*",
    ),
    (
        "transformer_decoder.layers.{a}.cross_attention.*",
        f"{_T}.transformer_cross_attention_layers.{{a}}.multihead_attn.*",
    ),
    (
        "transformer_decoder.layers.{a}.norm1.*",
        f"{_T}.transformer_cross_attention_layers.{{a}}.norm.*",
    ),
    (
        "transformer_decoder.layers.{a}.self_attention.in_proj.*",
        f"{_T}.transformer_self_attention_layers.{{a}}.self_attn.in_proj_*",
    ),
    (
        "transformer_decoder.layers.{a}.self_attention.*",
        f"{_T}.transformer_self_attention_layers.{{a}}.self_attn.*",
    ),
    (
        "transformer_decoder.layers.{a}.norm2.*",
        f"{_T}.transformer_self_attention_layers.{{a}}.norm.*",
    ),
    ("transformer_decoder.layers.{a}.norm3.*", f"{_T}.transformer_ffn_layers.{{a}}.norm.*"),
    ("transformer_decoder.layers.{a}.*", f"{_T}.transformer_ffn_layers.{{a}}.*"),
)

RESNET: Table = (
    ("backbone.net.conv1.weight", "backbone.stem.conv1.weight"),
    ("backbone.net.bn1.*", "backbone.stem.conv1.norm.*"),
    ("backbone.net.layer{a}.{b}.conv{c}.*", "backbone.res{a+1}.{b}.conv{c}.*"),
    ("backbone.net.layer{a}.{b}.bn{c}.*", "backbone.res{a+1}.{b}.conv{c}.norm.*"),
    ("backbone.net.layer{a}.{b}.downsample.0.weight", "backbone.res{a+1}.{b}.shortcut.weight"),
    ("backbone.net.layer{a}.{b}.downsample.1.*", "backbone.res{a+1}.{b}.shortcut.norm.*"),
)

SWIN: Table = (
    ("backbone.net.patch_embed.*", "backbone.patch_embed.*"),
    ("backbone.net.layers_{a}.blocks.*", "backbone.layers.{a}.blocks.*"),
    # a stage of timm's begins with the merging that ended the stage before
    ("backbone.net.layers_{a}.downsample.*", "backbone.layers.{a-1}.downsample.*"),
    ("backbone.norms.{a}.*", "backbone.norm{a}.*"),
)

VIT: Table = (
    # GuidedDistillation's DINOv2 and DeiT: the hub's network, and a 1x1 convolution per stride
    ("backbone.net.*", "backbone.model.*"),
    ("backbone.adapters.*", "backbone.convs.*"),
)

DROPPED = (
    ("criterion.empty_weight", "a constant of the loss"),
    ("pixel_mean", "a constant of the backbone"),
    ("pixel_std", "a constant of the backbone"),
    ("*.relative_position_index", "follows from the window size"),
    ("*.num_batches_tracked", "no part of what is computed"),
    ("backbone.model.mask_token", "used in pre-training only"),
    ("backbone.model.head.*", "the classifier of the pre-training"),
)
"""Tensors that hold nothing learnt, and why each may go."""
