"""Runs the program as people do, and says what a good refusal looks like."""

import contextlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

HEFT = os.environ["HEFT"]
MODELS = Path(os.environ["HEFT_MODELS"])
DATA = Path(os.environ["HEFT_TEST_DATA"])
FIXTURES = DATA / "models"
INDEX = {entry["name"]: entry for entry in json.loads((FIXTURES / "index.json").read_text())}

# Kinds of failure, as in "heft --help".
VERIFY, USAGE, MODEL, INPUT, UNSUPPORTED, OUTPUT, MEMORY, STOPPED = 1, 2, 3, 4, 5, 6, 7, 130

# What a person must never see: the insides of Heft, LibTorch or Python.
INSIDES = ("Traceback", "terminate", "frame #", "Exception raised from", "C++ exception", "defect of heft", "enforce fail", "0x55", "0x7f")


def other_threads(number: int) -> int:
    """As many threads, to see that bits don't depend on them; 1 where they do: MKL on AMD processors without AVX-512."""
    processor = Path("/proc/cpuinfo").read_text()
    return 1 if "AuthenticAMD" in processor and "avx512f" not in processor else number


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out, parse_constant=lambda word: 1 / 0)  # NaN and Infinity are no JSON


def environment(threads: int = 1) -> dict:
    return {**os.environ, "OMP_NUM_THREADS": str(threads)}


def heft(*arguments, hidden: bool = False, timeout: float = 300, **options) -> Result:
    """`hidden` hides the machine's GPUs."""
    env = {**environment(), **({"CUDA_VISIBLE_DEVICES": ""} if hidden else {})}
    done = subprocess.run([HEFT, *map(str, arguments)], capture_output=True, text=True, env=env, timeout=timeout, **options)
    return Result(done.returncode, done.stdout, done.stderr)


def succeed(*arguments, **options) -> Result:
    result = heft(*arguments, **options)
    assert result.code == 0, result
    assert not any(word in result.err for word in INSIDES), result.err
    return result


def refuse(code: int, *texts, of: Result) -> str:
    """The one line of a refusal of this kind, which holds each of the texts."""
    assert of.code == code, of
    assert of.err.count("\n") == 1 and of.err.endswith("\n"), of.err
    assert of.out == "", of.out
    assert not any(word in of.err for word in INSIDES), of.err
    for text in texts:
        assert text in of.err, of.err
    return of.err


def error_line(result: Result) -> str:
    """The one line on standard error."""
    lines = result.err.splitlines()
    assert len(lines) == 1, result.err
    return lines[0]


def model_arguments(name: str) -> list:
    """MODEL, --inputs and what else a fixture needs."""
    entry = INDEX[name]
    arguments = [FIXTURES / entry["file"], "--inputs", FIXTURES / entry["inputs"]]
    if entry["stream"]:
        arguments.append("--stream")
    if entry.get("carry"):
        arguments += ["--carry", *entry["carry"]]
    return arguments + (["--output-target", entry["output_target"]] if entry["output_target"] else [])


def rank(name: str, run: Path, *arguments, **options) -> Result:
    return heft("rank", *model_arguments(name), "-q", "-o", run, *arguments, **options)


def bundled(name: str, *arguments) -> list:
    """MODEL and --inputs of a bundled model."""
    return [MODELS / f"{name}.pt", "--inputs", MODELS / f"{name}-inputs.safetensors", *arguments]


def few_inputs(name: str, folder: Path, samples: int) -> Path:
    """The first samples of a bundled model's inputs, as a file of its own."""
    (key, values), = load_file(MODELS / f"{name}-inputs.safetensors").items()
    file = folder / f"{name}-{samples}.npz"
    np.savez(file, **{key: values[:samples]})
    return file


@contextlib.contextmanager
def mounted(folder: Path, options: str):
    """A file system of its own in memory; skipped by name where nobody may mount one."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def impacts(run: Path, what: str = "impact") -> dict:
    return load_file(run / f"{what}.safetensors")


def bits(run: Path) -> dict:
    """Every file of a run that must not depend on how it came about: all but run.json, which tells the time."""
    return {file.name: file.read_bytes() for file in run.iterdir() if file.name != "run.json"}
