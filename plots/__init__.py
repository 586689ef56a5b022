"""One file per figure. Each draws a DataFrame of gdsweep.report and knows nothing of runs."""
