"""Running SLURM's commands: what they inherit, how long they may take, when to ask again."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from gdsweep.cluster.local.environment import without_rendezvous
from gdsweep.errors import BadInput

TRANSIENT = (
    "Socket timed out", "Unable to contact slurm controller", "Resource temporarily unavailable",
    "Zero Bytes were transmitted", "Connection refused", "Connection reset", "Connection timed out",
    "Slurm backup controller in standby mode", "error receiving", "Transport endpoint",
    "Rate limit", "Unable to confirm allocation", "Communication connection failure",
    "Invalid authentication credential", "Slurm temporarily unable to accept job",
)  # fmt: skip
"""What SLURM's commands say when it is worth asking again."""

PATIENCE = 180.0
"""Seconds in which one question must be answered, all tries together."""
ONE_TRY = 40.0
"""Seconds one try may take; SLURM's own commands give up after some 10 to 30."""

_SITE = frozenset({"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS"})
"""Variables that name the cluster: every command needs the same ones."""
_ALLOCATION = ("SLURM_", "SLURMD_", "SRUN_")
"""Prefixes of what an allocation sets for the processes in it."""
_DEFAULTS = ("SQUEUE_", "SACCT_", "SCANCEL_", "SCONTROL_", "SINFO_")
"""Prefixes of a user's defaults for looking by hand: they hide jobs, or ask questions."""

WHERE_AND_WHO_PAYS = {
    "SBATCH_ACCOUNT": "account",
    "SBATCH_CLUSTERS": "clusters",
    "SBATCH_CONSTRAINT": "constraint",
    "SBATCH_PARTITION": "partition",
    "SBATCH_QOS": "qos",
    "SBATCH_RESERVATION": "reservation",
    "SBATCH_WCKEY": "wckey",
}
"""Variables of sbatch that a job heeds, with the option each stands for; a profile is stronger."""


def query_environment() -> dict[str, str]:
    """What a question inherits: which cluster, and nothing that hides or formats answers."""
    return {
        name: value
        for name, value in without_rendezvous().items()
        if name in _SITE or not name.startswith((*_ALLOCATION, *_DEFAULTS, "SBATCH_"))
    }


def submission_environment(said: Sequence[str] = ()) -> dict[str, str]:
    """What sbatch, and with it the job, inherits.

    An allocation the launch itself runs in is not the job's. sbatch's variables are stronger than a
    script: of them only those of `WHERE_AND_WHO_PAYS` pass, unless the script has `said` the
    option.
    """
    allowed = {
        name: os.environ[name]
        for name, option in WHERE_AND_WHO_PAYS.items()
        if name in os.environ and option not in said
    }
    return query_environment() | allowed


def ask(
    command: Sequence[str],
    *,
    patience: float = PATIENCE,
    environment: Mapping[str, str] | None = None,
    alone: bool = False,
) -> str:
    """Output of one of SLURM's commands, asked again while SLURM is away.

    Raises BadInput where it refuses, or has not answered after `patience` seconds in all; what is
    waited for is told on the terminal. `alone`: in a session of its own, which outlives us.
    """
    end = time.monotonic() + patience
    pause = 1.0
    while True:
        code, out, said = run(command, min(ONE_TRY, patience), environment, alone)
        if code == 0:
            return out
        left = end - time.monotonic()
        if not is_transient(said) or pause >= left:
            raise BadInput(f"{command[0]}: {said or f'exit code {code}'}")
        tell(f"{command[0]}: {said}; asking again for up to {max(left, 1):.0f} s")
        time.sleep(pause)
        pause = min(2 * pause, 30.0)


def run(
    command: Sequence[str],
    seconds: float,
    environment: Mapping[str, str] | None = None,
    alone: bool = False,
) -> tuple[int, str, str]:
    """Exit code, output and the words on stderr of one try, in one line.

    A try beyond `seconds` is ended and reads like SLURM's own time-out. Raises BadInput where the
    command is not there.
    """
    try:
        done = subprocess.run(
            command,
            env=dict(environment) if environment is not None else query_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            start_new_session=alone,
        )
    except FileNotFoundError:
        raise BadInput(f"{command[0]}: not on the PATH; is this a SLURM login node?") from None
    except OSError as error:
        raise BadInput(f"{command[0]}: cannot be run ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        return 124, "", f"Socket timed out (no answer in {seconds:.0f} s)"
    if done.returncode == 0:
        return 0, done.stdout, ""
    return done.returncode, done.stdout, " ".join(done.stderr.split())


def is_transient(said: str) -> bool:
    """Whether an error message of SLURM's is of the kind that passes."""
    return any(words.lower() in said.lower() for words in TRANSIENT)


def tell(line: str) -> None:
    """Say what is waited for."""
    print(line, file=sys.stderr, flush=True)


def available() -> bool:
    """Whether this machine can submit to a SLURM."""
    return shutil.which("sbatch") is not None


def configured() -> bool:
    """Whether the SLURM on the PATH belongs to a cluster: its commands come without one, too."""
    if shutil.which("scontrol") is None:
        return True  # a site that hides it; squeue and sbatch will tell
    _, _, said = run(["scontrol", "ping"], ONE_TRY)
    return "configuration source" not in said
