import pytest

from gdsweep.errors import BadInput

PAGE = """title: T
axes:
  dataset: [shapes]
  labels: [5, 10]
  "method, labelled_strong": [[supervised, 0], [supervised, 0.5], [guided, 0.5]]
  seed: [0, 1]
settings: {schedule: {iterations: 100}, distillation: {burn_in: 50}}
table: {rows: [method, labelled_strong], columns: [labels]}
"""
STRONG = "{method: supervised, labelled_strong: 0.5}"
GUIDED = "{method: guided, labelled_strong: 0.5}"


def page(*entries: str) -> str:
    return PAGE + "differences:\n" + "".join(f"  - {entry}\n" for entry in entries)


def test_pairs_differ_in_the_named_values_alone(load) -> None:
    grid = load(page(f"{{of: {GUIDED}, minus: {STRONG}, name: gain, metrics: [AP, AP50]}}"))
    (difference,) = grid.differences
    assert (difference.name, difference.metrics) == ("gain", ("AP", "AP50"))
    pairs = difference.pairs(grid.cells)
    assert len(pairs) == 4  # two percentages, two seeds
    for one, other in pairs:
        a, b = grid.cells[one].axes, grid.cells[other].axes
        assert (a["method"], b["method"]) == ("guided", "supervised")
        assert {k: v for k, v in a.items() if k != "method"} == {
            k: v for k, v in b.items() if k != "method"
        }


def test_the_tables_metric_unless_told(load) -> None:
    text = page(f"{{of: {GUIDED}, minus: {STRONG}}}").replace("columns", "metric: AP50, columns")
    assert load(text).differences[0].metrics == ("AP50",)
    assert load(PAGE).differences == ()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (f"{{of: {GUIDED}, minus: {{method: supervised}}}}", "same axes, unlike labelled_strong"),
        ("{of: {labels: 10}, minus: {labels: 5}}", "labels is a column of the table"),
        (f"{{of: {{methd: guided}}, minus: {STRONG}}}", "methd"),
        (f"{{of: {{method: guidd}}, minus: {STRONG}}}", "guidd is no value of method"),
        ("{of: {}, minus: {}}", "must name an axis"),
        ("{of: {method: guided, labelled_strong: 0.5}, minus: {method: guided, "
         "labelled_strong: 0}}", "no two cells differ"),
    ],
)  # fmt: skip
def test_what_names_no_pairs_is_refused_with_its_line(load, entry: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(page(entry))
    assert words in str(caught.value)
    assert ":10: differences[0]" in str(caught.value)


def test_a_row_axis_that_is_not_named_has_one_value(load) -> None:
    text = page("{of: {method: guided}, minus: {method: supervised}}").replace(
        '"method, labelled_strong": [[supervised, 0], [supervised, 0.5], [guided, 0.5]]',
        "method: [supervised, guided]\n  labelled_strong: [0, 0.5]",
    )
    with pytest.raises(BadInput, match=r"labelled_strong is not named, so its 0 and 0\.5 would"):
        load(text)
