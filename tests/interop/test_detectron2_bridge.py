"""gdsweep's model inside the real detectron2; skipped where it cannot be imported."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gdsweep.interop.weights_file import write_weights_file
from gdsweep.model import predict

detectron2 = pytest.importorskip(
    "detectron2", reason="detectron2 is not installed (docs/interop.md says how)"
)
pytest.importorskip("cv2", reason="detectron2's tools need opencv-python-headless")


@pytest.fixture
def checkpoint(small: Any, tmp_path: Path) -> tuple[Path, Any]:
    settings, model = small()
    write_weights_file(tmp_path / "ours.pt", model.state_dict(), settings, ("a", "b", "c"), "test")
    return tmp_path / "ours.pt", model


@pytest.fixture
def dataset(tmp_path: Path) -> Any:
    """Two images with a box each, under a name in the catalog."""
    from detectron2.data import DatasetCatalog, MetadataCatalog
    from detectron2.structures import BoxMode

    records = []
    for n in range(2):
        path = tmp_path / f"{n}.png"
        pixels = np.random.default_rng(n).integers(0, 256, (64, 96, 3), np.uint8)
        Image.fromarray(pixels).save(path)
        ring = [10.0, 10.0, 40.0, 10.0, 40.0, 50.0, 10.0, 50.0]
        instance = {
            "bbox": [10, 10, 40, 50],
            "bbox_mode": BoxMode.XYXY_ABS,
            "category_id": n,
            "segmentation": [ring],
        }
        record = {"file_name": str(path), "image_id": n, "height": 64, "width": 96}
        records.append({**record, "annotations": [instance]})
    name = "gdsweep_test_set"
    DatasetCatalog.register(name, lambda: records)
    MetadataCatalog.get(name).set(
        thing_classes=["a", "b", "c"], thing_dataset_id_to_contiguous_id={5: 0, 7: 1, 9: 2}
    )
    yield name
    DatasetCatalog.remove(name)
    MetadataCatalog.remove(name)


def configured(checkpoint: Path, dataset: str, out: Path) -> Any:
    from gdsweep.interop.detectron2_bridge import configured

    cfg = configured(checkpoint)
    cfg.MODEL.DEVICE = "cpu"
    cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MIN_SIZE_TRAIN = 64, (64,)
    cfg.DATASETS.TRAIN = cfg.DATASETS.TEST = (dataset,)
    cfg.DATALOADER.NUM_WORKERS = 0
    cfg.SOLVER.IMS_PER_BATCH, cfg.SOLVER.MAX_ITER = 2, 2
    cfg.SOLVER.BASE_LR = 1e-4
    cfg.OUTPUT_DIR = str(out)
    return cfg


def test_default_predictor_and_visualizer(checkpoint: Any, dataset: str, tmp_path: Path) -> None:
    from detectron2.data import MetadataCatalog
    from detectron2.engine import DefaultPredictor
    from detectron2.utils.visualizer import Visualizer

    path, model = checkpoint
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)  # BGR, as cv2 reads
    found = DefaultPredictor(configured(path, dataset, tmp_path / "out"))(image)["instances"]
    rgb = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1)
    with torch.no_grad():
        outputs = model([rgb], auxiliary=False)
    (ours,) = predict(outputs, outputs.sizes, [(64, 96)])
    assert torch.equal(found.pred_classes, ours.labels)
    assert torch.equal(found.scores, ours.scores)
    assert torch.equal(found.pred_masks, ours.masks)
    drawn = Visualizer(image, MetadataCatalog.get(dataset)).draw_instance_predictions(found[:2])
    assert drawn.get_image().shape == image.shape


def test_coco_evaluator(checkpoint: Any, dataset: str, tmp_path: Path) -> None:
    from detectron2.data import build_detection_test_loader
    from detectron2.evaluation import COCOEvaluator, inference_on_dataset
    from detectron2.modeling import build_model

    cfg = configured(checkpoint[0], dataset, tmp_path / "out")
    model = build_model(cfg).eval()
    evaluator = COCOEvaluator(
        dataset, ("segm",), output_dir=str(tmp_path / "out"), use_fast_impl=False
    )
    found = inference_on_dataset(model, build_detection_test_loader(cfg, dataset), evaluator)
    assert 0 <= found["segm"]["AP"] <= 100
    results = json.loads((tmp_path / "out" / "coco_instances_results.json").read_text())
    assert {result["category_id"] for result in results} <= {5, 7, 9}


def test_default_trainer_trains_saves_and_resumes(
    checkpoint: Any, dataset: str, tmp_path: Path
) -> None:
    from detectron2.engine import DefaultTrainer

    from gdsweep.interop import open_checkpoint

    out = tmp_path / "out"
    out.mkdir()
    cfg = configured(checkpoint[0], dataset, out)
    cfg.DATASETS.TEST = ()
    trainer = DefaultTrainer(cfg)
    trainer.resume_or_load(resume=False)
    trainer.train()
    lines = [json.loads(line) for line in (out / "metrics.json").read_text().splitlines()]
    assert {"loss_ce", "loss_mask", "loss_dice", "total_loss"} <= lines[-1].keys()
    assert (out / "last_checkpoint").read_text() == "model_final.pth"
    again = DefaultTrainer(cfg)
    again.resume_or_load(resume=True)
    assert again.start_iter == 2
    opened = open_checkpoint(out / "model_final.pth")
    assert opened.format == "detectron2-bridge"
    trained = trainer.model.network.state_dict()
    assert all(torch.equal(v, opened.weights[k]) for k, v in trained.items())
    before = checkpoint[1].state_dict()
    assert any(not torch.equal(v, before[k]) for k, v in trained.items())


def test_a_data_set_of_the_catalog_in_a_grid(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gdsweep.data import open_dataset
    from gdsweep.errors import BadInput
    from gdsweep.grid.catalog import catalog_dataset

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(BadInput, match=f"no such data set; it has {dataset}"):
        open_dataset(catalog_dataset(f"detectron2:{dataset}", "mine"))  # there is no pair
    splits = open_dataset(catalog_dataset(f"detectron2:{dataset},{dataset}", "mine"))
    assert splits.train.classes == ("a", "b", "c")
    assert splits.train.category_ids == (5, 7, 9)
    assert splits.train.instances(1).labels.tolist() == [1]
    assert splits.train.instances(1).masks.sum() == 30 * 40
    assert splits.train.image(0).shape == (3, 64, 96)
