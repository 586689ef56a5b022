PAGE = """title: T
axes:
  dataset: [shapes]
  labels: [5, 10]
  method: [supervised, guided]
  seed: [0, 1]
settings: {schedule: {iterations: 100}, distillation: {burn_in: 50}}
"""


def test_a_table_by_default(load) -> None:
    table = load(PAGE).table
    assert (table.caption, table.metric, table.names) == ("T", "AP", {})
    assert (table.rows, table.columns, table.average) == (
        ("method",),
        ("dataset", "labels"),
        ("seed",),
    )


def test_a_table_as_told(load) -> None:
    table = load(
        PAGE
        + """table:
  caption: C
  rows: [seed, labels.percent]
  columns: [method]
  average: []
  metric: AP50
  names: {method: {guided: Ours}, labels.percent: {5.0: five}, dataset: {shapes: Shapes}}
"""
    ).table
    assert (table.caption, table.metric, table.average) == ("C", "AP50", ())
    assert (table.rows, table.columns) == (("seed", "labels"), ("method",))
    assert table.names == {
        "method": {"guided": "Ours"},
        "labels": {5: "five"},
        "dataset": {"shapes": "Shapes"},
    }


def test_an_axis_of_one_value_needs_no_place(load) -> None:
    assert load(f"{PAGE}table: {{rows: [method], columns: [labels]}}\n").table.columns == (
        "labels",
    )


def test_an_axis_that_follows_from_placed_ones_needs_no_place(load) -> None:
    page = PAGE.replace("  seed: [0, 1]\n", "  lambda_u: {by: labels, 5: [1], 10: [2]}\n")
    table = load(f"{page}table: {{rows: [method], columns: [labels]}}\n").table
    assert table.rows == ("method",)


def test_seeds_need_not_be_averaged(load) -> None:
    page = f"{PAGE}table: {{rows: [method, seed], columns: [labels]}}\n"
    assert load(page.replace("columns", "average: [], columns")).table.average == ()


def test_a_figure(load) -> None:
    assert load(PAGE).figure is None
    figure = load(f"{PAGE}figure: {{}}\ntable: {{metric: AP50, caption: C}}\n").figure
    assert figure is not None
    assert (figure.kind, figure.x, figure.lines, figure.panels) == (
        "label-efficiency",
        "labels",
        ("method",),
        None,
    )
    assert (figure.metric, figure.caption, figure.average) == ("AP50", "C", ("seed",))
    own = load(f"{PAGE}figure: {{metric: APs, caption: D, panels: dataset}}\n").figure
    assert own is not None
    assert (own.metric, own.caption, own.panels) == ("APs", "D", "dataset")
    curves = load(f"{PAGE}figure: {{kind: validation-curves, lines: [method, labels]}}\n").figure
    assert curves is not None
    assert (curves.x, curves.lines, curves.panels) == (None, ("method", "labels"), None)
