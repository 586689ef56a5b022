"""A cluster in a few lines: where jobs go and what they need there. No grid names a partition."""

import os
import socket
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from pydantic import Field

from gdsweep.config import ResourceSettings
from gdsweep.config.base import Settings
from gdsweep.config.paths import expanded
from gdsweep.errors import BadInput
from gdsweep.grid.messages import find_fault
from gdsweep.grid.names import PRESETS
from gdsweep.grid.yaml_lines import read_yaml
from gdsweep.plan.request import Request

VARIABLE = "GDSWEEP_CLUSTER"
"""Environment variable that names a profile, or a profile's file."""

RESERVED = frozenset(
    {
        "array", "chdir", "clusters", "dependency", "error", "export", "job-name",
        "kill-on-invalid-dep", "no-requeue", "nodes", "ntasks", "ntasks-per-node", "open-mode",
        "output", "parsable", "requeue", "signal", "time", "wait", "wrap",
    }
)  # fmt: skip
"""Options of sbatch that no profile may set: jobs would be lost, doubled or cut off."""

_SHIPPED = (PRESETS / "clusters").resolve()


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
    gpu_memory: float | None = Field(None, gt=0)
    """GiB of a GPU's memory: a run whose share of a batch does not fit forwards it in parts."""
    hours: float | None = Field(None, gt=0)
    """Longest job allowed; a longer run is continued by requeueing."""
    memory: str | None = None
    """Memory of a node, as sbatch's --mem: `480G`."""
    setup: tuple[str, ...] = ()
    """Shell lines before the trainer starts: `module load cuda/12.4`."""
    store: str | None = None
    """Folder of runs that all nodes see; --store is stronger."""
    gres: str | None = None
    """GPUs as the cluster's --gres has them, in place of --gpus-per-node: `gpu`, `gpu:a100`."""
    cluster: str | None = None
    """Cluster that jobs go to, as --clusters has it, where a login node serves several."""
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Any other sbatch option by its long name: `mail-type: END,FAIL`, `exclusive: true`.

    A comment goes behind the id by which gdsweep knows its jobs."""
    signal_seconds: int = Field(120, ge=10)
    """Seconds before the time limit at which a job is told to save."""
    timeouts: int = Field(100, ge=0)
    """Time limits a job may run into before it counts as failed; preemptions are not counted."""
    restarts: int = Field(2, ge=1)
    """Restarts in a row that saved nothing before a job counts as stuck."""
    silence_minutes: float = Field(30, gt=0)
    """Minutes without a sign of life (a step, a batch of an evaluation) that end an attempt."""
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
        """Time limit of one job. Raises BadInput where the notice would leave nothing of it."""
        hours = min(resources.hours, self.hours or resources.hours)
        minutes = max(1, round(hours * 60))
        if self.signal_seconds >= minutes * 60:
            raise BadInput(
                f"{self.name}: signal_seconds ({self.signal_seconds}) must be less than the time "
                f"limit ({minutes} min, from hours of the profile or resources.hours of the grid)"
            )
        return minutes

    def said(self) -> tuple[str, ...]:
        """The options of sbatch that this profile decides, by long name."""
        own = [
            name for name in ("partition", "account", "qos", "constraint") if getattr(self, name)
        ]
        return (*own, *(["clusters"] if self.cluster else []), *map(_long_name, self.options))

    def extra_options(self) -> dict[str, str | int | float | bool]:
        """`options` by long name; those that are false are left out, and so is the comment."""
        named = {_long_name(name): value for name, value in self.options.items()}
        return {name: v for name, v in named.items() if v is not False and name != "comment"}

    def comment(self, submission: str) -> str:
        """The comment of a job: the submission's id, then the words of the profile, if any."""
        words = {_long_name(name): value for name, value in self.options.items()}.get("comment")
        return submission if words is None else f"{submission} {words}"


def choose_profile(named: str | None, folders: Sequence[Path] | None = None) -> Profile:
    """The profile named by flag, else by $GDSWEEP_CLUSTER, else by host name, else defaults.

    A name is looked up as a file, then in ./clusters, ~/.config/gdsweep/clusters and this code's
    clusters/. SLURM's commands speak to the profile's cluster from here on. Raises BadInput.
    """
    profile = _choose(named, folders)
    if profile.cluster:
        os.environ["SLURM_CLUSTERS"] = profile.cluster
    return profile


def _choose(named: str | None, folders: Sequence[Path] | None) -> Profile:
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


def with_profile_store(request: Request, profile: Profile) -> Request:
    """The request in the cluster profile's store, unless another was asked for."""
    if request.folder is None and profile.store and request.mode != "smoke":
        return request.within(Path(expanded(profile.store)))
    return request


def read_profile(path: Path) -> Profile:
    """One profile, read as grids are. Raises BadInput with file, line and key."""
    document = read_yaml(path)
    fault = find_fault(Profile, document.value)
    if fault is not None:
        document.fail(*fault)
    for name in document.value.get("options") or {}:
        if _long_name(name) in RESERVED:
            document.fail(
                ("options", name), "decided by the launch itself; other options of sbatch may stand"
            )
    return Profile.model_validate({"name": path.stem, **document.value})


def _long_name(option: str) -> str:
    return option.lstrip("-").replace("_", "-")


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
