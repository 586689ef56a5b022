"""Writing metrics.json and TensorBoard events."""

import json
import math
import os
import warnings
from pathlib import Path
from types import TracebackType

from gdsweep.runs import RunDir


class MetricsWriter:
    """Appends one JSON object a line, and the same numbers as TensorBoard scalars.

    Keys are detectron2's: `iteration`, `total_loss`, `lr`, `time`, `data_time` (seconds a step),
    `eta_seconds`, `segm/AP` (percent, student on the validation images). Of a student also, means
    since the last line: `pseudo/per_image`, `pseudo/score`, `pseudo/size`; with class-adaptive
    thresholds their mean, `pseudo/threshold`; with ignore regions `pseudo/ignored`, predictions of
    middling confidence per image. `pseudo/precision` and its like: see `label_quality`.
    """

    def __init__(self, run: RunDir, enabled: bool = True) -> None:
        """Open the files, unless another process of the run is the one to write (`enabled`)."""
        self._enabled = enabled
        if not enabled:
            return
        # a killed attempt may have left half a line: begin on a new one
        half = _ends_in_half_a_line(run.metrics)
        self._file = open(run.metrics, "a", encoding="utf-8", buffering=1)  # noqa: SIM115
        if half:
            self._file.write("\n")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tensorboard's own deprecation notices at import
            from torch.utils.tensorboard import SummaryWriter
        self._events = SummaryWriter(str(run.path), flush_secs=30)

    def write(self, iteration: int, values: dict[str, float]) -> None:
        """Add one line; values that are not finite are written as null, as JSON demands."""
        if not self._enabled:
            return
        line = {k: v if math.isfinite(v) else None for k, v in values.items()}
        self._file.write(json.dumps({"iteration": iteration, **line}) + "\n")
        for key, value in values.items():
            self._events.add_scalar(key, value, iteration)

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._enabled:
            return
        self._file.close()
        self._events.close()


def _ends_in_half_a_line(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except FileNotFoundError:
        return False
