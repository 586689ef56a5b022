"""Eq. (5) against a bare `_foreach_lerp_` over the same tensors, in the same process.

    python benchmarks/ema.py --rows

Mask2Former with ResNet-50, 100 queries, 80 classes; one thread. The bare call has its lists of
tensors ready, as the average has since it pairs them once.
"""

import argparse
import copy

import torch
from rows import Row, Spread, in_turn

from gdsweep.config import ModelSettings
from gdsweep.model import Mask2Former
from gdsweep.train.ema import MovingAverage

UPDATES = 5
"""Updates a measurement, each of some ten milliseconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", action="store_true", help="print rows for RESULTS.md")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = Mask2Former(ModelSettings(weights="random"), 80)
    average = copy.deepcopy(model).requires_grad_(False)
    moving = MovingAverage(average, model)
    theirs, ours = average.state_dict(), model.state_dict()
    floating = [name for name, value in ours.items() if value.is_floating_point()]
    lists = [theirs[name] for name in floating], [ours[name] for name in floating]

    def update() -> None:
        for _ in range(UPDATES):
            moving.update(0.9996)

    @torch.no_grad()
    def bare() -> None:
        for _ in range(UPDATES):
            torch._foreach_lerp_(*lists, 0.0004)

    times = in_turn({"ours": update, "bare": bare}, options.repeats)
    ours, peer = (Spread.of([s / UPDATES for s in times[name]]) for name in ("ours", "bare"))
    if options.rows:
        Row(
            work="moving average (eq. 5), ResNet-50",
            unit="CPU-seconds",
            ours=ours,
            peer=peer,
            peer_name="a bare torch._foreach_lerp_",
            goal=1.1,
        ).print()
    else:
        print(f"{ours.median / peer.median:.2f} of a bare call, {1000 * ours.median:.1f} ms")


if __name__ == "__main__":
    main()
