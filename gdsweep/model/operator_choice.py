"""The choice between an operator that is quick where it runs and PyTorch's, which runs anywhere."""

from collections.abc import Callable

from gdsweep.errors import BadInput


def choose(
    setting: str, asked: str, fast: str, plain: str, lacking: Callable[[], str | None]
) -> str:
    """`fast` or `plain`.

    Args:
        setting: its name, for complaints: `resources.attention`.
        asked: its value: `auto`, `fast` or `plain`.
        fast, plain: names of the two operators.
        lacking: why the fast one cannot run here, None where it can. Asked only when it matters,
            because it may import a library.

    Raises:
        BadInput: an unknown name, or `fast` was asked for where it cannot run.
    """
    names = ("auto", fast, plain)
    if asked not in names:
        raise BadInput(f"{setting}: {asked!r} is not one of {', '.join(names)}")
    if asked == plain:
        return plain
    reason = lacking()
    if asked == fast and reason:
        raise BadInput(f"{setting}: {fast} {reason}; use auto or {plain}")
    return plain if reason else fast
