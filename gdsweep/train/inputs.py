"""The files that a run is trained on: refused where they are no longer what they were, recorded."""

from pathlib import Path

from gdsweep.config import RunConfig, read_label_list
from gdsweep.config.digests import Stamp, file_digest, stamp_of
from gdsweep.config.paths import expanded
from gdsweep.data import DatasetSplits
from gdsweep.errors import TrainingFailed
from gdsweep.grid.given_weights import given_weights
from gdsweep.grid.trajectory import BY_CONTENT
from gdsweep.runs import (
    DatasetRecord,
    FilesRecord,
    RunDir,
    read_dataset_record,
    read_identity,
    write_dataset_record,
)


def check_inputs(run: RunDir, config: RunConfig, splits: DatasetSplits) -> None:
    """Demand the annotations, label list and weights that the run was planned and begun with.

    Raises:
        TrainingFailed: this run, or a run it builds on, began with other annotations; or the list
            of `labels.file` or weights that the grid names are not those that it was planned with.
    """
    _same_label_list(run, config)
    _same_weights(run, config)
    same_annotations(run, config, splits)


def same_annotations(run: RunDir, config: RunConfig, splits: DatasetSplits) -> None:
    """Demand the annotations that this run, and those it builds on, began with.

    Raises:
        TrainingFailed: they are others.
    """
    references = (config.parent, config.teacher, config.initial)
    relatives = [ref.run for ref in references if ref is not None]
    for name in (run.name, *relatives):
        record = read_dataset_record(run.sibling(name))
        changed = record.differing(splits.fingerprint) if record is not None else []
        if changed:
            raise TrainingFailed(
                f"{', '.join(changed)}: other annotations than {name} was trained on; give the "
                "changed data set a new name in the grid",
                cause="parent",
            )


def record_inputs(
    run: RunDir,
    config: RunConfig,
    stamps: dict[str, Stamp],
    splits: DatasetSplits,
    labelled_sha256: str,
) -> None:
    """Write what the run is trained on, where it is not recorded in full.

    Args:
        run: the run.
        config: its configuration, for the other files that it names.
        stamps: of its annotation files, made before they were read.
        splits: what was read.
        labelled_sha256: digest of the labelled images' names.
    """
    before = read_dataset_record(run)
    files = {name: FilesRecord.of(stamp) for name, stamp in stamps.items()}
    if before is not None and all(
        name in before.files and (before.files[name].mark or files[name].mark is None)
        for name in files
    ):
        return
    record = DatasetRecord(
        fingerprint=splits.fingerprint,
        labelled_sha256=labelled_sha256,
        files=files,
        given=_given_files(config),
    )
    write_dataset_record(run, record)


def _given_files(config: RunConfig) -> dict[str, FilesRecord]:
    """The label list and the weights that a run reads, by their settings."""
    labels, given = config.settings.labels, {}
    if labels.file is not None:
        path = Path(expanded(labels.file))
        given["labels.file"] = FilesRecord.of(stamp_of({"": path}), file_digest(path))
    if config.parent is None and config.initial is None:
        for weights in given_weights(config.settings, config.objective):
            stamp = stamp_of({path.name: path for path in weights.files})
            given[weights.setting] = FilesRecord.of(stamp, weights.sha256)
    return given


def _same_label_list(run: RunDir, config: RunConfig) -> None:
    listed = read_label_list(config.settings.labels, config.settings.seed)
    if listed is None:
        return
    planned = read_identity(run).get("labels", {}).get("list")
    if planned != listed.sha256:
        raise TrainingFailed(
            f"{listed.where}: another list than {run.name} was planned with; restore the file, or "
            "launch the grid again",
            cause="parent",
        )


def _same_weights(run: RunDir, config: RunConfig) -> None:
    if config.parent is not None or config.initial is not None:
        return  # it starts from what another run has trained
    given = given_weights(config.settings, config.objective)
    identity = read_identity(run) if given else {}
    planned = {
        "model.weights": identity.get("model", {}).get("weights"),
        "model.init": identity.get("model", {}).get("init"),
        "distillation.teacher.init": (identity.get("teacher") or {}).get("init"),
    }
    for weights in given:
        if weights.once_by_place and identity.get("version", 1) < BY_CONTENT:
            continue  # no digest of it was planned
        if planned[weights.setting] not in (None, weights.digest):
            raise TrainingFailed(
                f"{weights.setting}: {weights.path}: other weights than {run.name} was planned "
                "with; restore them, or launch the grid again",
                cause="parent",
            )
