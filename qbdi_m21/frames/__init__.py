"""Scores to arrays and back: note tables, grids, frames, features and model windows."""
