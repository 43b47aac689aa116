"""Keeps a benchmark from taking all day on a slow or busy machine."""
import sys
import time
from collections.abc import Iterator, Sequence


class TimeLimit:
    def __init__(self, seconds: float):
        self.end = time.monotonic() + seconds

    def over(self, cases: Sequence, what: str) -> Iterator:
        """The cases, as long as there is time to begin one; says on stderr how many were left out."""
        for done, case in enumerate(cases):
            if time.monotonic() > self.end:
                print(f"the time limit is reached: {len(cases) - done} of {len(cases)} {what} left out", file=sys.stderr)
                return
            yield case
