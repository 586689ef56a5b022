"""Weights & Biases' offline runs, which `wandb sync` uploads from wherever there is a network."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gdsweep.export.tracked import TrackedRun
from gdsweep.export.trackers import environment


def write(runs: Sequence[TrackedRun], folder: Path, home: Path) -> None:
    """The files of one offline run each; project and group are the grid, the id is the run's name.

    Tables are HTML beside their CSV: a wandb.Table is an artifact, whose parts wandb stages outside
    the run's folder, so that it could not be synchronised from another machine.
    """
    with environment(WANDB_ERROR_REPORTING="false", WANDB_SILENT="true"):
        for run in runs:
            _write(run, folder)


def _write(run: TrackedRun, folder: Path) -> None:
    import wandb

    settings = wandb.Settings(
        console="off",
        disable_git=True,
        disable_job_creation=True,
        save_code=False,
        # the machine that exports is not the one that trained
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
        x_start_time=run.started or None,
    )
    draft = wandb.init(
        mode="offline",
        id=re.sub(r"[:;,#?/']", "_", run.name),
        name=run.name,
        project=re.sub(r"[/\\#?%:]", "_", run.group)[:128],
        group=run.group,
        tags=[run.tags["grid"]],
        config={**run.settings, **{f"gdsweep.{key}": value for key, value in run.tags.items()}},
        dir=str(folder),
        settings=settings,
    )
    for iteration, values in run.curves:
        draft.log(values, step=iteration)
    draft.summary.update(run.scores)
    shown: dict[str, Any] = {
        f"pictures/{path.stem}": wandb.Image(str(path)) for path in run.pictures
    }
    for name, table in run.tables.items():
        shown[f"tables/{name}"] = wandb.Html(_preformatted(table.text))
        place = Path(draft.dir) / f"{name}.csv"
        place.write_text(table.csv, encoding="utf-8")
        draft.save(str(place), base_path=draft.dir, policy="end")
    if shown:
        draft.log(shown)
    made = Path(draft.dir).parent
    draft.finish()
    for part in (*made.glob("*.wandb"), made / "files"):
        shutil.move(part, folder)
    shutil.rmtree(folder / "wandb")  # logs of wandb itself


def _preformatted(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<!DOCTYPE html><meta charset="utf-8"><pre>{escaped}</pre>'
