"""What a launch would do now: the plan, its cost, and where every cell stands.

Nothing here imports torch or knows who executes.
"""
