"""Runs the program as a user does."""

import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HEFT = os.environ["HEFT"]
BUNDLED = Path(os.environ["HEFT_MODELS"])
DATA = Path(os.environ["HEFT_TEST_DATA"])
FIXTURES = DATA / "models"


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str

    @property
    def json(self):
        """Standard output as JSON; NaN and Infinity, which are no JSON, fail."""
        def refuse(word):
            raise AssertionError(f"{word} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


def heft(*arguments) -> Result:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = subprocess.run([HEFT, *map(str, arguments)], capture_output=True, text=True, timeout=120, env=environment)
    return Result(run.returncode, run.stdout, run.stderr)


@cache
def fixture(name: str) -> dict:
    """The facts of a test model, as its maker wrote them into the index."""
    return {one["name"]: one for one in json.loads((FIXTURES / "index.json").read_text())}[name]


def asked(name: str) -> list:
    """MODEL and the options with which a test model runs."""
    facts = fixture(name)
    stream = ["--stream"] if facts["stream"] else []
    target = ["--output-target", facts["output_target"]] if facts["output_target"] else []
    return [FIXTURES / facts["file"], "--inputs", FIXTURES / facts["inputs"], *stream, *target]


def error_line(result: Result) -> str:
    """The one line on standard error."""
    lines = result.err.splitlines()
    assert len(lines) == 1, result.err
    return lines[0]
