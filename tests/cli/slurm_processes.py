"""Stands in for Slurm where there is none: sbatch, squeue and scontrol in a folder of their own, and background processes with the
variables that Slurm sets, two at once. It knows what scripts/slurm needs, and no more."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from slurm_cluster import wait_until

# Run by each of the three names. A job is a file NUMBER.json, its state is NUMBER.state or, of an array's task, NUMBER_TASK.state.
PROGRAM = """#!{python}
import json, os, pathlib, sys
spool, name, arguments = pathlib.Path({spool!r}), pathlib.Path(sys.argv[0]).name, sys.argv[1:]
def states(job):
    return [file.read_text() for file in [*spool.glob(job + ".state"), *spool.glob(job + "_*.state")]]
if name == "sbatch":
    number = 1 + len(list(spool.glob("*.json")))
    (spool / "new").write_text(json.dumps(dict(arguments=arguments, folder=os.getcwd(), environment=dict(os.environ))))
    os.rename(spool / "new", spool / (str(number) + ".json"))
    print(number)
elif name == "squeue":
    for job in arguments[arguments.index("-j") + 1].split(","):
        known = states(job) or (["PENDING"] if (spool / (job + ".json")).exists() else [])
        for state in known:
            if state in ("PENDING", "RUNNING"):
                print(state if "%T" in arguments else job)
else:
    (spool / (arguments[1] + ".requeue")).touch()
"""
AT_ONCE = 2


class Task:
    def __init__(self, job, index):
        self.job, self.index, self.process, self.restarts = job, index, None, 0
        self.name = job.number if index is None else f"{job.number}_{index}"
        self.file = job.spool / f"{self.name}.state"
        self.enter("PENDING")

    def enter(self, state):
        self.state = state
        self.file.write_text(state)

    def start(self):
        job = self.job
        log = Path(job.options["output"].replace("%a", str(self.index)))
        environment = {**job.environment, "SLURM_JOB_ID": job.number, "SLURM_RESTART_COUNT": str(self.restarts),
                       "SLURM_CPUS_PER_TASK": job.options["cpus-per-task"]}
        if self.index is not None:
            environment |= {"SLURM_ARRAY_JOB_ID": job.number, "SLURM_ARRAY_TASK_ID": str(self.index),
                            "SLURM_ARRAY_TASK_MIN": str(min(job.indices)), "SLURM_ARRAY_TASK_COUNT": str(len(job.indices))}
        self.enter("RUNNING")
        with (job.folder / log).open("a") as to:
            self.process = subprocess.Popen(job.command, cwd=job.folder, env=environment, stdout=to, stderr=to, start_new_session=True)

    def end(self, code):
        self.process = None
        wanted = self.job.spool / f"{self.name}.requeue"
        if wanted.exists():
            wanted.unlink()
            self.restarts += 1
            self.enter("PENDING")
        elif self.state == "RUNNING":
            self.enter("COMPLETED" if code == 0 else "FAILED")


class Job:
    def __init__(self, spool, file):
        self.spool, self.number = spool, file.stem
        asked = json.loads(file.read_text())
        self.folder, self.environment = Path(asked["folder"]), asked["environment"]
        options = [word for word in asked["arguments"] if word.startswith("--")]
        first = next(i for i, word in enumerate(asked["arguments"]) if not word.startswith("--"))
        self.command = asked["arguments"][first:]
        self.options = dict((word[2:].split("=", 1) + [""])[:2] for word in options[:first])
        self.indices = []
        for piece in filter(None, self.options.get("array", "").split(",")):
            begin, _, end = piece.partition("-")
            self.indices += range(int(begin), int(end or begin) + 1)
        self.tasks = [Task(self, index) for index in self.indices or [None]]


class Processes:
    def __init__(self, folder: Path):
        self.spool = folder / "spool"
        (folder / "bin").mkdir()
        self.spool.mkdir()
        for name in ("sbatch", "squeue", "scontrol"):
            (folder / "bin" / name).write_text(PROGRAM.format(python=sys.executable, spool=str(self.spool)))
            (folder / "bin" / name).chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
        self.jobs: dict[str, Job] = {}
        self.lock, self.ending = threading.Lock(), threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _tasks(self):
        return [task for job in self.jobs.values() for task in job.tasks]

    def _work(self):
        while not self.ending.wait(0.02):
            with self.lock:
                for file in sorted(self.spool.glob("*.json"), key=lambda file: int(file.stem)):
                    if file.stem not in self.jobs:
                        self.jobs[file.stem] = Job(self.spool, file)
                for task in self._tasks():
                    if task.process is not None and task.process.poll() is not None:
                        task.end(task.process.returncode)
                for task in self._tasks():
                    running = sum(one.process is not None for one in self._tasks())
                    if task.state == "PENDING" and running < AT_ONCE:
                        self._start_if_ready(task)

    def _start_if_ready(self, task):
        waits_for = re.search(r"afterok:(\d+)", task.job.options.get("dependency", ""))
        before = [one.state for one in self.jobs[waits_for[1]].tasks] if waits_for else []
        if any(state in ("FAILED", "CANCELLED") for state in before):
            task.enter("CANCELLED")
        elif all(state == "COMPLETED" for state in before):
            task.start()

    def _find(self, name) -> list[Task]:
        return [task for task in self._tasks() if name in (task.name, task.job.number)]

    def settle(self, seconds: float = 120) -> None:
        def idle():
            with self.lock:
                taken_in = len(self.jobs) == len(list(self.spool.glob("*.json")))
                return taken_in and not any(task.state in ("PENDING", "RUNNING") or task.process for task in self._tasks())

        wait_until(idle, seconds, "an empty queue")

    def state(self, job: str) -> str:
        with self.lock:
            return self._find(job)[0].state

    def requeue(self, job: str) -> None:
        """As Slurm does it: SIGTERM for each process of the job."""
        with self.lock:
            for task in self._find(job):
                (self.spool / f"{task.name}.requeue").touch()
                task.enter("COMPLETING")
                os.killpg(task.process.pid, signal.SIGTERM)

    def cancel(self, job: str) -> None:
        with self.lock:
            for task in self._find(job):
                task.enter("CANCELLED")
                if task.process:
                    os.killpg(task.process.pid, signal.SIGTERM)

    def preempt(self, job: str) -> None:
        """As sbatch's --signal=B:TERM@60: the shell alone is told."""
        with self.lock:
            self._find(job)[0].process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        self.ending.set()
        self.thread.join()
        for task in self._tasks():
            if task.process:
                os.killpg(task.process.pid, signal.SIGKILL)
                task.process.wait()
