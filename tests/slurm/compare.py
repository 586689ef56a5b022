"""Two stores whose runs must be the same."""

import torch
from tiny import same

from gdsweep.runs import Store


def same_stores(first: Store, second: Store) -> int:
    """Demand equal states, weights and scores, bit for bit; returns how many files."""
    compared = 0
    for path in sorted(first.root.glob("*/checkpoints/*.pt")):
        other = second.root / path.relative_to(first.root)
        same(torch.load(path, weights_only=True), torch.load(other, weights_only=True), path.name)
        compared += 1
    for path in sorted(first.root.glob("*/scores/*.json")):
        assert path.read_text() == (second.root / path.relative_to(first.root)).read_text()
        compared += 1
    return compared
