import sys
from pathlib import Path

import pytest
from streets import streets

from gdsweep.config import CityscapesData, ShapesData
from gdsweep.data import open_dataset
from gdsweep.errors import BadInput
from gdsweep.evaluate import average_precision, check_measurable, cityscapes_ap, mask_ap


def test_each_data_set_has_its_own_measure(tmp_path: Path) -> None:
    pytest.importorskip("cityscapesscripts")
    data = CityscapesData(name="streets", root=str(streets(tmp_path)))
    truth = open_dataset(data).val.ground_truth()
    results = [{**a, "score": 0.5} for a in truth["annotations"][:3]]
    theirs = average_precision(data, truth, results)
    assert theirs["AP"] == cityscapes_ap(truth, results)["AP"]
    coco = average_precision(ShapesData(name="shapes"), truth, results)
    assert coco == pytest.approx(mask_ap(truth, results), nan_ok=True)
    assert coco["AP"] != theirs["AP"]


def test_what_cannot_be_scored_is_told_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    check_measurable(ShapesData(name="shapes"))
    monkeypatch.setitem(sys.modules, "cityscapesscripts", None)
    for name in [name for name in sys.modules if name.startswith("cityscapesscripts.")]:
        monkeypatch.delitem(sys.modules, name)
    check_measurable(ShapesData(name="shapes"))
    with pytest.raises(BadInput, match="pip install cityscapesscripts"):
        check_measurable(CityscapesData(name="streets"))
