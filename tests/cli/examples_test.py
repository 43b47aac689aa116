"""The examples in Python run, and say what Heft says. What is in C++ is in install_test.py."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

from heft import MODELS, bundled, impacts, succeed

EXAMPLES = Path(os.environ["HEFT_EXAMPLES"]) / "python"
INPUTS = MODELS / "weather-gru-inputs.safetensors"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples") / "run"
    succeed("rank", *bundled("weather-gru"), "--method", "response", "-q", "-o", folder)
    return folder


def example(name: str, *arguments, python: str = sys.executable) -> str:
    done = subprocess.run([python, EXAMPLES / name, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def python_with_torch() -> str:
    """HEFT_BENCH_PYTHON, as scripts/bench takes it, or python3."""
    for python in (os.environ.get("HEFT_BENCH_PYTHON"), "python3"):
        if python and subprocess.run([python, "-c", "import torch, safetensors.torch"], capture_output=True).returncode == 0:
            return python
    pytest.skip("no Python with torch and safetensors is here; name one in HEFT_BENCH_PYTHON")


def test_read_run_joins_the_top_with_where_it_stands(run, tmp_path):
    said = example("read_run.py", run, 7)
    succeed("export", run, "-o", tmp_path / "weights.csv")
    expected = pandas.read_csv(tmp_path / "weights.csv").nlargest(7, "impact")
    shapes = {name: values.shape for name, values in impacts(run).items()}
    rows = [row.split() for row in said.split("\n\n")[0].splitlines()[1:]]
    assert len(rows) == 7
    for row, (_, one) in zip(rows, expected.iterrows()):
        parameter, at, column, weight, impact, lower, upper, rank, site, layer, gate = row
        columns = shapes[parameter][1] if len(shapes[parameter]) > 1 else 1
        assert (parameter, int(at) * columns + int(column)) == (one["parameter"], one["index"])
        assert float(weight) == pytest.approx(one["weight"], abs=1e-6) and float(impact) == pytest.approx(one["impact"], abs=1e-6)
        assert (site, layer, gate) == ("GRU", one["layer"], one["gate"])
    assert re.search(r"^rnn\.weight_hh_l0 +3072 ", said, re.M)


def test_prune_with_mask_prunes_what_heft_mask_executed(run, tmp_path):
    python = python_with_torch()
    mask = tmp_path / "mask.safetensors"
    said = succeed("mask", run, "--keep", 0.5, "-o", mask, "--json").json
    printed = example("prune_with_mask.py", MODELS / "weather-gru.pt", INPUTS, mask, python=python)
    removed, moved, later = re.match(r"([\d,]+) weights pruned; the output moves by (\S+) \(rms\)\ntrained on, it moves by (\S+)\n", printed).groups()
    assert int(removed.replace(",", "")) == said["removed"]
    assert float(moved) == pytest.approx(said["executed"]["change"], rel=1e-4)
    assert float(later) < float(moved)
    assert printed.endswith("what was pruned is zero\n")
