"""Writes the small saved_*.pt of tests/data/files that the unit tests read, torch.save's own output, and what they hold
as safetensors.

Needs torch and safetensors; run it from anywhere. The files change only where those libraries change their format.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

folder = Path(__file__).parent / "files"
torch.manual_seed(0)

kinds = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64]
types = {str(kind).removeprefix("torch."): (torch.arange(6).reshape(2, 3) - (0 if kind in (torch.bool, torch.uint8) else 3)).to(kind) for kind in kinds}
torch.save(types, folder / "saved_types.pt")
save_file(types, folder / "saved_types.safetensors")

cube = torch.randn(2, 3, 4)
views = {"transposed": cube.transpose(0, 2), "column": cube[:, 1, 2], "every_other": cube[:, :, ::2], "behind": cube.flatten()[5:], "expanded": cube[:1].expand(5, 3, 4),
         "number": torch.tensor(2.5), "none": torch.zeros(0, 3), "row": cube[1, 2], "parameter": torch.nn.Parameter(cube[0]), "whole": cube, "again": cube}
torch.save(views, folder / "saved_views.pt")
save_file({name: view.detach().contiguous().clone() for name, view in views.items()}, folder / "saved_views.safetensors")

nested = (cube[0], [cube[1], cube[0]], OrderedDict(a=1, b=-2.5), {3: cube[0, 0]}, None, True, "ä\n", -3, 2**40, -(2**40), 70000, torch.Size([2, 3]))
for protocol in (2, 3, 4, 5):
    torch.save(nested, folder / f"saved_protocol{protocol}.pt", pickle_protocol=protocol)

refused = {"array": np.zeros(2), "module": torch.nn.Linear(2, 2), "complex": torch.zeros(2, dtype=torch.complex64), "sparse": torch.eye(2).to_sparse(),
           "negative": torch.zeros(2, dtype=torch.complex64).conj().imag, "set": {1, 2}, "bytes": b"a"}
for name, value in refused.items():
    torch.save(value, folder / f"saved_{name}.pt")
torch.save(cube, folder / "saved_legacy.pt", _use_new_zipfile_serialization=False)
