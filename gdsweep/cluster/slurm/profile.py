"""A cluster in a few lines: where jobs go and what they need there. No grid names a partition."""

import os
import socket
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from gdsweep.config import ResourceSettings
from gdsweep.config.base import Settings
from gdsweep.errors import BadInput

VARIABLE = "GDSWEEP_CLUSTER"
"""Environment variable that names a profile, or a profile's file."""

_SHIPPED = Path(__file__).resolve().parents[3] / "clusters"


class Profile(Settings):
    """`clusters/NAME.yaml`: everything that differs from cluster to cluster."""

    name: str = "default"
    """The file's stem."""
    hosts: tuple[str, ...] = ()
    """Login nodes that choose this profile by themselves: `login*.cluster.example`."""
    partition: str | None = None
    """Partition; None is the cluster's default."""
    account: str | None = None
    """Account that pays."""
    qos: str | None = None
    """Quality of service."""
    constraint: str | None = None
    """Features a node must have: `a100-80gb`."""
    exclude: tuple[str, ...] = ()
    """Nodes never to be used."""
    gpus_per_node: int | None = Field(None, ge=1)
    """GPUs of a node here; a run's processes are spread over as many nodes as they need."""
    hours: float | None = Field(None, gt=0)
    """Longest job allowed; a longer run is continued by requeueing."""
    memory: str | None = None
    """Memory of a node, as sbatch's --mem: `480G`."""
    setup: tuple[str, ...] = ()
    """Shell lines before the trainer starts: `module load cuda/12.4`."""
    store: str | None = None
    """Folder of runs that all nodes see; --store is stronger."""
    options: dict[str, str] = Field(default_factory=dict)
    """Any other sbatch option by its long name: `exclusive: user`."""
    signal_seconds: int = Field(120, ge=10)
    """Seconds before the time limit at which a job is told to save."""
    timeouts: int = Field(100, ge=0)
    """Time limits a job may run into before it counts as failed; preemptions are not counted."""
    restarts: int = Field(2, ge=1)
    """Restarts in a row that saved nothing before a job counts as stuck."""
    max_submit: int | None = Field(None, ge=1)
    """Jobs one may have submitted (QOS MaxSubmitJobs); array elements count singly."""

    def shape(self, resources: ResourceSettings) -> tuple[int, int, int]:
        """Nodes, tasks per node and GPUs per node of a run's job: one task per GPU, or one task."""
        if resources.gpus == 0 or resources.device == "cpu":
            return 1, 1, 0
        total = resources.nodes * resources.gpus
        each = min(self.gpus_per_node or resources.gpus, total)
        if total % each:
            raise BadInput(
                f"{self.name}: {total} GPUs cannot be shared out to nodes of {each} "
                "(gpus_per_node of the cluster's profile)"
            )
        return total // each, each, each

    def minutes(self, resources: ResourceSettings) -> int:
        """Time limit of one job."""
        hours = min(resources.hours, self.hours or resources.hours)
        return max(1, round(hours * 60))


def choose_profile(named: str | None, folders: Sequence[Path] | None = None) -> Profile:
    """The profile named by flag, else by $GDSWEEP_CLUSTER, else by host name, else defaults.

    A name is looked up as a file, then in ./clusters, ~/.config/gdsweep/clusters and this code's
    clusters/. Raises BadInput.
    """
    folders = folders or [Path("clusters"), _user_folder(), _SHIPPED]
    wanted = named or os.environ.get(VARIABLE)
    if wanted:
        return read_profile(_find(wanted, folders))
    hosts = (socket.gethostname(), socket.getfqdn())
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            profile = read_profile(path)
            if any(fnmatch(host, pattern) for pattern in profile.hosts for host in hosts):
                return profile
    return Profile()


def read_profile(path: Path) -> Profile:
    """One profile. Raises BadInput with the file and the key."""
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: not readable ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise BadInput(f"{path}: a cluster profile is keys and values, such as partition: gpu")
    try:
        return Profile.model_validate({"name": path.stem, **content})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        known = ", ".join(name for name in Profile.model_fields if name != "name")
        valid = f"; keys are {known}" if first["type"] == "extra_forbidden" else ""
        raise BadInput(f"{path}: {where}: {first['msg']}{valid}") from None


def _find(name: str, folders: Sequence[Path]) -> Path:
    if name.endswith((".yaml", ".yml")) or os.sep in name:
        return Path(name).expanduser()
    for folder in folders:
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    known = sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})
    raise BadInput(
        f"{name}: no such cluster profile in {', '.join(map(str, folders))}; "
        f"there are: {', '.join(known) or 'none'}"
    )


def _user_folder() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(config).expanduser() / "gdsweep" / "clusters"
