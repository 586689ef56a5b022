"""What it reads: data sets, label splits, weak and strong views, and endless batches of them."""

from gdsweep.data.augment import WeakView, resize_for_test
from gdsweep.data.dataset import DatasetSplits, ImageDataset, Images, JoinedImages
from gdsweep.data.instances import Instances
from gdsweep.data.label_split import (
    label_set,
    labelled_images,
    labelled_indices,
    unlabelled_indices,
)
from gdsweep.data.loader import LabelledView, Sample, UnlabelledView, batches
from gdsweep.data.open import open_dataset
from gdsweep.data.readable import Part, check_readable
from gdsweep.data.sampler import RepeatFactorSampler, Sampler, UniformSampler, repeat_factors
from gdsweep.data.strong_view import StrongView
from gdsweep.data.twins import twin_notes

__all__ = [
    "DatasetSplits",
    "ImageDataset",
    "Images",
    "Instances",
    "JoinedImages",
    "LabelledView",
    "Part",
    "RepeatFactorSampler",
    "Sample",
    "Sampler",
    "StrongView",
    "UniformSampler",
    "UnlabelledView",
    "WeakView",
    "batches",
    "check_readable",
    "label_set",
    "labelled_images",
    "labelled_indices",
    "open_dataset",
    "repeat_factors",
    "resize_for_test",
    "twin_notes",
    "unlabelled_indices",
]
