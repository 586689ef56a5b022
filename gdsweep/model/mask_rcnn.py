"""Mask R-CNN (He et al., ICCV 2017): torchvision's, the supervised baseline of Tables 3a and 3b."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models import resnet
from torchvision.models.detection import MaskRCNN as TorchvisionMaskRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FrozenBatchNorm2d, boxes, feature_pyramid_network

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model.criterion import Targets
from gdsweep.model.inference import Predictions
from gdsweep.model.network import Network
from gdsweep.model.operators import AUTOMATIC, Operators
from gdsweep.model.timm_net import create, load

_RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")


class MaskRCNN(Network):
    """torchvision's `maskrcnn_resnet50_fpn` at the default sizes, with timm's weights by tag.

    `settings.hidden` is the width of pyramid and mask head (256), `encoder_feedforward` that of the
    box head (1024). Stem and first stage stay fixed unless the weights are random, as torchvision.

    Raises:
        BadInput: another backbone than a ResNet, synchronised normalisation, or weights that
            cannot be had or do not fit.
    """

    class_head = "net.roi_heads.box_predictor.cls_score"
    teachable = False

    def __init__(
        self, settings: ModelSettings, classes: int, operators: Operators = AUTOMATIC
    ) -> None:
        super().__init__()  # without attention, whatever its operators
        body, mean, std = _resnet(settings)
        stages = [body.inplanes // 8 * 2**stage for stage in range(4)]
        width, box_width = settings.hidden, settings.encoder_feedforward
        pyramid = BackboneWithFPN(
            body,
            {f"layer{stage + 1}": str(stage) for stage in range(4)},
            stages,
            width,
            extra_blocks=feature_pyramid_network.LastLevelMaxPool(),
        )
        self.net = TorchvisionMaskRCNN(
            pyramid,
            box_head=TwoMLPHead(width * 7**2, box_width),
            box_predictor=FastRCNNPredictor(box_width, classes + 1),
            mask_head=MaskRCNNHeads(width, (width,) * 4, 1),
            mask_predictor=MaskRCNNPredictor(width, width, classes + 1),
        )
        self.net.transform = _AsItIs(0, 0, mean, std)

    def forward(self, images: Sequence[Tensor], targets: Sequence[Targets]) -> dict[str, Tensor]:
        """torchvision's losses, each a mean over these images' proposals.

        Args:
            images: [3, h, w] each, RGB in 0..255, of any sizes.
            targets: one per image, with masks of its size.

        Returns:
            loss_classifier, loss_box_reg, loss_mask, loss_objectness, loss_rpn_box_reg.
        """
        losses: dict[str, Tensor] = self.net(
            [image.float() / 255 for image in images], [_with_boxes(target) for target in targets]
        )
        return losses

    @torch.no_grad()
    def predict(
        self,
        images: Sequence[Tensor],
        original_sizes: Sequence[tuple[int, int]],
        detections: int = 100,
    ) -> list[Predictions]:
        """Instances of each image, masks at its original size (height, width); needs `eval()`."""
        net = self.net
        net.roi_heads.detections_per_img = detections
        batch, _ = net.transform([image.float() / 255 for image in images])
        features = net.backbone(batch.tensors)
        proposals, _ = net.rpn(batch, features)
        found, _ = net.roi_heads(features, proposals, batch.image_sizes)
        found = net.transform.postprocess(found, batch.image_sizes, list(original_sizes))
        return [
            Predictions(one["labels"] - 1, one["scores"], one["masks"].squeeze(1) > 0.5)
            for one in found
        ]

    def countable(self) -> nn.Module:
        """All but what depends on the content: which proposals, which detections."""
        return _Parts(self.net)


class _AsItIs(GeneralizedRCNNTransform):
    """torchvision's normalisation and padding; `augmentation` has chosen the size already."""

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        return image, target


class _Parts(nn.Module):
    """The network with as many proposals and detections as it is given at test time, at most."""

    PROPOSALS, DETECTIONS = 1000, 100

    def __init__(self, net: TorchvisionMaskRCNN) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: list[Tensor]) -> None:
        features = self.net.backbone(images[0][None])
        self.net.rpn.head(list(features.values()))
        heads, width = self.net.roi_heads, next(iter(features.values())).shape[1]
        heads.box_predictor(heads.box_head(torch.empty(self.PROPOSALS, width, 7, 7)))
        heads.mask_predictor(heads.mask_head(torch.empty(self.DETECTIONS, width, 14, 14)))


def _resnet(settings: ModelSettings) -> tuple[resnet.ResNet, list[float], list[float]]:
    name = settings.backbone.partition(".")[0]
    if name not in _RESNETS:
        raise BadInput(
            f"model.backbone: mask-rcnn takes {', '.join(_RESNETS)}, not {settings.backbone}"
        )
    if settings.norm == "sync":
        raise BadInput("model.norm: mask-rcnn takes frozen (its recipe) or batch, not sync")
    source = create(settings)
    load(source, settings)
    norm = FrozenBatchNorm2d if settings.norm == "frozen" else nn.BatchNorm2d
    body = getattr(resnet, name)(norm_layer=norm)
    # timm names a ResNet's parameters as torchvision does
    body.load_state_dict(source.state_dict(), strict=settings.norm != "frozen")
    fixed = ["conv1", "bn1", "layer1"] if settings.weights != "random" else []
    for key, parameter in body.named_parameters():
        parameter.requires_grad_(
            not settings.freeze_backbone and key.partition(".")[0] not in fixed
        )
    return body, list(source.pretrained_cfg["mean"]), list(source.pretrained_cfg["std"])


def _with_boxes(target: Targets) -> dict[str, Tensor]:
    masks = target.masks
    frames = boxes.masks_to_boxes(masks)
    # its corners are the last pixels inside: a mask of one column has a width of one, not none
    frames[:, 2:] += 1
    return {"boxes": frames, "labels": target.labels + 1, "masks": masks.to(torch.uint8)}
