"""Heft as its users run it: by its command line, with the time and the peak memory of the whole process."""
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from measured import measured
from torch import Tensor

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "U8": torch.uint8, "BOOL": torch.bool}


@dataclass
class Ranked:
    summary: dict  # what --json prints
    run: Path      # the run folder
    seconds: float
    peak_bytes: int

    @property
    def cost(self) -> dict:
        return self.summary["cost"]

    def tensors(self, what: str) -> dict[str, Tensor]:
        """impact, measured, …: a tensor for each parameter."""
        return read_safetensors(self.run / f"{what}.safetensors")


def rank(heft: Path, model: list, folder: Path, *arguments) -> Ranked:
    """`heft rank` into a new run folder inside `folder`; model: made_model.save's arguments."""
    run = folder / f"run-{len(list(folder.glob('run-*')))}"
    command = [heft, "rank", *model, "--json", "-q", "-o", run, *arguments]
    done, child = measured(command, folder / "child.json")
    if child["status"] != 0:
        sys.exit(f"heft rank failed: {' '.join(done.stderr.split()[-60:]) or child['status']}")
    return Ranked(json.loads(done.stdout), run, child["seconds"], child["peak_bytes"])


def read_safetensors(file: Path) -> dict[str, Tensor]:
    """Read by hand, since torch comes without the safetensors package."""
    data = bytearray(file.read_bytes())
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        count = math.prod(entry["shape"])
        first = begin + entry["data_offsets"][0]
        tensors[name] = torch.frombuffer(data, dtype=DTYPES[entry["dtype"]], count=count, offset=first).reshape(entry["shape"])
    return tensors


def weight_names(parameter: str, shape: torch.Size, indices: list[int]) -> list[str]:
    """As --parameters takes them: rnn.weight_hh_l0[3,7] or rnn.bias_ih_l0[3]."""
    if len(shape) == 1:
        return [f"{parameter}[{i}]" for i in indices]
    return [f"{parameter}[{i // shape[1]},{i % shape[1]}]" for i in indices]
