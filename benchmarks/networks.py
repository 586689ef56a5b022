"""EoMT beside Mask2Former with the same plain ViT: time, memory and size, as ratios within one run.

    python benchmarks/networks.py --backbone vit_small_patch16_dinov3 --size 256 --repeats 5

Steps are timed in turn, so that other work on the machine touches both alike: CPU seconds of this
process, minimum, median and maximum over the repeats. Memory is what a forward pass keeps for the
backward pass, counted tensor by tensor.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import timm
import torch

from gdsweep.config import LossSettings, ModelSettings
from gdsweep.data import Instances
from gdsweep.model import Criterion, Network, Normaliser, build_network, seeded_points

CLASSES, INSTANCES = 80, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="vit_small_patch16_dinov3", help="timm's name")
    parser.add_argument("--size", type=int, default=256, help="side of the square image")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{options.backbone}, {options.size} x {options.size}, {options.queries} queries, fp32")
    print(f"torch {torch.__version__}, timm {timm.__version__}, {platform.processor()}, 1 thread")
    networks = {name: network(name, options) for name in ("mask2former", "eomt")}
    for name, model in networks.items():
        count = sum(parameter.numel() for parameter in model.parameters())
        print(
            f"{name}: {count / 1e6:.1f} M parameters, keeps {kept(model, options) / 2**20:.0f} MiB"
        )
    print()
    for what, action in (("training step", step), ("prediction", prediction)):
        compare(what, {n: action(m, options) for n, m in networks.items()}, options.repeats)


def network(architecture: str, options: argparse.Namespace) -> Network:
    torch.manual_seed(0)
    settings = ModelSettings.model_validate(
        {
            "architecture": architecture,
            "backbone": options.backbone,
            "weights": "random",
            "queries": options.queries,
        }
    )
    return build_network(settings, CLASSES)


def image(options: argparse.Namespace) -> torch.Tensor:
    return torch.randint(0, 256, (3, options.size, options.size), dtype=torch.uint8)


def kept(model: Network, options: argparse.Namespace) -> int:
    """Bytes that a forward pass keeps for the backward pass, parameters apart."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    found: dict[int, int] = {}

    def count(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        outputs = model.train()([image(options)], [None])
    del outputs
    return sum(found.values())


def step(model: Network, options: argparse.Namespace) -> Callable[[], None]:
    criterion = Criterion(CLASSES, LossSettings())
    normaliser = Normaliser.of([INSTANCES], options.queries, 0.1)
    masks = torch.zeros(INSTANCES, options.size, options.size, dtype=torch.bool)
    for place, mask in enumerate(masks):
        start = place * options.size // (2 * INSTANCES)
        mask[start : start + options.size // 3, start : start + options.size // 4] = True
    targets = [Instances(torch.arange(INSTANCES), masks)]

    def run() -> None:
        outputs = model.train()([image(options)], targets)
        points = seeded_points([0], torch.device("cpu"))
        losses = criterion(outputs, targets, normaliser, points, None)
        torch.stack(list(losses.values())).sum().backward()

    return run


def prediction(model: Network, options: argparse.Namespace) -> Callable[[], None]:
    def run() -> None:
        model.eval()
        model.advance(1.0)  # as trained: EoMT needs no masks any more
        model.predict([image(options)], [(options.size, options.size)])

    return run


def compare(what: str, actions: dict[str, Callable[[], None]], repeats: int) -> None:
    times: dict[str, list[float]] = {name: [] for name in actions}
    for action in actions.values():
        action()
    for _ in range(repeats):
        for name, action in actions.items():
            begun = time.process_time()
            action()
            times[name].append(time.process_time() - begun)
    base = statistics.median(times["mask2former"])
    for name, found in times.items():
        low, middle, high = min(found), statistics.median(found), max(found)
        print(
            f"{what}, {name}: {low:.2f} / {middle:.2f} / {high:.2f} CPU-s, {middle / base:.2f} of "
            "Mask2Former's"
        )


if __name__ == "__main__":
    main()
