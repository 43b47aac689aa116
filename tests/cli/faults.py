"""Kills programs at chosen moments and sees whether going on gives the same bits. `python faults.py --kills 200` prints a table."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from heft import HEFT, MODELS, environment, succeed

INPUTS = [MODELS / "weather-gru.pt", "--inputs", MODELS / "weather-gru-inputs.safetensors", "-q"]
# Everything in it happens: estimates, calibration, settling, components.
AUTO = ["rank", *INPUTS, "--budget", "500", "--components", "weight", "layer", "gate"]
EXHAUSTIVE = ["rank", *INPUTS, "--method", "exhaustive", "--parameters", "rnn.weight_hh_l0[0:12,:]", "--components", "weight", "row"]
FAST = {"FAULT_FAST": "100000"}  # what is written every ten seconds is written after every step


def shim(folder: Path) -> Path | None:
    """The library that makes disks fail and clocks jump; None where nothing compiles it."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        return None
    library = folder / "fault_shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).with_name("fault_shim.c"), "-ldl"], check=True)
    return library


def files(run: Path) -> dict:
    """All that a run folder holds but what tells the time."""
    return {str(one.relative_to(run)): one.read_bytes() for one in run.rglob("*") if one.is_file() and one.name not in ("run.json", "shards.json")}


@dataclass
class Stage:
    """A command, how it is begun, gone on with, and what it must end with."""

    name: str
    command: list  # but for the folder
    resume: list
    before: Path | None = None  # the folder as it is before
    after: list = field(default_factory=list)  # what makes the run of it, once it is done; @ stands for the folder
    whole: dict = field(default_factory=dict)
    seconds: float = 0
    changes: int = 0  # of files

    def put(self, folder: Path) -> Path:
        run = folder / "run"
        if self.before:
            shutil.copytree(self.before, run)
        return run

    def arguments(self, run: Path, resume: bool) -> list:
        where = [run] if self.name == "report" else ["-o", run]
        return [HEFT, *map(str, [*self.command, *where, *(self.resume if resume else [])])]

    def finish(self, run: Path) -> dict:
        """What it ended with: the folder's files, or those of the run made of it."""
        if not self.after:
            return files(run)
        made = run.parent / "made"
        succeed(*[str(run) if one == "@" else one for one in self.after], "-o", made, "-q")
        found = files(made)
        shutil.rmtree(made)
        return found


class Faults:
    """The stages, prepared once in `folder`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.library = shim(folder)
        for part in (1, 2):
            succeed(*EXHAUSTIVE, "--shard", f"{part}/2", "-o", folder / "parts" / str(part))
            succeed(*AUTO, "--shard", f"{part}/2", "-o", folder / "auto" / str(part))
        succeed(*AUTO, "-o", folder / "old" / "run")
        (folder / "old" / "run" / "report.html").write_text("an older page")
        stages = [
            Stage("rank auto", AUTO, ["--resume"]),
            Stage("rank exhaustive", EXHAUSTIVE, ["--resume"]),
            Stage("rank --shard", [*EXHAUSTIVE, "--shard", "1/2"], ["--resume"], after=["merge", "@", folder / "parts" / "2"]),
            Stage("merge", ["merge", folder / "auto" / "1", folder / "auto" / "2", "-q"], ["--resume"]),
            Stage("report", ["report"], [], before=folder / "old" / "run"),
        ]
        self.stages = {stage.name: stage for stage in stages}
        for stage in stages:
            run = stage.put(folder / stage.name)
            begin = time.monotonic()
            count = folder / "count"
            code, _, err = self.run(stage.arguments(run, False), FAULT_COUNT=str(count), **FAST)
            assert code == 0, (stage.name, err)
            stage.seconds = time.monotonic() - begin
            stage.changes = int(count.read_text()) if self.library else 0
            stage.whole = stage.finish(run)
        # One process, parts and their merge are one run.
        assert self.stages["rank --shard"].whole == self.stages["rank exhaustive"].whole
        assert self.stages["merge"].whole == self.stages["rank auto"].whole

    def start(self, command: list, **faults) -> subprocess.Popen:
        env = {**environment(), **faults, **({"LD_PRELOAD": str(self.library)} if self.library and faults else {})}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)

    def run(self, command: list, **faults) -> tuple:
        process = self.start(command, **faults)
        out, err = process.communicate(timeout=3600)
        return process.returncode, out, err

    def kill_after(self, seconds: float, command: list) -> int:
        process = self.start(command, **FAST)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        return process.returncode


@dataclass
class Trial:
    stage: str
    kills: list  # what each was: "at 0.31 s", "at change 17 of 80"
    problem: str = ""
    resumed: bool = False  # there was something to go on with


def half_made(stage: Stage, run: Path) -> str:
    """What of a killed command's folder passes for whole and isn't; empty: nothing."""
    if not run.exists():
        return ""
    found = {name: content for name, content in files(run).items() if "/" not in name and not name.startswith(".")}
    for name, content in found.items():
        if name not in stage.whole and name != "shard.json":
            return f"{name} is there, which the run doesn't have"
        if name in stage.whole and content != stage.whole[name] and (name, content) != ("report.html", b"an older page"):
            return f"{name} is there, and not as the run has it"
    if (run / "run.json").exists():
        json.loads((run / "run.json").read_text())
        missing = {name for name in stage.whole if name != "report.html"} - set(found)
        if missing:
            return f"run.json is there, and {sorted(missing)} are not"
    if (run / "shard.json").exists():
        json.loads((run / "shard.json").read_text())
    return ""


def trial(faults: Faults, stage: Stage, random: np.random.Generator) -> Trial:
    """One to three kills, at moments drawn from all of the command's time or in front of one of its changes of a file."""
    folder = Path(tempfile.mkdtemp(dir=faults.folder))
    run = stage.put(folder)
    result = Trial(stage.name, [])
    resume = False
    for _ in range(1 + random.choice(3, p=[0.7, 0.2, 0.1])):
        command = stage.arguments(run, resume)
        if stage.changes and random.random() < 0.6:
            number = int(random.integers(1, stage.changes + 1))
            what, code = f"at change {number} of {stage.changes}", faults.run(command, FAULT_KILL=str(number), **FAST)[0]
        else:
            moment = random.uniform(0, 0.95) * stage.seconds
            what, code = f"after {moment:.2f} s of {stage.seconds:.2f}", faults.kill_after(moment, command)
        if code == -signal.SIGKILL:
            result.kills.append(what)
        elif code != 0:
            result.problem = f"exit status {code} before it was killed"
            break
        result.problem = half_made(stage, run)
        resume = run.exists()
        if result.problem or code == 0:
            break
    if not result.problem:
        result.resumed = resume and any(run.iterdir())
        code, _, err = faults.run(stage.arguments(run, resume))
        found = stage.finish(run) if code == 0 else {}
        left = sorted(one.name for one in run.rglob(".*")) if run.exists() else []
        if code != 0:
            result.problem = f"exit status {code} on going on: {err.strip()}"
        elif found != stage.whole:
            result.problem = f"other bits in {sorted(name for name in set(found) | set(stage.whole) if found.get(name) != stage.whole.get(name))}"
        elif left:
            result.problem = f"left over: {left}"
    shutil.rmtree(folder)
    return result


def trials(faults: Faults, names: list, kills: int, seed: int, told=lambda trial: None) -> list:
    """Until there were so many kills, the stages in turn, two at a time."""

    def one(number: int) -> Trial:
        return trial(faults, faults.stages[names[number % len(names)]], np.random.default_rng((seed, number)))

    done = []
    with ThreadPoolExecutor(2) as two:
        while (missing := kills - sum(len(each.kills) for each in done)) > 0:
            # A trial is one kill and a half, or none where the command was faster.
            for each in two.map(one, range(len(done), len(done) + max(1, missing * 2 // 3))):
                told(each)
                done.append(each)
    return done


def table(done: list) -> str:
    rows = [("stage", "kills", "of them at a write", "runs", "gone on with", "equal bits", "failures")]
    kinds = Counter((one.stage, "change" in kill) for one in done for kill in one.kills)
    for stage in [*dict.fromkeys(one.stage for one in done), "all"]:
        of = [one for one in done if stage in (one.stage, "all")]
        writes = sum(count for (name, write), count in kinds.items() if write and stage in (name, "all"))
        failed = sum(bool(one.problem) for one in of)
        rows.append((stage, sum(len(one.kills) for one in of), writes, len(of), sum(one.resumed for one in of), len(of) - failed, failed))
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width) for i, (cell, width) in enumerate(zip(row, widths)))
                     for row in rows)


def main():
    parser = argparse.ArgumentParser(prog="scripts/faults", description="Kills heft at moments drawn by chance and goes on.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heft-faults-") as folder:
        faults = Faults(Path(folder))
        if not faults.library:
            print("no C compiler is here: all kills are at moments, none at a write", file=sys.stderr)

        def tell(one):
            if one.problem:
                print(f"{one.stage}, killed {', '.join(one.kills)}: {one.problem}", file=sys.stderr)

        done = trials(faults, list(faults.stages), options.kills, options.seed, tell)
    print(f"seed {options.seed}")
    print(table(done))
    sys.exit(1 if any(one.problem for one in done) else 0)


if __name__ == "__main__":
    main()
