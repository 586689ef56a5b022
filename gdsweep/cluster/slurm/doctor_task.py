"""One task of the doctor's job: meet the other, compute with it, hear a signal, requeue.

Imports nothing of ours.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def main(folder: Path) -> None:
    """Leave a file for everything that worked."""
    rank = int(os.environ["SLURM_PROCID"])
    again = int(os.environ.get("SLURM_RESTART_COUNT", "0")) > 0
    heard: list[int] = []
    signal.signal(signal.SIGUSR2, lambda number, frame: heard.append(number))
    if again:
        write(folder / f"again-{rank}", "yes")
        return
    write(folder / f"began-{rank}", socket.gethostname())
    write(folder / f"met-{rank}", meet(rank, folder))
    write(folder / f"computed-{rank}", compute(rank, folder))
    end = time.monotonic() + 120
    while not heard and time.monotonic() < end:
        time.sleep(0.2)
    if not heard:
        return
    write(folder / f"heard-{rank}", "yes")
    if rank == 0:
        time.sleep(2)  # the other task's file
        done = subprocess.run(
            ["scontrol", "requeue", os.environ["SLURM_JOB_ID"]],
            capture_output=True,
            text=True,
            start_new_session=True,
        )
        write(folder / "requeue-said", done.stderr)
        write(folder / "requeue", str(done.returncode))
    time.sleep(60)


def meet(rank: int, folder: Path) -> str:
    """Shake hands over TCP, as torch's processes will; returns where."""
    if rank == 0:
        with socket.create_server(("", 0)) as server:
            where = f"{socket.gethostname()}:{server.getsockname()[1]}"
            write(folder / "where", where)
            server.settimeout(120)
            with server.accept()[0] as peer:
                peer.sendall(peer.recv(16))
        return where
    wait(folder / "where")
    where = (folder / "where").read_text()
    host, _, port = where.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as peer:
        peer.sendall(b"hello")
        assert peer.recv(16) == b"hello"
    return where


def compute(rank: int, folder: Path) -> str:
    """Add up over both tasks as training will; returns `ok DEVICES VERSION BACKEND`, or why not."""
    try:
        import torch
        import torch.distributed as dist

        devices = torch.cuda.device_count()
        backend = "nccl" if devices else "gloo"
        host = (folder / "where").read_text().partition(":")[0]
        if rank == 0:
            store = dist.TCPStore(host, 0, 2, True, wait_for_workers=False)
            write(folder / "store", str(store.port))
        else:
            wait(folder / "store")
            store = dist.TCPStore(host, int((folder / "store").read_text()), 2, False)
        dist.init_process_group(backend, store=store, rank=rank, world_size=2)
        ones = torch.ones(1, device="cuda" if devices else "cpu")
        dist.all_reduce(ones)
        dist.destroy_process_group()
        if ones.item() != 2:
            return f"{backend} adds 1 and 1 up to {ones.item():g}"
        return f"ok {devices} {torch.__version__} {backend}"
    except Exception as error:  # whatever is wrong there is what the doctor is to tell
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def wait(path: Path) -> None:
    """Wait for the other task's file."""
    end = time.monotonic() + 120
    while not path.exists() and time.monotonic() < end:
        os.listdir(path.parent)  # makes NFS look again
        time.sleep(0.2)


def write(path: Path, text: str) -> None:
    """Write whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    os.replace(draft, path)


if __name__ == "__main__":
    del sys.path[0]  # our own folder: its queue.py is not Python's
    main(Path(sys.argv[1]))
