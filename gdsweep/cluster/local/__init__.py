"""The executor of this machine: trainer processes, as many at once as fit."""
