"""Rate-distortion numerics: bit allocation and the Gaussian test channel (NumPy only)."""
