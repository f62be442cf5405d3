"""Studies over many scores: note tables of a corpus, and training sets made from them."""
