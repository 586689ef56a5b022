"""A run on CUDA: steps, criterion, loss scaling, resume, evaluation, two processes.

`GPU_TESTS_ON=cpu` rehearses them without a GPU: that the tests themselves run, no more.
"""

import os
from typing import Any

import pytest
import torch
from tiny import same, start, train

from gdsweep.config import AugmentationSettings, LossSettings, ModelSettings, ShapesData
from gdsweep.data import Instances, open_dataset
from gdsweep.evaluate import predict_dataset
from gdsweep.model import Criterion, Network, Normaliser, build_network, seeded_points
from gdsweep.runs import RunDir, ScoreRef, Wanted, read_metrics
from gdsweep.train import checkpoint
from gdsweep.train.precision import Precision

DEVICE = os.environ.get("GPU_TESTS_ON", "cuda")
ON_CUDA = DEVICE == "cuda"
FINAL = ScoreRef(at="final", network="student", split="test")
PRECISIONS = ["fp32", "bf16", *(["fp16"] if ON_CUDA else [])]

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        ON_CUDA and not torch.cuda.is_available(), reason="needs a CUDA device; there is none"
    ),
]


def on_device(gpus: int = 1, **resources: Any) -> dict[str, Any]:
    """Settings that put a tiny run there, with sums in a fixed order."""
    place = {"device": DEVICE, "gpus": gpus if ON_CUDA else 0, "deterministic": True}
    return {"resources": {**place, **resources}}


def state(run: RunDir, iteration: int) -> dict[str, Any]:
    found = checkpoint.load(run.state(iteration))
    return {key: found[key] for key in ("student", "teacher", "optimizer", "scaler")}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_resumed_run_equals_an_unbroken_one_bit_for_bit(make_run: Any, precision: str) -> None:
    settings = {
        **on_device(),
        "optimizer": {"precision": precision},
        "schedule": {"iterations": 6},
        "evaluation": {"period": 3},
    }
    wanted = Wanted(stop=6, milestones=(3, 6), scores=(FINAL,))
    whole = make_run("whole", "self-distilled", wanted=wanted, **settings)
    broken = make_run("broken", "self-distilled", wanted=wanted, **settings)
    assert train(whole)
    assert not train(broken, stop_after=4)
    assert train(broken)
    for iteration in (3, 6):
        same(state(whole, iteration), state(broken, iteration))
    assert whole.score(FINAL).is_file()
    assert (state(whole, 6)["scaler"] is not None) is (precision == "fp16")


def test_other_operators_take_the_same_steps_but_for_rounding(make_run: Any) -> None:
    runs = []
    for name, resources in (
        ("fixed", {}),
        ("fast", {"deterministic": False, "channels_last": True, "cudnn_benchmark": True}),
    ):
        place = on_device(**resources)
        run = make_run(name, wanted=Wanted(stop=2), schedule={"iterations": 2}, **place)
        assert train(run)
        runs.append(run)
    same_losses(*runs)


@pytest.mark.skipif(ON_CUDA and torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_processes_take_the_same_steps_as_one(make_run: Any) -> None:
    runs = []
    for world in (1, 2):
        settings = {"model": {"norm": "frozen"}, "schedule": {"iterations": 3}, **on_device(world)}
        run = make_run(f"on-{world}", "self-distilled", wanted=Wanted(stop=3), **settings)
        assert start(run, world).wait(300) == 0, run.log.read_text()
        runs.append(run)
    same_losses(*runs)


def same_losses(one: RunDir, two: RunDir) -> None:
    """Demand equal losses but for rounding, which AdamW enlarges from step to step."""
    for first, second in zip(read_metrics(one.metrics), read_metrics(two.metrics), strict=True):
        tolerance = 1e-3 if first["iteration"] == 1 else 2e-2
        for key in (key for key in first if "loss" in key):
            assert second[key] == pytest.approx(first[key], rel=tolerance, abs=1e-4), key


def network() -> Network:
    torch.manual_seed(0)
    sizes = {"hidden": 32, "heads": 4, "queries": 10, "encoder_layers": 2, "decoder_layers": 3}
    settings = {"backbone": "test_resnet", "weights": "random", "encoder_feedforward": 48}
    return build_network(ModelSettings.model_validate({**settings, **sizes}), 3)


def test_losses_and_gradients_equal_the_cpus() -> None:
    torch.manual_seed(1)
    image = torch.rand(3, 64, 96) * 255
    masks = torch.zeros(2, 64, 96, dtype=torch.bool)
    masks[0, 8:40, 8:50] = masks[1, 20:60, 40:90] = True
    criterion = Criterion(3, LossSettings(points=256))
    cells = torch.rand(1, 20, 256 * 4, 2)  # the generators of two devices differ
    results = []
    for device in ("cpu", DEVICE):
        model = network().to(device).train()
        target = Instances(torch.tensor([0, 2], device=device), masks.to(device))

        def draw(image: int, sets: int, points: int, device: str = device) -> torch.Tensor:
            return cells[0, :1, :points].expand(sets, -1, -1).to(device)

        outputs = model([image.to(device)], [None])
        losses = criterion(outputs, [target], Normaliser.of([2], 10, 0.1), draw)
        total = torch.stack(list(losses.values())).sum()
        total.backward()
        grads = {k: p.grad.cpu() for k, p in model.named_parameters() if p.grad is not None}
        results.append((float(total), grads))
    (wanted, theirs), (found, ours) = results
    assert found == pytest.approx(wanted, rel=1e-3)
    for name, grad in theirs.items():
        assert (ours[name] - grad).norm() <= 0.02 * grad.norm() + 1e-5, name


def test_seeded_points_repeat_on_the_device() -> None:
    device = torch.device(DEVICE)
    one, two = (seeded_points([5], device)(0, 3, 7) for _ in range(2))
    assert torch.equal(one, two)


@pytest.mark.skipif(not ON_CUDA, reason="fp16 needs CUDA")
def test_an_overflow_halves_the_scale_and_skips_the_step() -> None:
    precision = Precision("fp16", torch.device(DEVICE))
    layer = torch.nn.Linear(4, 4).to(DEVICE)
    optimizer = torch.optim.SGD(layer.parameters(), 0.1)
    before = layer.weight.detach().clone()
    scales = []
    for factor in (float("inf"), 1.0):
        optimizer.zero_grad()
        with precision.autocast(torch.device(DEVICE)):
            loss = layer(torch.ones(1, 4, device=DEVICE)).float().sum() * factor
        precision.scale(loss).backward()
        precision.step(optimizer, layer, clip_norm=1.0)
        content = precision.state()
        assert content is not None
        scales.append(content["scale"])
        assert torch.equal(layer.weight, before) is (factor != 1.0)
    assert scales == [32768.0, 32768.0]


def test_predictions_equal_the_cpus() -> None:
    scenes = open_dataset(ShapesData(name="shapes", train=1, val=3, test=1)).val
    views = AugmentationSettings(test_short_edge=None)
    found = []
    for device in ("cpu", DEVICE):
        made = predict_dataset([network().to(device).eval()], scenes, views, 5)
        assert made is not None
        found.append(made[0])
    assert [r["image_id"] for r in found[0]] == [r["image_id"] for r in found[1]]
    scores = [torch.tensor([r["score"] for r in results]) for results in found]
    torch.testing.assert_close(scores[1], scores[0], rtol=1e-2, atol=1e-3)
