"""The class head of a file made to fit a data set with other classes."""

from collections.abc import Sequence

from torch import Tensor

from gdsweep.model import Mask2Former


def fitted_head(
    given: dict[str, Tensor],
    own: dict[str, Tensor],
    given_classes: Sequence[str] | None,
    own_classes: Sequence[str] | None,
    head: str = Mask2Former.class_head,
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
        head: name of the layer that classifies (`Network.class_head`).

    Returns:
        the weights, and what was done to the head (None where nothing was).
    """
    names = (f"{head}.weight", f"{head}.bias")
    theirs, ours = len(given[names[0]]) - 1, len(own[names[0]]) - 1
    named = given_classes is not None and own_classes is not None
    same = not named or tuple(given_classes or ()) == tuple(own_classes or ())
    if same and theirs == ours:
        return given, None
    sources = {name: row for row, name in enumerate(given_classes or ())} if named else {}
    pairs = [(row, sources[n]) for row, n in enumerate(own_classes or ()) if n in sources]
    fitted = dict(given)
    for name in names:
        rows = [*pairs, (ours, theirs)]
        made = own[name].clone()
        made[[row for row, _ in rows]] = given[name][[row for _, row in rows]].to(made)
        fitted[name] = made
    kept = f"{len(pairs)} are known by name" if named else "which is which is not known"
    return fitted, (
        f"the class head was for {theirs} classes, here are {ours}: {kept}, "
        f"{ours - len(pairs)} rows start anew"
    )
