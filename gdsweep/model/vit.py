"""Plain vision transformers of timm: which names are one, and how one is made."""

from typing import Any

import timm

from gdsweep.config import ModelSettings
from gdsweep.model.timm_net import create, load

_FAMILY = ("timm.models.vision_transformer", "timm.models.deit", "timm.models.eva")


def is_vit(name: str) -> bool:
    """Whether timm's `name` is a plain vision transformer: ViT, DINOv2, DeiT, DINOv3 and such."""
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        return False
    return timm.models.model_entrypoint(architecture).__module__ in _FAMILY


def create_vit(settings: ModelSettings, **options: Any) -> Any:
    """timm's transformer for images of any whole number of patches, fixed where settings say so.

    Tables of positions are interpolated by timm to the patches there are (bicubic, with
    antialiasing); rotary positions (DINOv3) are computed for them. Class, register and storage
    tokens stand before the patches' (`num_prefix_tokens`).

    Args:
        settings: name, weights, stochastic depth, and whether the transformer is fixed.
        options: further arguments of timm's constructor.

    Raises:
        BadInput: an unknown name, or weights that cannot be had or do not fit.
    """
    net = create(settings, dynamic_img_size=True, **options)
    load(net, settings)
    net.requires_grad_(not settings.freeze_backbone)
    return net
