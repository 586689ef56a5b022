"""A trainer without training: `python fake_trainer.py RUN_DIR` honours the real one's contract.

FAKE (JSON, by run name; "" is any other run) says how a run behaves:
    seconds   of one iteration
    fail_at   iteration at which it fails with a message in its log
    die_at    iteration at which it kills itself with SIGKILL
    bad_input message of input that is refused
    crash     words of a failure before any record is written
    busy      file: made, and the run said to be held by another launch, unless it exists
    hold      [iteration, path, ...]: goes on from there once the files exist, or when stopped
    slow_save seconds that saving takes once it was asked to stop
    deaf      iteration at which its first attempt hears and says nothing more (a long evaluation,
              a frozen process)
    grow      milestone that another launch wants just after its first attempt has delivered
FAKE_LEDGER is a file that gets one line `run iteration pid` per iteration, and `run start pid`.
"""

import json
import math
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from gdsweep import atomic
from gdsweep.errors import BAD_INPUT, BUSY, DONE, FAILED, STOPPED
from gdsweep.runs import Attempt, RunDir, Score, Store, Wanted, lock
from gdsweep.runs.attempts import last_attempt
from gdsweep.runs.causes import loss_not_finite
from gdsweep.runs.state import missing, read_wanted
from gdsweep.runs.store import read_config


class Fake:
    """One attempt at one run."""

    def __init__(self, path: Path) -> None:
        self.run = RunDir(path)
        behaviours = json.loads(os.environ.get("FAKE", "{}"))
        self.behaviour: dict[str, Any] = behaviours.get(path.name, behaviours.get("", {}))
        self.stopping = False
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGUSR2, self._stop)
        signal.signal(signal.SIGINT, self._interrupted)
        # whoever started us may have held back what came before we could listen
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGUSR2, signal.SIGINT))

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _interrupted(self, *_: object) -> None:
        self.tell("SIGINT")  # never to happen: the launcher's terminal is not ours
        os._exit(99)

    def tell(self, what: object) -> None:
        """One line of the ledger."""
        with open(os.environ["FAKE_LEDGER"], "a") as ledger:
            ledger.write(f"{self.run.name} {what} {os.getpid()}\n")

    def main(self) -> int:
        """Deliver everything wanted."""
        if os.environ.get("RANK", "0") != "0":
            return DONE  # torchrun's other workers have nothing to fake
        if "crash" in self.behaviour:
            sys.exit(self.behaviour["crash"])
        if "busy" in self.behaviour and not Path(self.behaviour["busy"]).exists():
            Path(self.behaviour["busy"]).touch()
            self.tell("busy")
            return BUSY
        try:
            with lock.hold(self.run.lock):
                return self.attempt()
        except lock.Held:
            return BUSY

    def attempt(self) -> int:
        """One attempt, recorded."""
        before = last_attempt(self.run)
        self.record = Attempt(
            number=before.number + 1 if before else 1,
            started=time.time(),
            process={
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "job": os.environ.get("GDSWEEP_JOB"),
            },
        )
        self.write_record()
        self.tell("start")
        self.tell(f"gpus={os.environ.get('CUDA_VISIBLE_DEVICES', '')}")
        self.tell(f"threads={os.environ['OMP_NUM_THREADS']}")
        print(f"attempt {self.record.number} of {self.run.name}", flush=True)
        self.config = read_config(self.run)
        for ref in (self.config.parent, self.config.teacher):
            if ref is not None and not self.there(ref.run, ref.at):
                return self.fail(f"{ref.run}@{ref.at} is not there", "parent")
        if "bad_input" in self.behaviour:
            self.fail(self.behaviour["bad_input"], "input")
            return BAD_INPUT
        while missing(self.run, wanted := read_wanted(self.run)):
            code = self.advance()
            if code != DONE:
                return code
        atomic.write_text(self.run.done, wanted.model_dump_json(indent=1) + "\n")
        self.write_record(outcome="done", ended=time.time())
        if "grow" in self.behaviour and self.record.number == 1:
            store = Store(self.run.path.parent)
            store.want(self.run, Wanted(milestones=(self.behaviour["grow"],)))
        return DONE

    def there(self, name: str, at: int | str) -> bool:
        """Whether a checkpoint of a sibling is on disk."""
        other = self.run.sibling(name)
        if at == "best":
            return other.best.exists()
        return other.state(max(other.states(), default=0) if at == "final" else int(at)).exists()

    def advance(self) -> int:
        """Train to what is wanted and score it."""
        wanted = read_wanted(self.run)
        first = self.config.parent.at if self.config.parent else 0
        stop = self.config.settings.schedule.iterations if wanted.best else wanted.stop
        period = self.config.settings.resources.checkpoint_period
        gone = missing(self.run, wanted).milestones
        below = min(gone, default=stop + 1)
        begin = max((n for n in self.run.states() if n < below), default=first)
        for iteration in range(begin + 1, stop + 1):
            self.iterate(iteration)
            if iteration % period == 0 or iteration in wanted.milestones or iteration == stop:
                self.run.state(iteration).write_bytes(b"")
            if iteration == self.behaviour.get("fail_at"):
                failure = loss_not_finite(math.nan, [f"train/{iteration}.jpg"])
                return self.fail(str(failure), failure.cause)
            if iteration == self.behaviour.get("die_at"):
                os.kill(os.getpid(), signal.SIGKILL)
            if self.stopping:
                time.sleep(self.behaviour.get("slow_save", 0))
                self.run.state(iteration).write_bytes(b"")
                self.write_record(outcome="stopped", ended=time.time(), last_iteration=iteration)
                return STOPPED
        if wanted.best:
            atomic.write_json(self.run.best, {})
        for ref in wanted.scores:
            score = Score(
                ref=ref, iteration=stop, metrics=dict.fromkeys(ref.metrics), images=1, instances=1,
                predictions=None,
            )  # fmt: skip
            atomic.write_json(self.run.score(ref), score.model_dump(mode="json"))
        return DONE

    def iterate(self, iteration: int) -> None:
        """One iteration: a line of the ledger, now and then one of the metrics."""
        seconds = self.behaviour.get("seconds", 0.002)
        time.sleep(seconds)
        at, *paths = self.behaviour.get("hold", [None])
        while iteration == at and not self.stopping and not all(map(os.path.exists, paths)):
            time.sleep(0.02)
        self.tell(iteration)
        if iteration == self.behaviour.get("deaf") and self.record.number == 1:
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            time.sleep(600)
        if iteration % self.config.settings.resources.log_period == 0:
            line = {"iteration": iteration, "total_loss": 9 / iteration, "time": seconds or 0.001}
            if iteration % 10 == 0:
                line["segm/AP"] = float(iteration)
            with open(self.run.metrics, "a") as metrics:
                metrics.write(json.dumps(line) + "\n")

    def fail(self, message: str, cause: str) -> int:
        """Record a failure and say it in the log."""
        number = self.run.log.read_text().count("\n") + 1 if self.run.log.exists() else 1
        print(f"error: {message}", flush=True)  # as gdsweep.train says it
        self.write_record(
            outcome="failed",
            ended=time.time(),
            cause=cause,
            message=message,
            log=f"{self.run.log.name}:{number}",
        )
        return FAILED

    def write_record(self, **changes: object) -> None:
        """Write the attempt's record."""
        self.record = self.record.model_copy(update=changes)
        path = self.run.attempt(self.record.number)
        atomic.write_json(path, self.record.model_dump(mode="json"))


if __name__ == "__main__":
    sys.exit(Fake(Path(sys.argv[1])).main())
