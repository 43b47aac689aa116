"""Estimates of every weight: `heft rank --method response` beside per-sample gradients in Python, time and quality.

    python bench/response.py --heft build/heft [--quick] [--threads N] [--limit S]

vmap: torch.func.vmap over samples of one gradient for each output (jacrev: torch.func's own vmap(grad) over outputs, which shares the
      forward), the network written step by step (plain_cells.py says why).
backward: the module with torch.nn.LSTM or GRU, a backward for each sample and output; a part of them is timed where all take long.

Both give |gradient x weight|, its root mean square over samples and outputs: what removing the weight would do if the model were
linear. Python runs in float32, Heft's response in float64 and float32. Seconds of Heft are those of its estimates; the whole command,
which also executes a random sample to give the estimates intervals, stands beside them.

Quality: Spearman's correlation with executed impacts (`heft rank --method exhaustive`) over the 100 weights that are first by them. Where
executing all weights would take long, those executed are the first 100 of each of the two. Weights that the response run executed itself are
left out: they have no estimate.

Bound: an adjoint for every output (2 operations a weight, sample and step) and as many multiply-adds again to join them, at the speed of
torch's float32 matrix product.
"""
import argparse
import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.func import jacrev

import heft_command
import machine
import made_model
import plain_cells
from made_model import Made, Shape
from time_limit import TimeLimit

MODELS = Path(__file__).resolve().parent.parent / "models"
TOP = 100
EXHAUSTIVE_WORK = 3e12   # weights x weights x samples x steps: up to here every weight is executed
GRADIENT_BYTES = 256e6   # of gradients at once
BACKWARD_SECONDS = 4
TURNS, TURN_SECONDS = 3, 15  # as many turns, unless they take longer together; the fastest counts, since what disturbs only adds


@dataclass
class Case:
    name: str
    shape: Shape
    module: Made
    inputs: Tensor


def made(shape: Shape) -> Case:
    return Case(f"{shape.cell} {shape.layers} x {shape.hidden}", shape, *made_model.make(shape))


def digits_lstm() -> Case:
    """The trained model that ships: real weights have heavy tails, which is where gradients go wrong."""
    inputs = next(iter(heft_command.read_safetensors(MODELS / "digits-lstm-inputs.safetensors").values()))
    shape = Shape(inputs=8, hidden=128, layers=2, batch=len(inputs), steps=8)
    module, _ = made_model.make(shape)
    module.load_state_dict(torch.jit.load(str(MODELS / "digits-lstm.pt")).state_dict())
    return Case("digits-lstm", shape, module, inputs)


def cases(quick: bool) -> list:
    """Functions, so that one case is in memory at a time."""
    # A gain over PyTorch's initial weights: those are so small that any estimate is right.
    small = Shape(inputs=16, hidden=32, batch=8, steps=16, gain=1.4)
    shapes = [small, small.but(cell="GRU"), small.but(hidden=128, layers=2, batch=8, steps=32)]
    if not quick:
        middle = Shape(inputs=64, hidden=256, layers=2, batch=16, steps=32, gain=1.4)
        shapes += [middle.but(hidden=64, batch=16), middle, middle.but(cell="GRU"), middle.but(inputs=256, hidden=1024, batch=4, steps=16)]
    made_ones = [lambda shape=shape: made(shape) for shape in shapes]
    return [*made_ones[:2], digits_lstm, *made_ones[2:]]


def by_vmap(case: Case) -> dict[str, Tensor]:
    weights = made_model.weights_of(case.module)
    size = sum(weight.numel() for weight in weights.values())
    at_once = int(max(1, GRADIENT_BYTES / (4 * size * case.shape.outputs)))
    squares = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    of_samples = torch.func.vmap(jacrev(lambda w, x: plain_cells.forward(w, x[None], case.shape.cell)[0]), in_dims=(None, 0))
    for some in case.inputs.split(at_once):
        for name, gradient in of_samples(weights, some).items():
            squares[name] += gradient.square_().sum((0, 1))
    count = len(case.inputs) * case.shape.outputs
    return {name: (square / count).sqrt() * weights[name].abs() for name, square in squares.items()}


def backward_seconds(case: Case) -> tuple[float, int]:
    """Of all backwards, from as many as fit into BACKWARD_SECONDS; and how many those were."""
    parameters = list(case.module.parameters())
    squares = [torch.zeros_like(parameter) for parameter in parameters]
    done, begin = 0, time.perf_counter()
    for sample in case.inputs.split(1):
        outputs = case.module(sample)[0]
        for output in outputs:
            for square, gradient in zip(squares, torch.autograd.grad(output, parameters, retain_graph=True)):
                square += gradient.square_()
            done += 1
        if time.perf_counter() - begin > BACKWARD_SECONDS:
            break
    return (time.perf_counter() - begin) * len(case.inputs) * case.shape.outputs / done, done


def flat(tensors: dict[str, Tensor], names: list[str]) -> Tensor:
    return torch.cat([tensors[name].detach().flatten().double() for name in names])


def first(scores: Tensor, count: int) -> Tensor:
    return scores.topk(min(count, len(scores))).indices


def named(module: Made, chosen: Tensor) -> list[str]:
    """Names of weights, by their places among all of them."""
    names, begin = [], 0
    for name, parameter in module.named_parameters():
        inside = chosen[(chosen >= begin) & (chosen < begin + parameter.numel())] - begin
        names += heft_command.weight_names(name, parameter.shape, inside.tolist())
        begin += parameter.numel()
    return names


def spearman(a: Tensor, b: Tensor) -> float:
    ranks = [values.argsort().argsort().double() for values in (a, b)]
    return torch.corrcoef(torch.stack(ranks))[0, 1].item()


def measure(case: Case, heft: Path, threads: int) -> dict:
    torch.set_num_threads(threads)
    names = [name for name, _ in case.module.named_parameters()]
    size = sum(parameter.numel() for parameter in case.module.parameters())
    shape = case.shape
    with tempfile.TemporaryDirectory(prefix="heft-bench-") as folder:
        files = made_model.save(case.module, case.inputs, Path(folder))
        one = replace(case, inputs=case.inputs[:1])
        by_vmap(one), backward_seconds(one)  # what only a first call does
        times = {"heft": [], "vmap": [], "backward": []}
        begin = time.perf_counter()
        while len(times["heft"]) < TURNS and (not times["heft"] or time.perf_counter() - begin < TURN_SECONDS):
            ranked = heft_command.rank(heft, files, Path(folder), "--method", "response", "--threads", threads)
            times["heft"].append(ranked.cost["response_seconds"])
            vmap_begin = time.perf_counter()
            gradients = flat(by_vmap(case), names)
            times["vmap"].append(time.perf_counter() - vmap_begin)
            all_backwards, backwards = backward_seconds(case)
            times["backward"].append(all_backwards)
        response = flat(ranked.tensors("impact"), names)
        estimated = flat(ranked.tensors("measured"), names) == 0

        everything = size * size * shape.batch * shape.steps <= EXHAUSTIVE_WORK
        candidates = torch.cat([first(scores.where(estimated, -1.0), TOP) for scores in (response, gradients)]).unique()
        selection = [] if everything else ["--parameters", *named(case.module, candidates)]
        executed = heft_command.rank(heft, files, Path(folder), "--method", "exhaustive", "--threads", threads, *selection)
        impacts = flat(executed.tensors("impact"), names).nan_to_num(-1.0)
        top = first(impacts.where(estimated, -1.0), TOP)
    floor = 4 * size * shape.batch * shape.steps * shape.outputs
    bound = floor / machine.product_speed(1024, 1024, 1024)
    seconds = {name: min(values) for name, values in times.items()}
    return {"model": case.name, "weights": size, "batch": shape.batch, "steps": shape.steps, "outputs": shape.outputs, "threads": threads,
            "torch": torch.__version__, "heft_seconds": seconds["heft"], "heft_command_seconds": ranked.seconds,
            "heft_peak_bytes": ranked.peak_bytes, "vmap_seconds": seconds["vmap"], "backward_seconds": seconds["backward"],
            "backwards_timed": backwards, "vmap_ratio": seconds["vmap"] / seconds["heft"],
            "backward_ratio": seconds["backward"] / seconds["heft"], "bound_seconds": bound, "bound_share": bound / seconds["heft"],
            "vmap_dtype": "float32", "backward_dtype": "float32", "heft_dtype": "float64 and float32",
            "executed": executed.cost["variants"], "all_executed": everything, "compared": len(top),
            "heft_spearman": spearman(response[top], impacts[top]), "gradient_spearman": spearman(gradients[top], impacts[top])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heft", type=Path, required=True, help="the program")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller models")
    parser.add_argument("--threads", type=int, default=machine.processors())
    parser.add_argument("--limit", type=float, default=math.inf, help="seconds after which no further model is begun")
    options = parser.parse_args()
    for make in TimeLimit(options.limit).over(cases(options.quick), "models"):
        print(json.dumps(measure(make(), options.heft, options.threads)), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
