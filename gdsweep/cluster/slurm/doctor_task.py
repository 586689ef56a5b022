"""One task of the doctor's job: meet the other, hear a signal, requeue. Imports nothing of ours."""

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
    end = time.monotonic() + 120
    while not (folder / "where").exists() and time.monotonic() < end:
        time.sleep(0.2)
    where = (folder / "where").read_text()
    host, _, port = where.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as peer:
        peer.sendall(b"hello")
        assert peer.recv(16) == b"hello"
    return where


def write(path: Path, text: str) -> None:
    """Write whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    os.replace(draft, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
