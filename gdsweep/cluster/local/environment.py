"""What a child process inherits of the user's environment, and what it must not."""

import os
from collections.abc import Mapping

_RENDEZVOUS = (
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE",
    "ROLE_NAME", "ROLE_RANK", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
)  # fmt: skip
_RENDEZVOUS_PREFIXES = ("TORCHELASTIC_", "PET_")


def without_rendezvous(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment (default: ours) without the names by which other processes would meet.

    An sbatch script, torchrun and Kubernetes leave them behind: a trainer that is alone would wait
    for processes that never come.
    """
    environment = os.environ if environment is None else environment
    return {
        name: value
        for name, value in environment.items()
        if name not in _RENDEZVOUS and not name.startswith(_RENDEZVOUS_PREFIXES)
    }
