"""Guided Distillation for semi-supervised instance segmentation, from a page of YAML to its tables.

The rooms, in the order data walks through them: `grid` (what is wanted), `runs` (what exists),
`cluster` (who runs it), `train` (how it is run), `model` (what is trained), `data` (what it reads),
`evaluate` (how it is scored), `report` (what is shown). `config` holds every setting.
"""

__version__ = "0.1.0"
