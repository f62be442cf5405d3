"""Analyses: frames in, frozen results of plain numbers out."""
