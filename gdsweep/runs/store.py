"""The folder of all runs: making them, and adding to what is wanted from them."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from gdsweep import atomic
from gdsweep.config import RunConfig
from gdsweep.errors import BadInput
from gdsweep.runs import lock
from gdsweep.runs.identity import namesake_pattern
from gdsweep.runs.layout import RunDir
from gdsweep.runs.records import Wanted
from gdsweep.runs.state import read_wanted

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml's where PyYAML has it: a thousand runs are written in seconds."""


class Store:
    """A folder of run directories, shared by all grids and all launches."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._runs: dict[str, RunDir] = {}

    def run(self, name: str) -> RunDir:
        """The run directory of that name, whether or not it exists."""
        run = self._runs.get(name)
        if run is None:  # a plan asks for each of its thousands of runs a dozen times
            run = self._runs[name] = RunDir(self.root / name)
        return run

    def names(self) -> set[str]:
        """What lies in it: runs, and whatever else; nothing where there is no store yet.

        Raises BadInput where it cannot be read.
        """
        try:
            return set(os.listdir(self.root))
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise BadInput(
                f"{self.root}: the store cannot be read ({error.strerror}); "
                "name a folder with --store"
            ) from None

    def namesakes(self, name: str) -> list[RunDir]:
        """What has the words of a run's name and any identity, by name; see `run_name`."""
        return [RunDir(path) for path in sorted(self.root.glob(namesake_pattern(name)))]

    @property
    def miniatures(self) -> Path:
        """Folder of the small data sets that `--smoke` trains on; absolute."""
        return self.root.resolve() / "data"

    @property
    def data_statistics(self) -> Path:
        """Record of what data sets held, see `runs.data_statistics`."""
        return self.root / "data-statistics.json"

    def check_writable(self) -> None:
        """Make the store's folder if need be. Raises BadInput where it cannot be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise BadInput(
                f"{self.root}: the store cannot be written ({error.strerror}); "
                "name a folder you can write with --store"
            ) from None

    def create(self, config: RunConfig, identity: dict[str, Any]) -> RunDir:
        """Make the run's directory, whole or not at all.

        An existing one keeps what it has, but is told where to execute and to find its data now:
        paths and resources are no part of an identity. Raises OSError (a full disk) with nothing
        left behind, BadInput where something else has the name.
        """
        run = self.run(config.run)
        content = yaml.dump(
            config.model_dump(mode="json"), Dumper=_Dumper, sort_keys=False, allow_unicode=True
        )
        if run.config.exists():
            if run.config.read_text(encoding="utf-8") != content and not lock.is_held(run.lock):
                read_config(run)  # a damaged one is told, not repaired silently
                atomic.write_text(run.config, content)
            return run
        temporary = Path(tempfile.mkdtemp(dir=self.root, prefix=f".{config.run}."))
        try:
            os.chmod(temporary, 0o777 & ~atomic.umask())
            draft = RunDir(temporary)
            for folder in draft.folders:
                folder.mkdir()
            draft.config.write_text(content, encoding="utf-8")
            draft.identity.write_text(json.dumps(identity, indent=1, sort_keys=True) + "\n")
            os.rename(temporary, run.path)
        except OSError:
            shutil.rmtree(temporary, ignore_errors=True)
            # another launch was quicker: its directory is the same by identity
            if not run.config.exists():
                if run.path.exists():
                    raise BadInput(
                        f"{run.path}: not a run directory (config.yaml is missing); move it away"
                    ) from None
                raise
        return run

    def want(self, run: RunDir, wanted: Wanted, only: bool = False) -> Wanted:
        """Add to what is wanted from a run, or let all else go; returns all that is wanted now."""
        with lock.hold(self.root / ".lock", wait=True):
            total = wanted if only else read_wanted(run).merged(wanted)
            if total != read_wanted(run):
                atomic.write_json(run.wanted, total.model_dump(mode="json"))
        return total


def read_config(run: RunDir) -> RunConfig:
    """The run's configuration. Raises BadInput where there is none or it is not valid."""
    try:
        return RunConfig.model_validate(yaml.safe_load(run.config.read_text()))
    except FileNotFoundError:
        raise BadInput(f"{run.path}: no run directory (config.yaml is missing)") from None
    except (yaml.YAMLError, ValueError) as error:
        first = str(error).splitlines()
        raise BadInput(f"{run.config}: not a valid run configuration: {' '.join(first)}") from None
