from gdsweep.grid import why


def test_what_differs() -> None:
    a = {"seed": 0, "model": {"norm": "frozen", "heads": 8}, "parent": None, "crop": (1, 2)}
    b = {"seed": 0, "model": {"norm": "batch", "heads": 8}, "parent": {"run": "p", "at": 5}}
    assert why(a, {**b, "crop": [1, 2]}) == [
        ("model.norm", "frozen", "batch"),
        ("parent", None, "(absent)"),
        ("parent.run", "(absent)", "p"),
        ("parent.at", "(absent)", 5),
    ]


def test_nothing_differs() -> None:
    assert why({"a": {"b": 1}}, {"a": {"b": 1}}) == []
