"""Runs for the trackers that people look at: written offline, from the run directories alone.

Nothing here imports torch, and a tracker's package is imported only when it is asked for.
"""
