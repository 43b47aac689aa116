"""Time of one executed variant: Heft's exhaustive method beside what people write in Python. One JSON object a line on stdout.

    python bench/peers.py --heft build/heft [--quick] [--cell lstm|gru] [--hidden N] [--batch N] [--threads N] [--limit S]

loop: change a weight in place, call the module (torch.nn.LSTM or GRU), put the weight back.
vmap: torch.func.vmap over weights; the network is written step by step for it (plain_cells.py says why).
heft: `heft rank --method exhaustive` on random weights of the same matrix; its own "execute_seconds" a variant, without the start of
      the program, as neither Python nor importing torch is counted.

Python runs in float32. Heft runs the baseline in float64 and differences from it in float32, so its impacts keep more digits:
errors of all three are given beside a float64 loop. Bound: the recurrent products of the differences alone, by torch in float32.
"""
import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor

import heft_command
import machine
import made_model
import plain_cells
from made_model import Made, Shape
from time_limit import TimeLimit

PARAMETER = "rnn.weight_hh_l0"
HIDDEN, BATCH = (32, 64, 128, 256, 512, 1024), (1, 4, 16, 64)
QUICK_HIDDEN, QUICK_BATCH = (32, 128, 512), (1, 16)
VMAP_BYTES = 256e6   # of changed matrices at once, a copy a variant
TURNS = 3
CHECKED = 8          # weights whose impacts are held against float64


def impact(outputs: Tensor, baseline: Tensor) -> Tensor:
    """Root mean square of the change, over samples and outputs: [..., batch, outputs] -> [...]."""
    return (outputs - baseline).square().mean((-2, -1)).sqrt()


def loop(module: Made, inputs: Tensor, indices: Tensor) -> Tensor:
    weight = module.get_parameter(PARAMETER).view(-1)
    baseline = module(inputs)
    impacts = []
    for index in indices.tolist():
        kept = weight[index].item()
        weight[index] = 0
        impacts.append(impact(module(inputs), baseline))
        weight[index] = kept
    return torch.stack(impacts)


def vmap(weights: dict[str, Tensor], inputs: Tensor, indices: Tensor, cell: str, at_once: int) -> Tensor:
    weight = weights[PARAMETER]

    def variant(index: Tensor) -> Tensor:
        changed = weight.flatten().scatter(0, index[None], 0.0).view_as(weight)
        return plain_cells.forward({**weights, PARAMETER: changed}, inputs, cell)

    baseline = plain_cells.forward(weights, inputs, cell)
    return torch.cat([impact(torch.func.vmap(variant)(some), baseline) for some in indices.split(at_once)])


def timed(function, *arguments) -> float:
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def worst_error(impacts: Tensor, truth: Tensor) -> float:
    """Relative, over the weights that float64 itself tells from noise."""
    return ((impacts.double() - truth) / truth).abs()[truth > 1e-12].max().item()


def measure(shape: Shape, heft: Path, threads: int, quick: bool) -> dict:
    torch.set_num_threads(threads)
    module, inputs = made_model.make(shape)
    weights = made_model.weights_of(module)
    size = weights[PARAMETER].numel()
    products = 2 * size * shape.batch * (shape.steps - 2)  # of one variant: from the second step after the change's first
    random = torch.randperm(size, generator=torch.Generator().manual_seed(3))
    ours = random[:min(size, max(32, min(4096, int((2e10 if quick else 1e11) / products))))]
    at_once = int(max(1, min(256, VMAP_BYTES / (4 * size))))
    in_vmap = ours[:at_once]
    warm = timed(loop, module, inputs, ours[:2]) / 3
    in_loop = ours[:int(max(8, min(256, len(ours), (0.2 if quick else 0.5) / warm)))]
    vmap(weights, inputs, in_vmap, shape.cell, at_once)
    seconds = {"loop": [], "vmap": [], "heft": [], "product": []}
    with tempfile.TemporaryDirectory(prefix="heft-bench-") as folder:
        files = made_model.save(module, inputs, Path(folder))
        names = heft_command.weight_names(PARAMETER, weights[PARAMETER].shape, ours.tolist())
        # In turns, since machines drift; the fastest turn of each counts, since what disturbs only adds.
        for _ in range(TURNS):
            seconds["loop"].append(timed(loop, module, inputs, in_loop) / len(in_loop))
            seconds["vmap"].append(timed(vmap, weights, inputs, in_vmap, shape.cell, at_once) / len(in_vmap))
            ranked = heft_command.rank(heft, files, Path(folder), "--method", "exhaustive", "--threads", threads, "--parameters", *names)
            seconds["heft"].append(ranked.cost["execute_seconds"] / ranked.cost["variants"])
            rows = max(shape.batch, 256)
            seconds["product"].append(products / machine.product_speed(rows, shape.hidden, size // shape.hidden, 0.05))
        heft_impacts = ranked.tensors("impact")[PARAMETER].flatten()
    some = ours[:min(CHECKED, len(in_vmap))]
    float32 = loop(module, inputs, some), vmap(weights, inputs, some, shape.cell, at_once)
    truth = loop(module.double(), inputs.double(), some)
    us = {name: 1e6 * min(values) for name, values in seconds.items()}
    return {"cell": shape.cell, "parameter": PARAMETER, "hidden": shape.hidden, "batch": shape.batch, "steps": shape.steps, "threads": threads,
            "torch": torch.__version__, "loop_variants": len(in_loop), "vmap_variants": len(in_vmap), "heft_variants": ranked.cost["variants"],
            "loop_us": us["loop"], "vmap_us": us["vmap"], "heft_us": us["heft"], "product_us": us["product"],
            "loop_ratio": us["loop"] / us["heft"], "vmap_ratio": us["vmap"] / us["heft"], "product_share": us["product"] / us["heft"],
            "heft_command_seconds": ranked.seconds, "heft_peak_bytes": ranked.peak_bytes,
            "loop_dtype": "float32", "vmap_dtype": "float32", "heft_dtype": "float64 baseline, float32 differences",
            "loop_worst_error": worst_error(float32[0], truth), "vmap_worst_error": worst_error(float32[1], truth),
            "heft_worst_error": worst_error(heft_impacts[some], truth)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heft", type=Path, required=True, help="the program")
    parser.add_argument("--quick", action="store_true", help="fewer shapes and turns")
    parser.add_argument("--cell", choices=("lstm", "gru"))
    parser.add_argument("--hidden", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--threads", type=int, default=machine.processors())
    parser.add_argument("--limit", type=float, default=math.inf, help="seconds after which no further shape is begun")
    options = parser.parse_args()
    cells = [options.cell.upper()] if options.cell else ["LSTM", "GRU"]
    widths = [options.hidden] if options.hidden else QUICK_HIDDEN if options.quick else HIDDEN
    batches = [options.batch] if options.batch else QUICK_BATCH if options.quick else BATCH
    shapes = [Shape(cell=cell, hidden=hidden, batch=batch) for hidden in widths for batch in batches for cell in cells]
    with torch.no_grad():
        for shape in TimeLimit(options.limit).over(shapes, "shapes"):
            print(json.dumps(measure(shape, options.heft, options.threads, options.quick)), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
