"""The class head of a file made to fit a data set with other classes."""

from collections.abc import Sequence

from torch import Tensor

HEAD = ("transformer_decoder.class_head.weight", "transformer_decoder.class_head.bias")


def fitted_head(
    given: dict[str, Tensor],
    own: dict[str, Tensor],
    given_classes: Sequence[str] | None,
    own_classes: Sequence[str] | None,
) -> tuple[dict[str, Tensor], str | None]:
    """Weights whose class head has the rows of `own`'s classes.

    Rows of classes that both know by name, and that of "no object", come from `given`; the others
    keep `own`'s values. Where names are not known on both sides, an equal number of classes is
    taken to be the same classes, and of another number only "no object" is kept.

    Args:
        given: a state dict by our names.
        own: the state dict of the network that shall have them.
        given_classes: names of the given classes, if known.
        own_classes: names of the network's classes, if known.

    Returns:
        the weights, and what was done to the head (None where nothing was).
    """
    theirs, ours = len(given[HEAD[0]]) - 1, len(own[HEAD[0]]) - 1
    named = given_classes is not None and own_classes is not None
    same = not named or tuple(given_classes or ()) == tuple(own_classes or ())
    if same and theirs == ours:
        return given, None
    sources = {name: row for row, name in enumerate(given_classes or ())} if named else {}
    pairs = [(row, sources[n]) for row, n in enumerate(own_classes or ()) if n in sources]
    fitted = dict(given)
    for name in HEAD:
        head = own[name].clone()
        rows = [*pairs, (ours, theirs)]
        head[[row for row, _ in rows]] = given[name][[row for _, row in rows]].to(head)
        fitted[name] = head
    kept = f"{len(pairs)} are known by name" if named else "which is which is not known"
    return fitted, (
        f"the class head was for {theirs} classes, here are {ours}: {kept}, "
        f"{ours - len(pairs)} rows start anew"
    )


def class_count(weights: dict[str, Tensor]) -> int:
    """C of a state dict by our names."""
    return len(weights[HEAD[0]]) - 1
