"""What a machine can do at best, and how many threads to use of it."""
import os
import time

import torch


def processors() -> int:
    return len(os.sched_getaffinity(0))


def product_speed(rows: int, inner: int, columns: int, seconds: float = 0.2) -> float:
    """Floating-point operations a second of torch's float32 product [rows, inner] x [inner, columns]: the median of several."""
    a, b, out = torch.randn(rows, inner), torch.randn(inner, columns), torch.empty(rows, columns)
    torch.mm(a, b, out=out)
    times, begin = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begin < seconds:
        one = time.perf_counter()
        torch.mm(a, b, out=out)
        times.append(time.perf_counter() - one)
    return 2 * rows * inner * columns / sorted(times)[len(times) // 2]
