"""A class head for other classes: known rows are kept, the others start anew, and that is said."""

import pytest
import torch

from gdsweep.interop.class_head import fitted_head
from gdsweep.model import Mask2Former

HEAD = (f"{Mask2Former.class_head}.weight", f"{Mask2Former.class_head}.bias")


def head(classes: int, value: float) -> dict[str, torch.Tensor]:
    rows = value + torch.arange(classes + 1.0)
    return {HEAD[0]: rows.unsqueeze(1).expand(-1, 4).clone(), HEAD[1]: rows, "other": rows[:1]}


def test_the_same_classes_are_taken_over() -> None:
    given = head(3, 10)
    for names in (("a", "b", "c"), None):
        assert fitted_head(given, head(3, 50), names, ("a", "b", "c")) == (given, None)


def test_rows_are_found_by_name() -> None:
    weights, note = fitted_head(head(3, 10), head(2, 50), ("cat", "dog", "bird"), ("bird", "cow"))
    assert weights[HEAD[1]].tolist() == [12, 51, 13]  # bird; cow anew; "no object"
    assert weights[HEAD[0]][:, 0].tolist() == [12, 51, 13]
    assert weights["other"].tolist() == [10]
    assert note == (
        "the class head was for 3 classes, here are 2: 1 are known by name, 1 rows start anew"
    )


def test_as_many_classes_of_other_names_are_other_classes() -> None:
    weights, note = fitted_head(head(2, 10), head(2, 50), ("cat", "dog"), ("disc", "cross"))
    assert weights[HEAD[1]].tolist() == [50, 51, 12]
    assert note is not None


@pytest.mark.parametrize("names", [None, ("a",)])
def test_without_names_only_no_object_is_kept(names: tuple[str, ...] | None) -> None:
    weights, note = fitted_head(head(5, 10), head(1, 50), None, names)
    assert weights[HEAD[1]].tolist() == [50, 15]
    assert note is not None
    assert "which is which is not known" in note
