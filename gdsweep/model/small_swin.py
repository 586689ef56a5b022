"""`swin_test`: a Swin of 0.3 M parameters, as timm's own `test_resnet` and `test_vit`."""

from typing import Any

from timm.models import build_model_with_cfg, register_model
from timm.models.swin_transformer import SwinTransformer

default_cfgs = {"swin_test": {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}}


@register_model
def swin_test(pretrained: bool = False, **options: Any) -> Any:
    """Two blocks at stride 8, so that windows are shifted, and one at each other stride."""
    sizes = {"window_size": 4, "embed_dim": 16, "depths": (1, 2, 1, 1), "num_heads": (1, 2, 2, 4)}
    return build_model_with_cfg(
        SwinTransformer,
        "swin_test",
        pretrained,
        feature_cfg={"flatten_sequential": True, "out_indices": (0, 1, 2, 3)},
        **{**sizes, **options},
    )
