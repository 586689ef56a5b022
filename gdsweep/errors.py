"""The two ways a command ends badly, and their exit codes."""

DONE, FAILED, BAD_INPUT, STOPPED, BUSY = 0, 1, 2, 3, 75
"""Exit codes: fine; something failed; bad input; stopped by a signal with its state saved (another
launch continues); another process holds the run."""


class BadInput(Exception):  # noqa: N818 - it is the user's input, not an error of the program
    """What a person can put right: one line that says what, where, and what would be valid."""


class TrainingFailed(Exception):  # noqa: N818
    """A run that cannot go on (a NaN loss, no memory, a full disk): one line that says why.

    `cause` is one of `nan`, `memory`, `disk`, `parent`, `error`.
    """

    def __init__(self, message: str, cause: str = "error") -> None:
        super().__init__(message)
        self.cause = cause
