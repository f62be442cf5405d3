"""A slow twin of the oracle, frame by frame with lists, and of the exact threshold search."""

from itertools import pairwise
from math import fsum

from naive.twins import naive_information_rate


class NaiveOracle:
    """The Variable Markov Oracle as its paper tells it; state 0 comes before the first frame."""

    def __init__(self, frames, threshold, distance):
        self.frames, self.threshold, self.distance = [], threshold, distance
        self.suffix, self.lrs, self.symbol = [None], [0], [None]
        self.transitions, self.followers = [[]], [[]]
        self.symbols = 0
        for frame in frames:
            self.add(frame)

    def add(self, frame):
        """Add one frame."""
        self.frames.append(frame)
        state = len(self.frames)
        self.transitions[state - 1].append(state)
        self.transitions.append([])
        self.followers.append([])
        place, came_from, joined = self.suffix[state - 1], state - 1, None
        while place is not None and joined is None:
            joined = self.nearest(frame, self.transitions[place])
            if joined is None:
                self.transitions[place].append(state)
                came_from, place = place, self.suffix[place]
        if joined is None:
            self.symbol.append(self.symbols)
            self.symbols += 1
            suffix, length = 0, 0
        else:
            self.symbol.append(self.symbol[joined])
            suffix, length = self.longer(state, joined, 1 + self.shared(came_from, joined - 1))
        self.suffix.append(suffix)
        self.lrs.append(length)
        self.followers[suffix].append(state)

    def nearest(self, frame, goals):
        """Return the nearest of some states below the threshold, the first of equals."""
        best, least = None, None
        for goal in goals:
            apart = self.distance(frame, self.frames[goal - 1])
            if apart < self.threshold and (best is None or apart < least):
                best, least = goal, apart
        return best

    def shared(self, one, other):
        """Return the length of what two states have in common, by their suffix links."""
        if other == self.suffix[one]:
            return self.lrs[one]
        while other != 0 and self.suffix[other] != self.suffix[one]:
            other = self.suffix[other]
        return min(self.lrs[one], self.lrs[other])

    def longer(self, state, joined, length):
        """Return suffix and length, with one that is a frame longer if a sibling has it."""
        for sibling in self.followers[joined]:
            if self.lrs[sibling] == length and (
                    self.symbol[sibling - length] == self.symbol[state - length]):
                return sibling, length + 1
        return joined, length


def every_interval(distances):
    """Return (low, high) between all distinct distances above 0, and one beyond the largest."""
    finite = sorted({d for row in distances for d in row if 0 < d < float('inf')})
    edges = [0.0, *finite]
    return [*pairwise(edges), (edges[-1], float('inf'))]


def naive_exact(frames, distance):
    """Return (low, high, lrs, total) for thresholds above low, up to high: of every distance."""
    distances = [[distance(a, b) for b in frames] for a in frames]
    found = []
    for low, high in every_interval(distances):
        # comparisons are strict: at `high` itself nothing of that distance joins
        threshold = high if high < float('inf') else 2 * low + 1
        lrs = NaiveOracle(frames, threshold, distance).lrs[1:]
        found.append((low, high, lrs, fsum(naive_information_rate(lrs))))
    return found
