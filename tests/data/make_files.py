"""Writes the small files of tests/data/files that the unit tests read: NumPy's and safetensors' own output.

Needs numpy and safetensors; run it from anywhere. The files change only where those libraries change their format.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

folder = Path(__file__).parent / "files"
folder.mkdir(exist_ok=True)


def example(kind):
    """Six values, the last (and for signed types the first) at the edge of the type."""
    dtype = np.dtype(kind)
    if dtype.kind == "b":
        return np.array([[True, False, True], [False, False, True]])
    if dtype.kind == "f":
        return np.array([[-1.5, -0.25, 0], [1 / 3, 1024, np.finfo(dtype).max]], dtype)
    limits = np.iinfo(dtype)
    # uint64's upper half has no int64; its own file shows the refusal.
    top = np.iinfo(np.int64).max if dtype == np.uint64 else limits.max
    return np.array([[limits.min, 1, 2], [3, 4, top]], dtype)


kinds = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]
every = {kind: example(kind) for kind in kinds}

np.savez(folder / "every_type.npz", **every)
np.savez_compressed(folder / "deflated.npz", zeros=np.zeros((100, 100), np.float32), **every)
save_file(every, folder / "every_type.safetensors", metadata={"text": 'ä "quoted"\n'})

# Written alike by Heft, byte for byte.
alike = {"empty": np.zeros((0, 3), np.float32), "one": np.array(2.5, np.float32), "table": every["float32"]}
save_file(alike, folder / "alike.safetensors", metadata={"k": "v"})
np.save(folder / "table.npy", every["float32"])
np.save(folder / "vector.npy", np.arange(12, dtype=np.int64))
np.save(folder / "one.npy", np.array(2.5))
np.save(folder / "bool.npy", every["bool"])

cube = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
np.save(folder / "fortran.npy", np.asfortranarray(cube))
np.save(folder / "big_endian.npy", np.asfortranarray(cube).astype(">f8"))
for version in (2, 3):
    with open(folder / f"version{version}.npy", "wb") as file:
        np.lib.format.write_array(file, cube, version=(version, 0))

np.save(folder / "above_int64.npy", np.array([1, 2**63], np.uint64))
np.save(folder / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
np.save(folder / "complex.npy", np.array([1 + 2j]))
np.save(folder / "structured.npy", np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]))
np.save(folder / "text.npy", np.array(["abc"]))
