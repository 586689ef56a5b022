"""Panels: the same images in every row, with that row's confident instances."""

from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from pycocotools import mask as rle

from gdsweep.plots import qualitative
from gdsweep.plots.qualitative import VEIL
from gdsweep.plots.scored_images import ScoredImage
from gdsweep.plots.style import COLOURS


def instance(image_id: int, score: float, rows: slice, category: int = 1) -> dict[str, Any]:
    mask = np.zeros((8, 12), np.uint8, order="F")
    mask[rows] = 1
    return {
        "image_id": image_id, "category_id": category, "score": score,
        "segmentation": rle.encode(mask),
    }  # fmt: skip


def images(count: int) -> list[ScoredImage]:
    return [ScoredImage(k, np.full((8, 12, 3), 10 * k, np.uint8)) for k in range(1, count + 1)]


def canvases(figure: Any) -> list[np.ndarray]:
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


def test_the_same_images_above_one_another() -> None:
    rows = [("Supervised", []), ("Guided", [instance(2, 0.9, slice(0, 4))])]
    figure = qualitative.draw(images(3), rows, {1: "disc"}, "Shapes, 5 %")
    first, second = canvases(figure)[:3], canvases(figure)[3:]
    for k in (0, 2):
        np.testing.assert_array_equal(first[k], second[k])
    np.testing.assert_allclose(first[1], 20 / 255)
    expected = (1 - VEIL) * 20 / 255 + VEIL * np.array(to_rgb(COLOURS[0]))
    np.testing.assert_allclose(second[1][0, 0], expected)
    np.testing.assert_allclose(second[1][5, 5], 20 / 255)
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert said == ["Supervised", "Guided", "disc"]


def test_unsure_instances_are_not_drawn() -> None:
    rows = [("A", [instance(1, 0.49, slice(0, 4))])]
    (canvas,) = canvases(qualitative.draw(images(1), rows, {1: "disc"}))
    np.testing.assert_allclose(canvas, 10 / 255)


def test_the_most_confident_lies_on_top() -> None:
    found = [instance(1, 0.9, slice(0, 4)), instance(1, 0.6, slice(0, 8))]
    (canvas,) = canvases(qualitative.draw(images(1), [("A", found)], {1: "disc"}))
    below = (1 - VEIL) * 10 / 255 + VEIL * np.array(to_rgb(COLOURS[1]))
    top = (1 - VEIL) * below + VEIL * np.array(to_rgb(COLOURS[0]))
    np.testing.assert_allclose(canvas[0, 0], top)
    np.testing.assert_allclose(canvas[6, 0], below)


def test_many_images_go_on_below() -> None:
    figure = qualitative.draw(images(8), [("A", []), ("B", [])], {})
    assert len(canvases(figure)) == 16
    assert len(figure.axes) == 24  # 6 across, 2 bands of 2 rows
