from gdsweep.grid import Grid, build_graph

TAIL = """
settings: {schedule: {iterations: 100}, distillation: {burn_in: 50}, dataset: shapes}
"""


def axes(grid: Grid) -> list[tuple]:
    return [tuple(cell.axes.values()) for cell in grid.cells]


def page(text: str, more: str = "") -> str:
    settings = TAIL.replace(", dataset: shapes", "") if "dataset" in text else TAIL
    return f"title: T\naxes:\n{text}{settings}{more}"


def test_a_product_in_the_axes_order(load) -> None:
    grid = load(page("  labels: [5, 0.4]\n  method: [supervised, guided]\n  seed: [1]\n"))
    assert axes(grid) == [
        (5, "supervised", 1),
        (5, "guided", 1),
        (0.4, "supervised", 1),
        (0.4, "guided", 1),
    ]
    assert grid.axes == {"labels": (5, 0.4), "method": ("supervised", "guided"), "seed": (1,)}
    assert [cell.label for cell in grid.cells][2] == "0.4 % supervised seed 1"


def test_joint_axes(load) -> None:
    grid = load(page("  method: [supervised]\n  labels, seed: [[5, 0], [10, 1]]\n"))
    assert axes(grid) == [("supervised", 5, 0), ("supervised", 10, 1)]
    assert list(grid.axes) == ["method", "labels", "seed"]


def test_an_axis_by_another_that_comes_later(load) -> None:
    text = "  labels: {by: dataset, shapes: [5, 10], coco: 1}\n  dataset: [coco, shapes]\n"
    grid = load(page(text, "rules: [{when: {}, set: {method: supervised}}]"))
    assert axes(grid) == [(1, "coco"), (5, "shapes"), (10, "shapes")]
    assert list(grid.cells[0].axes) == ["labels", "dataset"]


def test_an_axis_by_two_others(load) -> None:
    text = """  labels: [5, 10]
  method: [supervised, no-burn-in]
  lambda_u:
    by: [method, labels]
    supervised: {5: 0, 10: 0}
    no-burn-in: {5: [1, 2], 10: 3, 20: 4}
"""
    assert axes(load(page(text))) == [
        (5, "supervised", 0),
        (5, "no-burn-in", 1),
        (5, "no-burn-in", 2),
        (10, "supervised", 0),
        (10, "no-burn-in", 3),
    ]


def test_joint_axes_by_another(load) -> None:
    text = "  labels: [5, 10]\n  queries, seed: {by: labels, 5: [[7, 0], [8, 1]], 10: [[9, 0]]}\n"
    assert axes(load(page(text))) == [(5, 7, 0), (5, 8, 1), (10, 9, 0)]


def test_exceptions(load) -> None:
    text = "  labels: [5, 10, 20]\n  method: [supervised, guided]\n"
    grid = load(page(text, "except: [{labels: [10, 20], method: guided}, {labels: 20}]"))
    assert axes(grid) == [(5, "supervised"), (5, "guided"), (10, "supervised")]
    assert grid.axes["labels"] == (5, 10)


def test_names_of_axes_are_made_short(load) -> None:
    text = (
        "  labels.percent: [5.0]\n  distillation.burn_in: [10]\n  evaluation.network: [student]\n"
    )
    table = "table: {rows: [burn_in], columns: [labels.percent, evaluation.network]}"
    grid = load(page(text, table).replace(", distillation: {burn_in: 50}", ""))
    assert list(grid.axes) == ["labels", "burn_in", "evaluation.network"]
    assert grid.table.columns == ("labels", "evaluation.network")


def test_null_is_a_value_where_the_setting_takes_it(load) -> None:
    grid = load(page("  suppress_overlap: [~, 0.5]\n"))
    assert [cell.settings.distillation.suppress_overlap for cell in grid.cells] == [None, 0.5]


PAIRS = "  {axes}\nsettings:\n  dataset: shapes\n  distillation: {{burn_in: 5}}\n"


def horizons(load, axes: str) -> list[tuple[int, int | None]]:
    text = f"title: T\naxes:\n{PAIRS.format(axes=axes)}"
    return [
        (c.settings.schedule.iterations, c.supervised and c.supervised.schedule.iterations)
        for c in load(text).cells
    ]


def test_a_teacher_follows_axes_that_go_with_the_method(load) -> None:
    joint = "method, iterations: [[supervised, 60], [guided, 18]]"
    assert horizons(load, joint) == [(60, None), (18, 60)]
    by = "method: [supervised, guided]\n  iterations: {by: method, supervised: 60, guided: 18}"
    assert horizons(load, by) == [(60, None), (18, 60)]
    same = "method: [guided]\n  iterations: [60, 18]"
    assert horizons(load, same) == [(60, 60), (18, 18)]
    own = "method, iterations: [[supervised, 60], [supervised, 18], [guided, 18]]"
    assert horizons(load, own) == [(60, None), (18, None), (18, 18)]
    nothing = "method, iterations: [[guided, 18], [fixed-teacher, 20]]"
    assert horizons(load, nothing) == [(18, 18), (20, 20)]


VARIANTS = """title: T
axes:
  dataset: [shapes]
  labels: [5]
  "method, variant": [[supervised, short], [supervised, long], [guided, short]]
settings:
  schedule: {iterations: 18}
  distillation: {burn_in: 5}
rules:
  - {when: {method: supervised}, set: {schedule: {iterations: 60}}}
  - {when: {variant: long}, set: {schedule: {iterations: 100}, optimizer: {lr: 0.01}}}
"""


def test_a_variant_is_a_name_that_rules_ask_for(load) -> None:
    short, long, guided = load(VARIANTS).cells
    assert [c.axes["variant"] for c in (short, long, guided)] == ["short", "long", "short"]
    assert (long.settings.schedule.iterations, long.settings.optimizer.lr) == (100, 0.01)
    assert short.settings.schedule.iterations == 60
    # of two supervised cells the one of its own variant is its teacher
    assert guided.supervised is not None
    assert guided.supervised.schedule.iterations == 60
    assert (long.label, guided.label) == (
        "shapes 5 % supervised variant long",
        "shapes 5 % guided variant short",
    )


def test_variants_that_differ_in_nothing_share_their_run(load) -> None:
    page = VARIANTS.replace("{variant: long}, set", "{variant: short}, set").replace("100", "60")
    page = page.replace(", optimizer: {lr: 0.01}", "")
    assert len(build_graph(load(page).cells[:2]).runs) == 1
