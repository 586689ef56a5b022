"""How wide text is in LaTeX, near enough to choose a layout: the letters of Computer Modern."""

FOOTNOTE = 8.6
"""Points of an em in \\footnotesize of a 10-point document: 8-point letters are a little wider."""

SCRIPT = 8.0
"""The same in \\scriptsize."""

BOLD = 1.15
"""A bold letter's width as a multiple of a plain one's."""

WIDTHS = {
    0.28: "ijl.,:;!'|",
    0.33: "rst ()[]-f*?",
    0.45: "cevxyz@/",
    0.5: "abdghknopqu0123456789",
    0.58: "–↓↑†",
    0.75: "ABCDEFGHKLNOPQRSTUVXYZw+<>=≈±×−✗&",
    1.0: "mMW—…%",
}
"""Width in em to the characters that have it, or almost."""

_OF = {character: width for width, characters in WIDTHS.items() for character in characters}


def em(text: str) -> float:
    """Width of a line of text, in em of its font."""
    return sum(_OF.get(character, 0.6) for character in text)
