"""Everything worth measuring on a machine with a CUDA GPU, by one command, into one table.

    python benchmarks/gpu.py --out results                       # all sections, within 8 minutes
    python benchmarks/gpu.py --out results --sections steps kernels --backbones swin-large

Sections: `deformable`, `attention`, `steps` (precisions, operators, layouts, compilation, memory;
ResNet-50, Swin-L and ViT-L at the paper's crops), `syncs` (by PyTorch's own warnings), `kernels`
(the 15 dearest of a step), `average`, `determinism`, `transformers`, `evaluation`, `loader`. Each
goes on after what fails in it, and is cut off where the time is over; both are said. Results are
lines of results.jsonl; RESULTS-gpu.md is their table, written anew after every section.

Weights and images are random and the teacher is made to find 8 objects an image: times are those
of training, losses mean nothing. Scenes of `evaluation` and `loader` are generated, so that no
data set is needed: they leave reading and decoding files out. `--device cpu --tiny` rehearses all.
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

import gpu_parts
import gpu_steps
from gpu_table import page


class Results:
    """What was measured, a line each, and the time there is for more."""

    def __init__(self, out: Path, seconds: float) -> None:
        self.out = out
        self.until = time.monotonic() + seconds
        self.lines: list[dict[str, Any]] = []
        out.mkdir(parents=True, exist_ok=True)
        (out / "results.jsonl").write_text("")

    @property
    def left(self) -> float:
        """Seconds."""
        return self.until - time.monotonic()

    def add(self, section: str, **values: Any) -> None:
        """Keep a measurement and print it."""
        line = {"section": section, **values}
        self.lines.append(line)
        text = json.dumps(line, default=str)
        with open(self.out / "results.jsonl", "a") as file:
            file.write(text + "\n")
        print(text, flush=True)

    def attempt(self, section: str, work: Callable[[], dict[str, Any]], **what: Any) -> None:
        """Keep what `work` measures, or how it failed, or that there was no time."""
        if self.left < 0:
            self.add(section, **what, skipped="no time was left")
            return
        try:
            found = work()
        except Exception as error:
            traceback.print_exc()
            found = {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        self.add(section, **what, **found)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


SECTIONS: dict[str, Callable[[Results, argparse.Namespace], None]] = {
    "deformable": gpu_parts.deformable,
    "attention": gpu_parts.attention_operators,
    "steps": gpu_steps.steps,
    "syncs": gpu_steps.synchronisations,
    "kernels": gpu_steps.kernels,
    "average": gpu_parts.average,
    "determinism": gpu_steps.determinism,
    "transformers": gpu_parts.transformers_step,
    "evaluation": gpu_parts.evaluation,
    "loader": gpu_parts.loader,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument(
        "--backbones",
        nargs="+",
        default=["resnet50", "swin-large", "dinov2-large"],
        help="of steps, syncs and kernels",
    )
    parser.add_argument(
        "--cases", nargs="+", choices=gpu_steps.CASES, default=list(gpu_steps.CASES)
    )
    parser.add_argument("--seconds", type=float, default=480, help="after which nothing is begun")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tiny", action="store_true", help="smallest sizes, one repeat")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("torch sees no CUDA device; --device cpu --tiny rehearses", file=sys.stderr)
        return 2
    if options.device == "cpu":
        torch.set_num_threads(1)
    results = Results(options.out, options.seconds)
    results.add("machine", **gpu_parts.machine(options.device))
    for name in options.sections:
        begin = time.monotonic()
        SECTIONS[name](results, options)
        results.add("time", of=name, seconds=round(time.monotonic() - begin, 1))
        (options.out / "RESULTS-gpu.md").write_text(page(results.lines))
    return 1 if any("failed" in line for line in results.lines) else 0


if __name__ == "__main__":
    sys.exit(main())
