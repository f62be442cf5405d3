"""Stream operations: a query goes through a model and a channel and comes back as a score.

Settings and rates say what is asked for, `transmission` does it on frames, `operations` on
streams; `recipe` makes a file again, `sweep` compares rates.
"""
