"""What a grid's data sets hold, counted and shown, before anything is paid for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gdsweep.config import AugmentationSettings, CellSettings, DataFormat, LabelSettings
from gdsweep.data.contact_sheet import contact_sheet
from gdsweep.data.dataset import DatasetSplits, ImageDataset
from gdsweep.data.label_split import label_set
from gdsweep.data.open import open_dataset
from gdsweep.data.readable import Part, check_readable
from gdsweep.data.twins import twin_notes


@dataclass
class DataUse:
    """What the cells of a grid ask of one data set."""

    data: DataFormat
    """The data set."""
    extra: bool = False
    """Whether a student's pool has its extra unlabelled images."""
    labels: list[LabelSettings] = field(default_factory=list)
    """The label splits, each with its seed."""
    views: list[AugmentationSettings] = field(default_factory=list)
    """The augmentations."""


def data_uses(cells: Iterable[CellSettings]) -> list[DataUse]:
    """The data sets of some cells, each once, with what all of them ask of it."""
    found: dict[str, DataUse] = {}
    for cell in cells:
        use = found.setdefault(cell.dataset.name, DataUse(cell.dataset))
        use.extra |= cell.method != "supervised" and cell.labels.extra
        seed = cell.seed if cell.labels.seed is None else cell.labels.seed
        labels = LabelSettings(percent=cell.labels.percent, seed=seed, file=cell.labels.file)
        if labels not in use.labels:
            use.labels.append(labels)
        # what is not seen on a page of training images makes no page of its own
        unseen = ("labelled_strong", "test_short_edge", "test_max_edge")
        defaults = AugmentationSettings()
        view = cell.augmentation.model_copy(update={n: getattr(defaults, n) for n in unseen})
        if view not in use.views:
            use.views.append(view)
    for use in found.values():
        use.labels.sort(key=lambda labels: (labels.percent, labels.seed or 0))
    return list(found.values())


def check_data(use: DataUse, out: Path) -> list[str]:
    """Open a data set, count what is in it, and write its contact sheets into `out`.

    Returns the report, line by line. Raises BadInput for what is wrong with the data set.
    """
    splits = open_dataset(use.data, use.extra)
    sets = {"train": splits.train, "val": splits.val}
    if splits.test is not splits.val:
        sets["test"] = splits.test
    parts = [Part(name, s, range(len(s)), s.size) for name, s in sets.items()]
    if splits.unlabelled is not None:
        parts.append(Part("unlabelled", splits.unlabelled, range(len(splits.unlabelled))))
    check_readable(use.data.name, parts, use.data.pixel_scaling)
    notes = [*splits.notes, *twin_notes(parts)]
    lines = [
        f"{use.data.name} ({use.data.format}, {use.data.source})",
        "",
        *_images(splits, sets),
        "",
    ]
    lines += _instances(sets)
    chosen = [(labels, label_set(splits.train, labels, 0)) for labels in use.labels]
    lines += ["", *_splits(splits.train, chosen)]
    if notes:
        lines += ["", "  noted", *(f"    {note}" for note in notes)]
    lines.append("")
    for path in _sheets(use, splits.train, *chosen[0], out):
        lines.append(f"  look at {path}: are the masks right, do the views show what they should?")
    return lines


def _images(splits: DatasetSplits, sets: dict[str, ImageDataset]) -> list[str]:
    rows = [("images", "", "with instances")]
    for name, images in sets.items():
        told = f"{name} (also what is reported on)" if name == "val" and len(sets) == 2 else name
        rows.append((told, f"{len(images):,}", f"{len(images.trainable()):,}"))
    if splits.unlabelled is not None:
        rows.append(("extra unlabelled", f"{len(splits.unlabelled):,}", ""))
    return _table(rows)


def _instances(sets: dict[str, ImageDataset]) -> list[str]:
    counted = {name: _count(images, range(len(images))) for name, images in sets.items()}
    classes = sets["train"].classes
    rows = [("instances", *sets)]
    for label, name in enumerate(classes):
        rows.append((name, *(f"{counts[label]:,}" for counts in counted.values())))
    rows.append(("all", *(f"{sum(counts.values()):,}" for counts in counted.values())))
    return _table(rows)


def _splits(train: ImageDataset, chosen: Sequence[tuple[LabelSettings, list[int]]]) -> list[str]:
    rows = [("labelled", "seed", "images", "instances", "drawn or read", "classes without any")]
    for labels, indices in chosen:
        counts = _count(train, indices)
        absent = [name for label, name in enumerate(train.classes) if not counts[label]]
        told = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
        listed = labels.file is not None and labels.percent < 100
        rows.append(
            (
                f"{labels.percent:.10g} %",
                str(labels.seed),
                f"{len(indices):,}",
                f"{sum(counts.values()):,}",
                Path(labels.file or "").name if listed else "drawn",
                told or "none",
            )
        )
    return _table(rows, left=(0, 4, 5))


def _count(images: ImageDataset, indices: Iterable[int]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for index in indices:
        counts.update(images.labels_of(index))
    return counts


def _table(rows: Sequence[tuple[str, ...]], left: tuple[int, ...] = (0,)) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for number, row in enumerate(rows):
        cells = [
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        indent = "    " if number else "  "
        cells[0] = cells[0] if number else row[0].ljust(widths[0] + 2)
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def _sheets(
    use: DataUse, train: ImageDataset, labels: LabelSettings, indices: list[int], out: Path
) -> Iterable[Path]:
    """Write a page for each geometry of the grid, its strong views beside each other."""
    groups: dict[str, list[AugmentationSettings]] = {}
    for view in use.views:
        groups.setdefault(view.model_dump_json(exclude={"strong"}), []).append(view)
    out.mkdir(parents=True, exist_ok=True)
    title = (
        f"{use.data.name}: training images, labelled at {labels.percent:.10g} %, seed {labels.seed}"
    )
    for number, views in enumerate(groups.values(), start=1):
        path = out / (f"{use.data.name}.png" if number == 1 else f"{use.data.name}-{number}.png")
        told = f"{title}; {views[0].geometry} to {views[0].crop[0]} x {views[0].crop[1]}"
        contact_sheet(train, indices, views, told).save(path)
        yield path
