"""What scripts/bench says where it can't measure, and how it measures a command."""

import json
import os
import subprocess
import sys

from heft import MODELS

ROOT = MODELS.parent


def bench(*arguments, **environment):
    return subprocess.run([sys.executable, ROOT / "scripts" / "bench", *arguments], capture_output=True, text=True,
                          env={**os.environ, **environment})


def test_a_named_python_without_torch_is_refused_in_one_line():
    done = bench("--only", "peers", "--no-build", HEFT_BENCH_PYTHON="/no/such/python")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "HEFT_BENCH_PYTHON=/no/such/python has no torch; 2.11 is needed\n"


def test_help_lists_every_part():
    done = bench("--help")
    assert done.returncode == 0
    for part in ("exhaustive", "estimates", "peers", "response", "growth"):
        assert f"\n{part} " in done.stdout


def test_time_and_peak_memory_are_those_of_the_command(tmp_path):
    file = tmp_path / "about.json"
    taken = 300_000_000
    held = b"x" * taken  # what this process holds must not count
    for code, low, high in (("pass", 0, taken / 2), (f"b'x' * {taken}; raise SystemExit(3)", taken, 2 * taken)):
        subprocess.run([sys.executable, "-S", ROOT / "bench" / "measured_child.py", file, sys.executable, "-S", "-c", code], check=True)
        about = json.loads(file.read_text())
        assert about["status"] == (0 if code == "pass" else 3)
        assert low < about["peak_bytes"] < high
        assert 0 < about["seconds"] < 30
    assert len(held) == taken
