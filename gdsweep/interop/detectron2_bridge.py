"""gdsweep's model inside detectron2: a registered meta-architecture. Needs detectron2 to import.

`import gdsweep.interop.detectron2_bridge` registers `GdsweepMask2Former`; `configured` makes a
config from a checkpoint, with which DefaultPredictor, COCOEvaluator and DefaultTrainer run it.
"""

from pathlib import Path
from typing import Any

import torch
import yaml
from detectron2.config import CfgNode, configurable, get_cfg
from detectron2.modeling import META_ARCH_REGISTRY
from detectron2.structures import BitMasks, Boxes, Instances, PolygonMasks
from torch import Tensor, nn

from gdsweep.config import LossSettings, ModelSettings
from gdsweep.data import Instances as Targets
from gdsweep.errors import BadInput
from gdsweep.interop.open import open_checkpoint
from gdsweep.model import Criterion, Mask2Former, Normaliser, predict, uniform_points


def add_gdsweep_config(cfg: CfgNode) -> None:
    """Add `MODEL.GDSWEEP` with its defaults to a config of detectron2."""
    cfg.MODEL.GDSWEEP = CfgNode()
    cfg.MODEL.GDSWEEP.CHECKPOINT = ""  # anything `gdsweep.interop` opens
    cfg.MODEL.GDSWEEP.SETTINGS = "{}"  # the model's settings as YAML, where there is no checkpoint
    cfg.MODEL.GDSWEEP.CLASSES = 80
    cfg.MODEL.GDSWEEP.DETECTIONS = 100


def configured(checkpoint: str | Path | None = None) -> CfgNode:
    """detectron2's default config with this model in it, and a checkpoint to start from.

    MODEL.WEIGHTS is empty: it is for checkpoints that detectron2's trainer has written.
    """
    cfg = get_cfg()
    add_gdsweep_config(cfg)
    cfg.MODEL.META_ARCHITECTURE = "GdsweepMask2Former"
    cfg.MODEL.WEIGHTS = ""
    cfg.MODEL.MASK_ON = True
    cfg.INPUT.FORMAT = "RGB"
    cfg.INPUT.MASK_FORMAT = "bitmask"
    cfg.MODEL.GDSWEEP.CHECKPOINT = "" if checkpoint is None else str(checkpoint)
    return cfg


@META_ARCH_REGISTRY.register()
class GdsweepMask2Former(nn.Module):
    """gdsweep's Mask2Former behind detectron2's interface.

    Args:
        network: the model.
        loss: weights of its losses.
        bgr: whether images come as BGR (INPUT.FORMAT).
        detections: instances kept per image.
    """

    @configurable
    def __init__(self, *, network: Mask2Former, loss: LossSettings, bgr: bool, detections: int):
        super().__init__()
        self.network = network
        self.loss = loss
        self.bgr = bgr
        self.detections = detections
        self.queries = network.transformer_decoder.query_features.num_embeddings
        classes = network.transformer_decoder.class_head.out_features - 1
        self.criterion = Criterion(classes, loss)

    @classmethod
    def from_config(cls, cfg: CfgNode) -> dict[str, Any]:
        """Arguments from `MODEL.GDSWEEP`. Raises BadInput where they make no model."""
        ours = cfg.MODEL.GDSWEEP
        loss = LossSettings()
        if ours.CHECKPOINT:
            opened = open_checkpoint(Path(ours.CHECKPOINT))
            network = opened.model()
            loss = opened.run.settings.loss if opened.run else loss
        else:
            network = Mask2Former(
                ModelSettings.model_validate(yaml.safe_load(ours.SETTINGS)), ours.CLASSES
            )
        if not isinstance(network, Mask2Former):
            raise BadInput(f"MODEL.GDSWEEP.CHECKPOINT: {ours.CHECKPOINT}: no Mask2Former")
        return {
            "network": network.to(cfg.MODEL.DEVICE),
            "loss": loss,
            "bgr": cfg.INPUT.FORMAT == "BGR",
            "detections": ours.DETECTIONS,
        }

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.parameters()).device

    def forward(self, batched_inputs: list[dict[str, Any]]) -> Any:
        """detectron2's list of dicts to losses (training) or a list of `{"instances": ...}`."""
        images = [self._rgb(item["image"]) for item in batched_inputs]
        outputs = self.network(images, auxiliary=self.training)
        if self.training:
            targets = [self._targets(item["instances"]) for item in batched_inputs]
            counts = [len(target) for target in targets]
            normaliser = Normaliser.of(counts, self.queries, self.loss.no_object)
            draw = uniform_points(self.device)
            return self.criterion(outputs, targets, normaliser, draw)
        wanted = [
            (item.get("height", size[0]), item.get("width", size[1]))
            for item, size in zip(batched_inputs, outputs.sizes, strict=True)
        ]
        found = predict(outputs, outputs.sizes, wanted, self.detections)
        return [{"instances": _instances(p.labels, p.scores, p.masks)} for p in found]

    def _rgb(self, image: Tensor) -> Tensor:
        image = image.to(self.device)
        return image.flip(0) if self.bgr else image

    def _targets(self, instances: Instances) -> Targets:
        masks = instances.gt_masks
        if isinstance(masks, PolygonMasks):
            masks = BitMasks.from_polygon_masks(masks, *instances.image_size)
        tensor = masks.tensor if isinstance(masks, BitMasks) else torch.as_tensor(masks)
        labels = instances.gt_classes.to(self.device)
        return Targets(labels.long(), tensor.to(self.device).bool())


def _instances(labels: Tensor, scores: Tensor, masks: Tensor) -> Instances:
    found = Instances((masks.shape[-2], masks.shape[-1]))
    found.pred_masks = masks
    found.pred_boxes = Boxes(BitMasks(masks.cpu()).get_bounding_boxes().tensor.to(masks.device))
    found.scores = scores
    found.pred_classes = labels
    return found
