"""What the training scripts share: how a model, its tensors and its card are written."""

import argparse
import os
import sys
from pathlib import Path

# Threads that spin while they wait make training many times slower on a machine that does other work too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from safetensors.torch import save_file

# The archive's own records, which PyTorchFileWriter writes by itself.
WRITTEN_BY_THE_WRITER = ("version", ".data/serialization_id", "byteorder")


def arguments(description: str, **defaults) -> argparse.Namespace:
    """Parses --out, --seed, and one option per keyword (its type is the default's)."""
    hash_alike()
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder to write into")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random")
    for name, (default, help_text) in defaults.items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=help_text)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    return options


def hash_alike() -> None:
    """Starts the script again with Python's hashes fixed, unless they are.

    TorchScript writes a class's constants in the order of a set, so that two runs would give two files.
    """
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})


def save_scripted(model: torch.nn.Module, path: Path) -> torch.jit.ScriptModule:
    """Writes `model` as TorchScript in eval mode; returns what loading the file gives."""
    was_training = model.training
    torch.jit.save(torch.jit.script(model.eval()), path)
    model.train(was_training)
    drop_source_positions(path)
    return torch.jit.load(path).eval()


def drop_source_positions(path: Path) -> None:
    """Rewrites the archive without its debug records.

    They hold the paths of the machine that saved the file and nothing that running it needs.
    """
    reader = torch._C.PyTorchFileReader(str(path))
    records = {
        name: reader.get_record(name)
        for name in reader.get_all_records()
        if not name.endswith(".debug_pkl") and name not in WRITTEN_BY_THE_WRITER
    }
    del reader
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, content in records.items():
        writer.write_record(name, content, len(content))
    writer.write_end_of_file()


def save_tensors(path: Path, **tensors: torch.Tensor) -> None:
    """Writes safetensors; each key is the argument's own name."""
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    path.chmod(0o644)  # safetensors makes files that their owner alone can read


def weight_count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
