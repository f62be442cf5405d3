"""Motifs: what a piece repeats, in its voices and in its whole texture, as sets of notes."""
