"""Others' formats, in and out: Mask2Former, GuidedDistillation, transformers, detectron2.

Our own names of tensors are the pivot: every format is a table from ours to theirs. Nothing here
imports detectron2 or transformers, except `detectron2_bridge` when it is used.
"""

from gdsweep.interop.convert import convert
from gdsweep.interop.open import Opened, open_checkpoint
from gdsweep.interop.weights_file import WeightsFile, read_weights_file

__all__ = ["Opened", "WeightsFile", "convert", "open_checkpoint", "read_weights_file"]
