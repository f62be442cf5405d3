"""Works of random eighths: no two of different seeds have a bar in common."""

import numpy as np
from strategies import bars_of, table_of


def random_table(seed, meter='4/4', bars=6, shift=0):
    rng = np.random.default_rng(seed)
    made = bars_of(*[meter] * bars)
    return table_of([(k / 2, 0.5, int(p) + shift) for k, p in enumerate(
        rng.integers(50, 75, int(2 * made[-1].end_ql)))], made)
