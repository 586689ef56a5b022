"""What exists: run directories, their records, and the state they are in.

The only room that knows file names. Nothing here imports torch.
"""

from gdsweep.runs.attempts import attempts_of, last_attempt, next_number, write_attempt
from gdsweep.runs.checkpoints import (
    CheckpointFile,
    checkpoint_file,
    newest_checkpoint,
    read_best,
    settled,
    sign_of,
)
from gdsweep.runs.dataset_record import (
    DatasetRecord,
    FilesRecord,
    read_dataset_record,
    stamps_of,
    write_dataset_record,
)
from gdsweep.runs.identity import identity_digest, is_named_by, read_identity, run_name
from gdsweep.runs.initial_weights import is_run, weights_digest, weights_files
from gdsweep.runs.layout import RunDir
from gdsweep.runs.metrics import read_metrics
from gdsweep.runs.records import Attempt, Best, Complexity, Missing, Score, ScoreRef, Wanted
from gdsweep.runs.state import RunState, missing, read_state, read_wanted, reopen, unbegun
from gdsweep.runs.store import Store, read_config

__all__ = [
    "Attempt",
    "Best",
    "CheckpointFile",
    "Complexity",
    "DatasetRecord",
    "FilesRecord",
    "Missing",
    "RunDir",
    "RunState",
    "Score",
    "ScoreRef",
    "Store",
    "Wanted",
    "attempts_of",
    "checkpoint_file",
    "identity_digest",
    "is_named_by",
    "is_run",
    "last_attempt",
    "missing",
    "newest_checkpoint",
    "next_number",
    "read_best",
    "read_config",
    "read_dataset_record",
    "read_identity",
    "read_metrics",
    "read_state",
    "read_wanted",
    "reopen",
    "run_name",
    "settled",
    "sign_of",
    "stamps_of",
    "unbegun",
    "weights_digest",
    "weights_files",
    "write_attempt",
    "write_dataset_record",
]
