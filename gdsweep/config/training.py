"""Settings of how it is trained: optimiser, schedule, batch, distillation, evaluation."""

from typing import Literal

from pydantic import Field

from gdsweep.config.base import Settings
from gdsweep.config.tiles import Tiling


class OptimizerSettings(Settings):
    """AdamW and what surrounds its step (sec. 4.1, "Hyper-parameters")."""

    algorithm: Literal["adamw", "sgd"] = "adamw"
    """AdamW; `sgd` (with momentum, coupled weight decay) is for the Mask R-CNN baseline."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """`sgd`: momentum."""
    lr: float = Field(1e-4, gt=0)
    """Base learning rate."""
    weight_decay: float = Field(0.05, ge=0)
    """Decoupled weight decay; none on normalisation layers, embeddings and position tables."""
    backbone_multiplier: float = Field(0.1, ge=0)
    """Factor on the backbone's learning rate."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Factor of the rate from one block of a plain vision transformer to the block before it: the
    last has the backbone's rate, and what lies before the first has the first's (1 in paper and
    code; 0.8 in EoMT's). Other backbones are unaffected."""
    clip_norm: float | None = Field(0.01, gt=0)
    """L2 norm to which the whole model's gradient is clipped; None clips nothing."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp16"
    """Autocast type; fp16 with loss scaling is the public code's, on CUDA only."""
    tf32: Literal["convolutions", "all", "none"] = "convolutions"
    """Where float32 is multiplied in TF32 on CUDA, with 10 bits of the fraction: `convolutions` is
    PyTorch's default (paper and code); `all` adds matrix products, among them a float32 teacher's.
    """
    average: float | None = Field(None, gt=0, lt=1)
    """EMA decay of an averaged copy kept beside *supervised* training; None (paper and code)
    keeps none. A distilled run's averaged copy is its teacher, see `distillation.alpha`."""


class ScheduleSettings(Settings):
    """Learning rate against iteration."""

    iterations: int = Field(368_750, ge=1)
    """The horizon: optimisation steps of the whole path, the burn-in included (368k COCO, 90k
    Cityscapes)."""
    kind: Literal["multistep", "poly", "constant"] = "multistep"
    """`multistep` (COCO) or `poly` (Cityscapes)."""
    drops: tuple[float, ...] = (0.888889, 0.962962)
    """`multistep`: where the rate drops, as fractions of the horizon."""
    gamma: float = Field(0.1, gt=0, le=1)
    """`multistep`: factor of each drop."""
    power: float = Field(0.9, gt=0)
    """`poly`: (1 - t / horizon) ** power."""
    warmup: int = Field(0, ge=0)
    """Iterations of linear warm-up from zero (none in the paper)."""


class BatchSettings(Settings):
    """Images per optimisation step over all processes; never depends on the number of GPUs."""

    labelled: int = Field(16, ge=1)
    """|B| of eq. (2)."""
    unlabelled: int = Field(16, ge=1)
    """Unlabelled images per step of a student (on top of the labelled ones, as the public code)."""
    micro: int | None = Field(None, ge=1)
    """Images of one kind that a process forwards at once, the rest of its share being accumulated;
    None forwards the whole share. Changes rounding only, except under `model.norm: sync | batch`,
    whose statistics are those of what is forwarded together."""


class TeacherNetworkSettings(Settings):
    """Network of the supervised run that teaches, where it is not the student's."""

    backbone: str | None = None
    """A backbone as `backbone` names it, with its preset's settings; None (paper and code) is the
    student's own. Students of several backbones then share one teacher (CAST, arXiv 2505.21904). It
    teaches while it is fixed: through all of `fixed-teacher`, and through the burn-in of `guided`,
    after which the student's own moving average takes over (Table 1, "T <- S")."""


class TeacherSettings(Settings):
    """Which weights of the supervised path guide the burn-in."""

    at: int | Literal["best", "final"] = "best"
    """An iteration, the best checkpoint on the validation images (the paper's early stopping), or
    the last one."""
    network: Literal["student", "teacher"] = "student"
    """The trained network itself, or its averaged copy (needs `optimizer.average`)."""
    of: TeacherNetworkSettings = TeacherNetworkSettings()
    """Which network it is, where it is not the student's."""
    init: str | None = None
    """Trained weights of others that guide the burn-in, as `model.init`: there is no supervised run
    then. They must be for the data set's classes."""


class DistillationSettings(Settings):
    """The teacher-student stages (sec. 3)."""

    lambda_u: float = Field(2.0, ge=0)
    """lambda_u of eq. (4): weight of the loss on pseudo-labels."""
    alpha_c: float = Field(0.7, ge=0, lt=1)
    """alpha_C: a pseudo-label's class probability must exceed it (strictly, as in the code)."""
    alpha_s: float = Field(5.0, ge=0)
    """alpha_S: a pseudo-label's soft mask area must exceed it (strictly), counted in cells of the
    stride-4 mask, as in the code; the paper's formula sums over the image."""
    alpha: float = Field(0.9996, ge=0, lt=1)
    """alpha of eq. (5): decay of the teacher's moving average."""
    burn_in: int = Field(50_000, ge=1)
    """Iterations with a fixed teacher before the teacher becomes the student's average (Table 2).
    Without a burn-in choose `method: no-burn-in`."""
    teacher: TeacherSettings = TeacherSettings()
    """Which weights of the supervised path teach during the burn-in."""
    student_init: Literal["own", "as-teacher"] = "as-teacher"
    """Random numbers that a guided student's untrained parts start from: its `own`, or those of the
    supervised run that taught it. In the public code, which is not seeded, they are its own, and
    the data sets' presets say so; `as-teacher` starts both from one head."""
    suppress_overlap: float | None = Field(None, gt=0, le=1)
    """Drop a pseudo-label of which more than this share of the smaller mask is covered by a more
    confident one; None (paper and code) drops none."""
    alpha_m: float | None = Field(None, ge=0.5, lt=1)
    """Mask-quality threshold: the mean mask probability inside a pseudo-label's mask (Mask2Former's
    mask score, above one half by construction) must exceed it; None (paper and code) asks nothing
    of a mask but its size."""
    teacher_precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Autocast type of the teacher's forward passes; float32 is the public code's. Whatever half
    precision changes about the labels is counted in every step that is logged: `pseudo/flicker`."""
    adaptive: float | None = Field(None, ge=0, lt=1)
    """Class-adaptive thresholds: decay of a running mean of the teacher's confidence in each class,
    to which alpha_C is scaled (FreeMatch, see `train.class_thresholds`). None (paper and code):
    alpha_C is every class' threshold."""
    ignore_above: float | None = Field(None, ge=0, lt=1)
    """A teacher's prediction whose class probability exceeds this but not its class' threshold is
    no pseudo-label, and an unmatched query of the student that lies mostly on such predictions is
    not told "no object" either. Below `alpha_c`; None (paper and code) ignores nothing."""

    label_weights: Literal["equal", "quality"] = "equal"
    """Factor of a pseudo-label's class and mask losses: 1 (`equal`, paper and code), or its class
    probability times its mask quality (see `alpha_m`), so that thresholds can be low (`quality`).
    After PAIS (ICCV 2023), whose weights are other functions of these two scores. What the losses
    are divided by stays the number of labels; unmatched queries are "no object" as ever."""
    fine_tune: int = Field(0, ge=0)
    """Iterations of a last, supervised stage on the labelled images alone (CAST, arXiv 2505.21904,
    stage 3), over which the learning rate's schedule runs anew, its warm-up included. It starts
    from the checkpoint that the cell would report without it, with new optimiser moments, and the
    cell reports the stage's checkpoint, by the same rule. 0 (paper and code) has no such stage."""
    fine_tune_lr: float | None = Field(None, gt=0)
    """Base learning rate of that stage; None has `optimizer.lr`."""


class EvaluationSettings(Settings):
    """When and how checkpoints are scored. One rule for every method of a grid."""

    period: int = Field(5000, ge=1)
    """Iterations between evaluations on the validation images; the last iteration is one too."""
    select: Literal["best", "final"] = "best"
    """Which checkpoint a cell reports: the one with the best validation AP, or the last."""
    network: Literal["student", "teacher"] = "student"
    """Which network a cell reports; the public code scores the student only. Both are scored."""
    detections: int = Field(100, ge=1)
    """Instances kept per image (of each tile of it): the (query, class) pairs of highest score."""
    tiles: tuple[int, int] | None = None
    """Height and width, in pixels of the image, of the overlapping tiles in which larger images are
    predicted. A tile is tested as an image of its size is, so that objects are as large as in
    training; see `evaluate.tiles` for how predictions are merged. None (paper and code) sees every
    image whole."""
    tile_overlap: int = Field(32, ge=1)
    """Pixels that neighbouring tiles share at least: objects up to this wide are whole in a tile,
    larger ones are put together from their parts."""
    pseudo_labels: int = Field(0, ge=0)
    """At every evaluation, the teacher's pseudo-labels on so many training images without labels
    are compared with these images' hidden annotations, and their precision and coverage are
    logged; those of four are kept, and `collect.py --pseudo-labels` draws them. Nothing else
    depends on it. 0 compares none."""

    @property
    def tiling(self) -> Tiling | None:
        """The tiles; raises BadInput where they cannot overlap so."""
        return None if self.tiles is None else Tiling(self.tiles, self.tile_overlap)


class ResourceSettings(Settings):
    """Where a run executes. Nothing here can change the weights; it is not part of an identity."""

    nodes: int = Field(1, ge=1)
    """Machines."""
    gpus: int = Field(8, ge=0)
    """GPUs per machine; a machine with fewer accumulates gradients to the same global batch."""
    cpus: int = Field(10, ge=1)
    """CPU cores per process, and threads of a process that computes on the CPU."""
    hours: float = Field(72.0, gt=0)
    """Time limit of one job."""
    workers: int = Field(4, ge=0)
    """Loader processes per training process; 0 loads in the training process."""
    device: Literal["auto", "cuda", "cpu"] = "auto"
    """`auto`: CUDA where there is one and `gpus` is not 0."""
    attention: Literal["auto", "xformers", "sdpa"] = "auto"
    """`auto`: xformers' memory-efficient attention on CUDA where installed, else PyTorch's."""
    deformable_attention: Literal["auto", "triton", "pytorch"] = "auto"
    """What samples in the pixel decoder. `auto`: Triton's kernels on CUDA where Triton is installed
    (their gradients are added in any order), else PyTorch's `embedding_bag`."""
    deterministic: bool = False
    """On CUDA, PyTorch's deterministic algorithms and operators with a fixed order of additions, so
    that a repeated or resumed run is equal bit for bit; slower. On a CPU it always is."""
    compile: bool = False
    """Compile the backbone (of a ViT each block) with `torch.compile`: minutes at the start of an
    attempt, fewer passes over memory in every step. Rounding differs."""
    cudnn_benchmark: bool = False
    """On CUDA, let cuDNN time its algorithms at each new size of an image and take the fastest."""
    channels_last: bool = False
    """On CUDA, keep convolutions' weights and maps channel by channel at each pixel."""
    activation_checkpointing: bool = False
    """Keep no activations inside the blocks of a ViT, Swin or ConvNeXt for the backward pass, and
    compute them again there: less memory for a second forward pass, the same gradients. Backbones
    with batch normalisation that is trained refuse it: its statistics would count images twice."""
    checkpoint_period: int = Field(1000, ge=1)
    """Iterations between complete checkpoints to resume from."""
    log_period: int = Field(20, ge=1)
    """Iterations between lines of metrics.json."""
