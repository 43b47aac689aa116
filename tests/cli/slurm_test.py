"""scripts/slurm on a Slurm cluster of the test's own, and, where there is no Slurm and where there is, with plain background processes:
what fails is named, what is pre-empted goes on, and the run is the one that a single process makes."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from slurm_cluster import SlurmCluster, Unavailable, wait_until
from slurm_processes import Processes

from heft import HEFT, MODELS, OUTPUT, USAGE, bits, few_inputs, heft, refuse, succeed

SUBMIT = Path(__file__).resolve().parents[2] / "scripts" / "slurm" / "submit"


@pytest.fixture(scope="module", params=[SlurmCluster, Processes], ids=["slurm", "processes"])
def cluster(request, tmp_path_factory):
    try:
        made = request.param(tmp_path_factory.mktemp("cluster"))
    except Unavailable as reason:
        pytest.skip(str(reason))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Some seconds of executing: the arguments; the run that one process makes of it; and its seconds."""
    folder = tmp_path_factory.mktemp("whole")
    inputs = few_inputs("digits-lstm", folder, 6)
    arguments = [MODELS / "digits-lstm.pt", "--inputs", inputs, "--method", "exhaustive", "--parameters", "rnn.weight_hh_l1[0:384,:]"]
    begin = time.monotonic()
    succeed("rank", *arguments, "-q", "-o", folder / "run")
    return arguments, bits(folder / "run"), time.monotonic() - begin


def submit(cluster, *arguments, **environment):
    """The jobs' numbers, by what they do."""
    done = subprocess.run([SUBMIT, *map(str, arguments)], capture_output=True, text=True,
                          env={**cluster.environment, "HEFT": HEFT, "OMP_NUM_THREADS": "1", **environment})
    assert done.returncode == 0 and done.stderr == "", done
    return {word: number for number, word in re.findall(r"job (\d+) (\w+)", done.stdout)}


def merged(run):
    """A merged run's files but for the list of its parts."""
    return {name: content for name, content in bits(run).items() if name != "shards.json"}


def log(run, name) -> str:
    return Path(f"{run}.work/logs/{name}.log").read_text()


def parts(run):
    return sorted(Path(f"{run}.work/parts").iterdir())


def measuring(run, part, seconds):
    """The process that measures a part, when it has done so for that long."""
    folder = f"{run}.work/parts/{part}"

    def find():
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = os.fsdecode(file.read_bytes()).split("\0")  # other tests run what is no UTF-8
            except OSError:  # it has ended meanwhile
                continue
            if "--shard" in words and folder in words and (Path(folder) / "checkpoint").exists():
                return int(file.parent.name)
        return None

    process = wait_until(find, 60, f"part {part} measures")
    time.sleep(seconds)
    return process


def test_one_killed_one_requeued_and_one_with_wrong_inputs_are_told_and_made_good(cluster, work, tmp_path):
    arguments, whole, seconds = work
    run = tmp_path / "run"
    inputs = arguments[2]
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, **{name: 0.5 * values for name, values in np.load(inputs).items()})
    # Where part 6 runs, other inputs lie under the name for a while.
    program = tmp_path / "heft"
    program.write_text(f"""#!/bin/bash
for word; do
  [ "$word" != {inputs} ] || [ "${{SLURM_ARRAY_TASK_ID:-}}" != 6 ] || [ ! -e {wrong} ] || word={wrong}
  words+=("$word")
done
exec {HEFT} "${{words[@]}}"
""")
    program.chmod(0o755)
    command = [*arguments, "--shards", 7, "-o", run]
    jobs = submit(cluster, *command, HEFT=str(program))
    os.kill(measuring(run, 2, 0.35 * seconds / 7), signal.SIGKILL)
    measuring(run, 4, 0.45 * seconds / 7)
    cluster.requeue(f"{jobs['measures']}_4")
    refused = subprocess.run([SUBMIT, *map(str, command)], env={**cluster.environment, "HEFT": str(program)}, capture_output=True, text=True)
    assert refused.returncode == USAGE and f"scancel {jobs['measures']}" in refused.stderr, refused
    cluster.settle()
    assert [cluster.state(f"{jobs['measures']}_{part}") for part in (1, 2, 4, 6)] == ["COMPLETED", "FAILED", "COMPLETED", "COMPLETED"]
    assert cluster.state(jobs["merges"]) == "CANCELLED" and not run.exists()
    assert re.search(r"stopped; [\d,]+ measured weights? kept", log(run, "part-4"))
    assert re.search(r"shard +4/7: [\d,]+ weights? measured before", log(run, "part-4"))

    wrong.unlink()
    refuse(OUTPUT, "inputs", f"{run}.work/parts/6", of=heft("merge", *parts(run), "-o", run))
    shutil.rmtree(f"{run}.work/parts/6")
    refuse(OUTPUT, "missing or unfinished: 2/7, 6/7;", of=heft("merge", *parts(run), "-o", run))

    jobs = submit(cluster, *command, HEFT=str(program))
    cluster.settle()
    assert {cluster.state(jobs["merges"]), *(cluster.state(f"{jobs['measures']}_{part}") for part in (2, 6))} == {"COMPLETED"}
    assert merged(run) == whole
    assert [log(run, f"part-{part}").count("model   ") for part in (1, 2, 6)] == [1, 2, 2], "only what was missing was to run again"
    assert str(run) in log(run, "merge")


def test_a_preempted_part_saves_queues_itself_again_and_loses_nothing(cluster, work, tmp_path):
    arguments, whole, seconds = work
    for attempt in range(3):  # Slurm takes a second or two to pre-empt a job, and a part may be done by then
        run = tmp_path / f"run-{attempt}"
        jobs = submit(cluster, *arguments, "--shards", 2, "-o", run)
        measuring(run, 2, 0.1 * seconds)  # the number of an array's last task is the array's own
        cluster.preempt(f"{jobs['measures']}_2")
        cluster.settle()
        said = log(run, "part-2")
        if "back into the queue" in said:
            break
    else:
        pytest.skip("three times the part was done before it was pre-empted")
    assert log(run, "part-1").count("model   ") == 1
    [kept] = re.findall(r"stopped; ([\d,]+) measured weights? kept", said)
    [before] = re.findall(r"shard +2/2: ([\d,]+) weights? measured before", said)
    assert kept == before
    assert cluster.state(jobs["merges"]) == "COMPLETED"
    assert merged(run) == whole


def test_what_is_cancelled_saves_and_stays_away(cluster, work, tmp_path):
    arguments, _, seconds = work
    run = tmp_path / "run"
    jobs = submit(cluster, *arguments, "--shards", 1, "-o", run)
    measuring(run, 1, 0.2 * seconds)
    cluster.cancel(jobs["measures"])
    cluster.settle()
    assert cluster.state(f"{jobs['measures']}_1") == cluster.state(jobs["merges"]) == "CANCELLED"
    assert "measured weights kept" in log(run, "part-1") and "back into the queue" not in log(run, "part-1")
    assert not run.exists()


def test_auto_estimates_once_shares_the_candidates_and_settles_in_the_merge(cluster, tmp_path):
    # A model that is too large to be executed whole.
    arguments = [MODELS / "digits-lstm.pt", "--inputs", few_inputs("digits-lstm", tmp_path, 6), "--top", 10]
    succeed("rank", *arguments, "-q", "-o", tmp_path / "alone")
    run = tmp_path / "run"
    jobs = submit(cluster, *arguments, "--shards", 3, "-o", run)
    assert list(jobs) == ["estimates", "measures", "merges"]
    cluster.settle()
    assert cluster.state(jobs["merges"]) == "COMPLETED"
    spent = [json.loads((part / "shard.json").read_text())["cost"]["response_seconds"] for part in (Path(f"{run}.work/estimates"), *parts(run))]
    assert spent[0] > 0 and spent[1:] == [0, 0, 0], "the parts were to take the estimates, not to make them"
    assert succeed("status", *parts(run), "--json").json["finished"]
    assert merged(run) == bits(tmp_path / "alone")

    shutil.rmtree(run)  # a merge that failed is all that is missing then
    assert list(submit(cluster, *arguments, "--shards", 3, "-o", run)) == ["merges"]
    cluster.settle()
    assert merged(run) == bits(tmp_path / "alone")


def test_with_gpus_each_job_has_one_of_its_own(cluster, tmp_path):
    # A heft that says what it was given: there need not be a GPU.
    program = tmp_path / "heft"
    program.write_text("""#!/bin/bash
echo "gpu=${CUDA_VISIBLE_DEVICES:-} $*"
while [ "$1" != -o ]; do shift; done
mkdir -p "$2"
echo '"finished": true' >"$2/shard.json"
sleep 1
""")
    program.chmod(0o755)
    run = tmp_path / "run"
    submit(cluster, MODELS / "weather-gru.pt", "--inputs=x.pt", "--shards=2", "--gpus", "--cpus=1", "--sbatch=--partition=gpu", "-o", run, HEFT=str(program))
    cluster.settle()
    said = {name: log(run, name) for name in ("estimates", "part-1", "part-2", "merge")}
    for name in ("estimates", "part-1", "part-2"):
        assert "--device cuda" in said[name] and "--threads 1" in said[name]
    assert "--shard 1/2" in said["part-1"] and f"--estimates {run}.work/estimates" in said["part-1"]
    assert (run / "shard.json").exists()
    if isinstance(cluster, SlurmCluster):
        assert {re.search(r"gpu=(\d)", said[name])[1] for name in ("part-1", "part-2")} == {"0", "1"}
        assert all(re.match(r"gpu=\d ", text) for text in said.values())
    else:
        asked = [job.options for job in cluster.jobs.values() if job.options["output"].startswith(str(run))]
        assert len(asked) == 3 and all(one["gres"] == "gpu:1" and one["partition"] == "gpu" for one in asked)


@pytest.mark.parametrize("words, texts", [
    ([], ["which model"]),
    (["nowhere.pt"], ["nowhere.pt", "no such model file"]),
    (["MODEL", "-o", "RUN"], ["--shards"]),
    (["MODEL", "--shards", "x", "-o", "RUN"], ["--shards x"]),
    (["MODEL", "--shards"], ["--shards needs a value"]),
    (["MODEL", "--shards", "3"], ["-o"]),
    (["MODEL", "--shards", "3", "-o", "."], ["is there already"]),
    (["MODEL", "--shards", "3", "-o", "RUN", "--cpus", "all"], ["--cpus all"]),
    (["MODEL", "--shards", "3", "-o", "RUN", "--resume"], ["--resume"]),
    (["MODEL", "--shards", "3", "-o", "RUN", "--budget", "5s"], ["--budget"]),
    (["MODEL", "--shards", "4", "-o", "BEGUN"], ["--shards 3", "choose another -o"]),
])  # fmt: skip
def test_submit_refuses_in_one_line_and_queues_nothing(tmp_path, words, texts):
    cluster = Processes(tmp_path)
    try:
        (tmp_path / "BEGUN.work").mkdir()
        (tmp_path / "BEGUN.work" / "settings").write_text("--shards 3 other.pt \n")
        words = [MODELS / "weather-gru.pt" if word == "MODEL" else word for word in words]
        done = subprocess.run([SUBMIT, *words], capture_output=True, text=True, cwd=tmp_path, env={**cluster.environment, "HEFT": HEFT})
        assert done.returncode == USAGE and done.stdout == "" and done.stderr.count("\n") == 1, done
        assert all(text in done.stderr for text in texts), done.stderr
        assert not list(cluster.spool.iterdir()) and not (tmp_path / "RUN.work").exists()
    finally:
        cluster.stop()


def test_submit_says_where_heft_or_slurm_is_not(tmp_path):
    words = [SUBMIT, MODELS / "weather-gru.pt", "--shards", "3", "-o", tmp_path / "run"]
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "cat"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    for program, text in ((None, "HEFT"), ("no/heft", "no/heft"), (HEFT, "sbatch")):
        done = subprocess.run(words, capture_output=True, text=True, env={"PATH": str(tools), **({"HEFT": program} if program else {})})
        assert done.returncode == USAGE and done.stderr.count("\n") == 1 and text in done.stderr, done
    said = subprocess.run([SUBMIT, "--help"], capture_output=True, text=True)
    assert said.returncode == 0 and "Examples:" in said.stdout and said.stderr == ""
