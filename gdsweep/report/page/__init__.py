"""The page: one file with a grid's tables, receipts, curves and pictures, to be worked with.

`document` puts it together; `table_markup` writes the tables, which stand there without any script;
`details` holds what the scripts draw when it is asked for. One script a concern: `table.js` sorts
and filters, `receipts.js` opens a number, `curves.js` compares runs, `pictures.js` opens pictures
large. `uplot/` is a library that draws curves, with its licence, version and how to update it.
"""

from gdsweep.report.page.document import Picture, as_html

__all__ = ["Picture", "as_html"]
