"""How the cost of `heft rank` (its default method, the top 20 settled) grows with the work. One JSON object a line on stdout.

    python bench/growth.py --heft build/heft [--quick] [--limit S]

From one LSTM of two layers, one thing at a time grows: weights, batch, time steps, outputs, threads. Seconds are those of the whole
command, of its estimates, and of executing; the peak of memory is the whole process's.

Bound: an adjoint for every output (2 operations a weight, sample and step) and as many multiply-adds again to join them, at the speed of
torch's float32 matrix product on as many threads; from 1,024 outputs on, Heft takes random probes instead. Its share is of the estimates' time.
"""
import argparse
import json
import math
import sys
import tempfile
from pathlib import Path

import torch

import heft_command
import machine
import made_model
from made_model import Shape
from time_limit import TimeLimit

BASE = Shape(inputs=72, hidden=288, layers=2, batch=8, steps=16)        # 1.08 million weights
QUICK_BASE = Shape(inputs=24, hidden=96, layers=2, batch=8, steps=16)   # 0.12 million


def thread_counts() -> list[int]:
    """1, 2, 4, … and all."""
    return sorted({2 ** i for i in range(machine.processors().bit_length())} | {machine.processors()})


def cases(quick: bool) -> list[tuple[str, Shape, int]]:
    """(what grows, shape, threads), the cheap ones first."""
    base, all_threads = (QUICK_BASE if quick else BASE), machine.processors()
    widths = (28, 96, 288) if quick else (28, 52, 96, 160, 288, 512, 1024)
    grown = {
        "threads": [(base, threads) for threads in thread_counts()],
        "batch": [(base.but(batch=batch), all_threads) for batch in ((2, 8, 32) if quick else (1, 2, 8, 32, 128))],
        "steps": [(base.but(steps=steps), all_threads) for steps in ((4, 16, 64) if quick else (4, 16, 64, 256))],
        "outputs": [(base.but(outputs=outputs), all_threads) for outputs in ((1, 10, 100) if quick else (1, 10, 100, 1000))],
        # Few samples and steps, so that even the largest takes about a minute.
        "weights": [(base.but(inputs=width // 4, hidden=width, batch=4, steps=8), all_threads) for width in widths],
    }
    return [(what, shape, threads) for what, some in grown.items() for shape, threads in some]


def measure(what: str, shape: Shape, threads: int, heft: Path) -> dict:
    module, inputs = made_model.make(shape)
    size = sum(parameter.numel() for parameter in module.parameters())
    with tempfile.TemporaryDirectory(prefix="heft-bench-") as folder:
        ranked = heft_command.rank(heft, made_model.save(module, inputs, Path(folder)), Path(folder), "--threads", threads)
    torch.set_num_threads(threads)
    bound = 4 * size * shape.batch * shape.steps * shape.outputs / machine.product_speed(1024, 1024, 1024)
    estimates = ranked.cost["response_seconds"]
    return {"grows": what, "weights": size, "hidden": shape.hidden, "layers": shape.layers, "batch": shape.batch, "steps": shape.steps,
            "outputs": shape.outputs, "threads": threads, "seconds": ranked.seconds, "measuring_seconds": ranked.cost["seconds"], "response_seconds": estimates,
            "execute_seconds": ranked.cost["execute_seconds"], "variants": ranked.cost["variants"], "probes": ranked.cost["probes"],
            "bound_seconds": bound, "bound_share": bound / estimates if ranked.cost["probes"] == 0 else None,
            "ns_per_weight_sample_step": 1e9 * estimates / (size * shape.batch * shape.steps), "peak_bytes": ranked.peak_bytes}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heft", type=Path, required=True, help="the program")
    parser.add_argument("--quick", action="store_true", help="a smaller model, and less growth")
    parser.add_argument("--limit", type=float, default=math.inf, help="seconds after which no further run is begun")
    options = parser.parse_args()
    done = {}  # the base occurs in several series
    for what, shape, threads in TimeLimit(options.limit).over(cases(options.quick), "runs"):
        if (shape, threads) not in done:
            done[shape, threads] = measure(what, shape, threads, options.heft)
        print(json.dumps({**done[shape, threads], "grows": what}), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
