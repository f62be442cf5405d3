"""The Variable Markov Oracle: threshold search and repeated patterns."""
