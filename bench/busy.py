"""heft rank with the machine for itself and beside two busy processes, by default and with one thread: one row of JSON a job."""
import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measured import measured
from time_limit import TimeLimit

MODELS = Path(__file__).resolve().parent.parent / "models"
BUSY = 2  # processes
TURNS = 3
JOBS = [
    ("weather-gru",),
    ("weather-gru", "--method", "exhaustive"),
    ("digits-lstm", "--method", "response"),
    ("digits-lstm", "--method", "exhaustive", "--parameters", "rnn.weight_hh_l1[0:64,:]"),
]


@contextlib.contextmanager
def busy(processes):
    """Beside so many processes that never rest."""
    beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in beside:
            one.kill()
            one.wait()


def seconds(command, folder):
    done, child = measured([*command, "-o", folder / f"run-{len(list(folder.iterdir()))}"], folder / "child.json")
    if child["status"] != 0:
        sys.exit(f"{' '.join(map(str, command[:3]))} failed: {done.stderr.strip()}")
    return child["seconds"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--heft", type=Path, required=True)
    parser.add_argument("--limit", type=float, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    limit = TimeLimit(options.limit)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for model, *arguments in limit.over(JOBS, "jobs"):
            command = [options.heft, "rank", MODELS / f"{model}.pt", "--inputs", MODELS / f"{model}-inputs.safetensors", *arguments, "-q"]
            row = {"model": model, "arguments": " ".join(arguments) or "(auto)"}
            for beside, name in ((0, "quiet"), (BUSY, "busy")):
                with busy(beside):
                    # In turns, so that what else the machine does meets both alike; the least of each.
                    turns = [(seconds(command, folder), seconds([*command, "--threads", "1"], folder)) for _ in range(1 if options.quick else TURNS)]
                row[f"{name}_seconds"], row[f"{name}_one_thread_seconds"] = (min(way) for way in zip(*turns))
                row[f"{name}_ratio"] = row[f"{name}_seconds"] / row[f"{name}_one_thread_seconds"]
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
