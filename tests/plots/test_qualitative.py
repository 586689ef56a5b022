"""Panels: what is annotated beside what each method found, told apart and written legibly."""

from typing import Any

import numpy as np
import pytest
from matplotlib.transforms import Bbox
from pycocotools import mask as rle

from gdsweep.config.colours import PALETTE
from gdsweep.plots import marked_image, qualitative
from gdsweep.plots.marked_image import VEIL, Marked
from gdsweep.plots.scored_images import ScoredImage

CLASSES = {1: "disc", 2: "square"}


def mask(rows: slice, columns: slice = slice(None)) -> np.ndarray:
    found = np.zeros((32, 48), bool)
    found[rows, columns] = True
    return found


def instance(image_id: int, score: float, where: np.ndarray, category: int = 1) -> dict[str, Any]:
    return {
        "image_id": image_id, "category_id": category, "score": score,
        "segmentation": rle.encode(np.asfortranarray(where.astype(np.uint8))),
    }  # fmt: skip


def images(count: int, *truth: np.ndarray) -> list[ScoredImage]:
    return [
        ScoredImage(k, np.full((32, 48, 3), 10 * k, np.uint8), tuple((1, m) for m in truth))
        for k in range(1, count + 1)
    ]


def canvases(figure: Any) -> list[np.ndarray]:
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes]


def test_a_row_has_what_is_annotated_and_a_column_a_method(check_texts: Any) -> None:
    top, bottom = mask(slice(0, 12)), mask(slice(20, 32))
    columns = [("Supervised", []), ("Guided", [instance(2, 0.9, top), instance(2, 0.61, bottom)])]
    figure = qualitative.draw(images(2, top, bottom), columns, CLASSES, "Shapes, 5 %")
    check_texts(figure)
    assert len(figure.axes) == 2 * 3
    heads = [text.get_text() for text in figure.texts]
    assert heads[:4] == ["Shapes, 5 %", "Annotated", "Supervised", "Guided"]
    truth, empty, found = figure.axes[3:]
    assert sorted(text.get_text() for text in truth.texts) == ["disc", "disc"]
    assert [text.get_text() for text in empty.texts] == []
    assert sorted(text.get_text() for text in found.texts) == ["disc 0.61", "disc 0.90"]
    assert (canvases(figure)[4] == 20).all()  # nothing was found: the image as it is


def test_two_objects_of_a_class_differ_and_what_is_found_has_its_objects_colour() -> None:
    left, right = mask(slice(None), slice(0, 24)), mask(slice(None), slice(24, 48))
    columns = [("A", [instance(1, 0.6, right), instance(1, 0.9, left)])]
    truth, found = canvases(qualitative.draw(images(1, left, right), columns, CLASSES))
    middle, quarter = truth.shape[0] // 4, truth.shape[1] // 4
    assert (truth[middle, quarter] != truth[middle, 3 * quarter]).any()
    for at in (quarter, 3 * quarter):
        np.testing.assert_array_equal(truth[middle, at], found[middle, at])
    expected = (1 - VEIL) * 10 + VEIL * np.array(PALETTE[0])
    np.testing.assert_array_equal(truth[middle, quarter], expected.round())


def test_what_is_no_object_has_a_colour_of_its_own() -> None:
    left, right = mask(slice(None), slice(0, 24)), mask(slice(None), slice(24, 48))
    truth, found = canvases(
        qualitative.draw(images(1, left), [("A", [instance(1, 0.9, right)])], {})
    )
    colours = {tuple(pixel) for pixel in truth.reshape(-1, 3)} & {
        tuple(pixel) for pixel in found.reshape(-1, 3)
    }
    assert colours == {(10, 10, 10)}


def test_unsure_instances_are_not_drawn() -> None:
    columns = [("A", [instance(1, 0.49, mask(slice(0, 4)))])]
    assert (canvases(qualitative.draw(images(1), columns, CLASSES))[1] == 10).all()


def test_the_most_confident_lies_on_top() -> None:
    found = [instance(1, 0.9, mask(slice(0, 16))), instance(1, 0.6, mask(slice(None)))]
    canvas = canvases(qualitative.draw(images(1), [("A", found)], CLASSES))[1]
    below = (1 - VEIL) * 10 + VEIL * np.array(PALETTE[1])
    top = (1 - VEIL) * below + VEIL * np.array(PALETTE[0])
    high, wide, _ = canvas.shape
    np.testing.assert_allclose(canvas[high // 8, wide // 8], top, atol=1)
    np.testing.assert_allclose(canvas[7 * high // 8, wide // 8], below, atol=1)


def test_the_only_class_needs_no_word() -> None:
    whole = mask(slice(None))
    columns = [("A", [instance(1, 0.9, whole)])]
    truth, found = qualitative.draw(images(1, whole), columns, {1: "nucleus"}).axes
    assert ([t.get_text() for t in truth.texts], [t.get_text() for t in found.texts]) == (
        [],
        ["0.90"],
    )


def test_many_square_images_stand_two_by_two(check_texts: Any) -> None:
    figure = qualitative.draw(images(6), [("A", []), ("B", [])], CLASSES)
    check_texts(figure)
    assert len(figure.axes) == 18
    assert figure.get_figheight() < 7
    assert len({axes.get_position().y0 for axes in figure.axes}) == 3


def test_words_stand_on_their_instance_even_if_it_is_in_pieces() -> None:
    found = np.zeros((200, 300), bool)
    found[10:40, 10:90] = found[150:190, 200:290] = True  # the middle of both is on neither
    ((_, x, y),) = marked_image.places([Marked(found, "0.86", 0)], [found])
    assert found[round(y), round(x)]
    ring = np.zeros((200, 300), bool)
    ring[20:180, 20:280] = True
    ring[50:150, 50:250] = False
    ((_, x, y),) = marked_image.places([Marked(ring, "0.86", 0)], [ring])
    assert ring[round(y), round(x)]


@pytest.mark.parametrize("count", [3, 40])
def test_words_never_lie_on_words_or_leave_the_image(count: int) -> None:
    generator = np.random.default_rng(count)
    masks, instances = [], []
    for number in range(count):
        top, left = generator.integers(0, 300), generator.integers(0, 400)
        found = np.zeros((320, 440), bool)
        found[top : top + 60, left : left + 60] = True
        masks.append(found)
        instances.append(Marked(found, f"motorcycle 0.{number:02}", 0))
    placed = marked_image.places(instances, masks)
    assert placed[0][0] == instances[-1].words  # the topmost chooses first
    boxes = []
    for words, x, y in placed:
        wide, high = marked_image.half_size(words)
        boxes.append(Bbox([[x - wide, y - high], [x + wide, y + high]]))
    page = Bbox([[0, 0], [440, 320]])
    for number, box in enumerate(boxes):
        assert page.contains(box.x0, box.y0)
        assert page.contains(box.x1, box.y1)
        assert not any(box.padded(-0.1).overlaps(other) for other in boxes[:number])
