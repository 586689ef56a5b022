"""How it is run: `python -m gdsweep.train RUN_DIR` trains what is wanted of one run.

It knows nothing of schedulers: it gets a run directory and environment variables.
"""
