"""What often lies where a file of a data set should: nothing, a pointer, an error page."""


def stand_in(start: bytes) -> str | None:
    """What a file is instead, told by its first bytes; None where they do not tell."""
    if not start:
        return "it is empty"
    if start.startswith(b"version https://git-lfs"):
        return "it is a pointer of git-lfs, not the file itself; `git lfs pull` fetches that"
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "it is a web page (HTML): the download failed"
    return None
