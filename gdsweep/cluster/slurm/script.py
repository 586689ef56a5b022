"""What sbatch is given: a script that prepares the node, and starts a task for every GPU."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import submitit
from submitit.core.utils import DelayedSubmission

from gdsweep.cluster.slurm.arrays import Piece
from gdsweep.cluster.slurm.in_job import advance
from gdsweep.cluster.slurm.ledger import Ledger, Submission
from gdsweep.cluster.slurm.profile import Profile

# submitit looks for a pickle of the job's own id: all elements of an array have the same one
NAME_PICKLE = """\
JOB=${{SLURM_ARRAY_JOB_ID:+${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID}}
JOB=${{JOB:-$SLURM_JOB_ID}}
rm -f {folder}/${{JOB}}_begun
for TRY in 1 2 3 4 5; do
  [ -e {folder}/${{JOB}}_submitted.pkl ] && break
  cp {folder}/advance.pkl {folder}/$JOB.tmp && mv {folder}/$JOB.tmp {folder}/${{JOB}}_submitted.pkl
  sleep 0.2
done"""

# a profile's line that fails need not be the end, but it is to be seen in the job's output
TELL_FAILURES = "trap 'echo \"gdsweep: setup failed (exit $?): $BASH_COMMAND\" >&2' ERR"


def write_script(
    piece: Piece,
    submission: Submission,
    ledger: Ledger,
    profile: Profile,
    exclude: Sequence[str] = (),
) -> Path:
    """Write what sbatch takes: submitit's script, and the pickle of what the job does.

    The record of the submission is written before; `exclude` are nodes not to be used.
    """
    record = ledger.write(submission)
    executor = _executor(piece, submission, record.parent, profile, exclude)
    if len(piece.runs) > 1:
        executor.parameters["map_count"] = len(piece.runs)
    what = DelayedSubmission(advance, str(record))
    what.set_timeout(submission.minutes, 3)
    what.dump(record.with_name("advance.pkl"))
    script = record.with_name("job.sh")
    text = executor._make_submission_file_text(executor._submitit_command_str, "")
    script.write_text(text, encoding="utf-8")
    return script


def _executor(
    piece: Piece, submission: Submission, folder: Path, profile: Profile, exclude: Sequence[str]
) -> submitit.SlurmExecutor:
    resources = piece.runs[0].config.settings.resources
    nodes, tasks, gpus = profile.shape(resources)
    # until Python has its handlers, a notice must not kill it
    python = f'bash -c \'trap "" USR2; exec "$@"\' - {shlex.quote(sys.executable)}'
    executor = submitit.SlurmExecutor(folder=folder, python=python)
    name = piece.runs[0].name if len(piece.runs) == 1 else _grid_name(submission.grids)
    options = {"requeue": True, **profile.extra_options()}
    if submission.dependency:
        options["kill-on-invalid-dep"] = "yes"
    if profile.cluster:
        options["clusters"] = profile.cluster
    chosen: dict[str, object] = {
        "partition": profile.partition,
        "account": profile.account,
        "qos": profile.qos,
        "constraint": profile.constraint,
        "exclude": ",".join(exclude) or None,
        "mem": profile.memory,
        "gpus_per_node": gpus if gpus and not profile.gres else None,
        "gres": f"{profile.gres}:{gpus}" if gpus and profile.gres else None,
        "dependency": submission.dependency,
        "array_parallelism": piece.at_once or len(piece.runs),
    }
    # the profile's word is the stronger one, and sbatch heeds the last it reads
    chosen = {key: v for key, v in chosen.items() if key.replace("_", "-") not in options}
    quoted = shlex.quote(submission.code)
    executor.update_parameters(
        job_name=f"{name}.{submission.id}",
        comment=profile.comment(submission.id),
        time=submission.minutes,
        nodes=nodes,
        ntasks_per_node=tasks,
        cpus_per_task=resources.cpus,
        signal_delay_s=submission.signal_seconds,
        stderr_to_stdout=True,
        setup=[
            "export GDSWEEP_STARTED=$(date +%s)",
            NAME_PICKLE.format(folder=shlex.quote(str(folder))),
            TELL_FAILURES,
            *profile.setup,
            "trap - ERR",
            f"export PYTHONPATH={quoted}${{PYTHONPATH:+:$PYTHONPATH}}",
            f"cd {quoted}",
        ],
        srun_args=["--kill-on-bad-exit=1", f"--cpus-per-task={resources.cpus}"],
        additional_parameters=options,
        **{key: value for key, value in chosen.items() if value is not None},
    )
    return executor


def _grid_name(grids: Sequence[str]) -> str:
    return Path(grids[0]).stem if grids else "gdsweep"
