"""A real SLURM of one's own: controller, munge and pretended 8-GPU nodes on loopback.

Every node is a set of process, host-name and mount namespaces around one `slurmd -N`: killing it
is a power cut. Everything lives in one folder and ends by its own process handles, never by name.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

INSTALL = "apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge"
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "unshare", "setpriv")

CONF = """\
ClusterName=sandbox
SlurmctldHost=ctl(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CryptoType=crypto/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2,max_rpc_cnt=0
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
KillWait={kill_wait}
MinJobAge=600
ReturnToService=2
SlurmdTimeout=6
MessageTimeout=5
SlurmctldTimeout=10
MaxArraySize={max_array}
FirstJobId={first_job}
NodeName=DEFAULT CPUs=64 RealMemory=16000 Gres=gpu:8 State=UNKNOWN
{nodes}
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 GraceTime=60
PartitionName=high Nodes=ALL MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
"""

NODE = """
hostname {name}
mount --bind {folder}/hosts /etc/hosts
slurmd -D -f {folder}/slurm.conf -N {name} </dev/null >>{folder}/slurmd-{name}.out 2>&1 &
while :; do sleep 1000 & wait $!; done
"""
"""bash as the node's init: it reaps whatever its slurmd leaves behind."""

CONTROLLER = """
hostname ctl
mount --bind {folder}/hosts /etc/hosts
exec slurmctld -D -f {folder}/slurm.conf {extra}
"""


def missing() -> str | None:
    """Why no SLURM can run here, and what to do; None where one can."""
    if os.geteuid() != 0:
        return "a SLURM sandbox needs root (in a container, say)"
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    absent = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if absent:
        return f"{', '.join(absent)} not installed; as root: {INSTALL}"
    works = subprocess.run(
        ["unshare", "--pid", "--fork", "--uts", "--mount", "--mount-proc", "true"],
        capture_output=True,
        text=True,
    )
    if works.returncode:
        return f"unshare is not allowed here ({works.stderr.strip()}); run privileged"
    return None


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, below the range the kernel gives to clients."""
    found: list[int] = []
    port = 12000 + os.getpid() * 37 % 15000
    while len(found) < count:
        port += 1
        with contextlib.closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


class Sandbox:
    """A SLURM with `nodes` nodes n1, n2, ... of 8 pretended GPUs and 64 pretended cores."""

    def __init__(self, nodes: int = 2, max_array: int = 1001, kill_wait: int = 5) -> None:
        shm = Path("/dev/shm")
        self.folder = Path(
            tempfile.mkdtemp(prefix="slurm-", dir=shm if os.access(shm, os.W_OK) else None)
        )
        self.folder.chmod(0o755)
        self.nodes = [f"n{i + 1}" for i in range(nodes)]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        ports = free_ports(nodes + 1)
        gpus = self.folder / "gpus"
        gpus.mkdir()
        for index in range(8):
            (gpus / f"gpu{index}").symlink_to("/dev/null")
        (self.folder / "state").mkdir()
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost ctl {' '.join(self.nodes)}\n")
        (self.folder / "gres.conf").write_text(f"Name=gpu File={gpus}/gpu[0-7]\n")
        conf = CONF.format(
            folder=self.folder,
            ports=ports,
            kill_wait=kill_wait,
            max_array=max_array,
            first_job=int(time.time()) % 1_000_000 + 1000,
            nodes="\n".join(
                f"NodeName={name} NodeHostname={name} NodeAddr=127.0.0.1 Port={port}"
                for name, port in zip(self.nodes, ports[1:], strict=True)
            ),
        )
        self.conf = self.folder / "slurm.conf"
        self.conf.write_text(conf)
        self._path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which SLURM's commands speak to this controller."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_"))}
        return {**clean, "SLURM_CONF": str(self.conf), "PATH": self._path}

    def start(self) -> None:
        """Start everything; returns when every node is idle."""
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        munged = [
            "munged", "--foreground", "--force", f"--key-file={key}",
            f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munge.pid",
            f"--log-file={self.folder}/munge.log", f"--seed-file={self.folder}/munge.seed",
        ]  # fmt: skip
        self._spawn("munged", munged)
        self.until(lambda: (self.folder / "munge.socket").exists(), "munged")
        self.start_controller("-c")
        for name in self.nodes:
            self.start_node(name)
        self.until(self.idle, "nodes")

    def stop(self) -> None:
        """End every process of the sandbox and remove its folder."""
        for name in [*self.nodes, "controller", "munged"]:
            self.kill(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_controller(self, extra: str = "") -> None:
        """Start slurmctld; it recovers its state unless told otherwise."""
        script = CONTROLLER.format(folder=self.folder, extra=extra)
        self._spawn("controller", ["unshare", "--uts", "--mount", "sh", "-ec", script])
        self.until(lambda: self.command("scontrol", "ping").returncode == 0, "slurmctld")

    def start_node(self, name: str) -> None:
        """Boot a node."""
        script = NODE.format(name=name, folder=self.folder)
        namespaces = ["--pid", "--fork", "--kill-child", "--uts", "--mount", "--mount-proc"]
        self._spawn(name, ["unshare", *namespaces, "bash", "-c", script])

    def kill(self, name: str) -> None:
        """SIGKILL a node with all that runs on it, or the controller."""
        process = self._processes.pop(name, None)
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def command(self, *words: str, check: bool = False) -> "subprocess.CompletedProcess[str]":
        """One of SLURM's commands."""
        return subprocess.run(
            words, env=self.environment, capture_output=True, text=True, check=check, timeout=60
        )

    def idle(self) -> bool:
        """Whether every node is idle."""
        states = self.command("sinfo", "-N", "-h", "-p", "low", "-o", "%T").stdout.split()
        return states == ["idle"] * len(self.nodes)

    def recover(self) -> None:
        """An empty queue and idle nodes, whatever a test has done before."""
        if "controller" not in self._processes:
            self.start_controller()
        self.command("scancel", "--user=root")
        for name in self.nodes:
            if name not in self._processes:
                self.start_node(name)
        for name in self.nodes:
            self.command("scontrol", "update", f"NodeName={name}", "State=RESUME")

        def calm() -> bool:
            if self.command("squeue", "-h").stdout.strip():
                self.command("scancel", "--signal=KILL", "--full", "--user=root")
                return False
            return self.idle()

        self.until(calm, "an empty queue", 60)

    def until(self, happened: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Wait for something."""
        end = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < end, f"{what}: not within {seconds} s\n{self.trouble()}"
            time.sleep(0.1)

    def trouble(self) -> str:
        """What SLURM says, for a test's failure message."""
        words = [
            self.command("squeue", "--states=all", "-o", "%i %j %T %r %N").stdout,
            self.command("sinfo", "-R").stdout,
        ]
        log = self.folder / "slurmctld.log"
        return "\n".join([*words, *(log.read_text().splitlines()[-15:] if log.exists() else [])])

    def _spawn(self, name: str, words: list[str]) -> None:
        with open(self.folder / f"{name}.out", "ab") as out:
            self._processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *words],  # a killed pytest leaves none behind
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
