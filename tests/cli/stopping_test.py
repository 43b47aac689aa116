"""Ctrl-C, kill -9 and going on: what was measured is kept, and the bits are those of a run in one piece."""

import json
import re
import signal
import subprocess
import time

import numpy as np
import pytest

from heft import HEFT, MODELS, OUTPUT, STOPPED, bits, environment, few_inputs, heft, refuse, succeed


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The job's arguments but for -o: a few seconds of executing, in several blocks; and its bits in one piece."""
    folder = tmp_path_factory.mktemp("whole")
    job = ["rank", MODELS / "digits-lstm.pt", "--inputs", few_inputs("digits-lstm", folder, 4), "--method", "exhaustive",
           "--parameters", "rnn.weight_hh_l1[0:200,:]", "--components", "weight", "row"]
    begin = time.monotonic()
    succeed(*job, "-q", "-o", folder / "run")
    return job, bits(folder / "run"), time.monotonic() - begin


@pytest.fixture(scope="module")
def automatic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("automatic")
    job = ["rank", MODELS / "digits-lstm.pt", "--inputs", few_inputs("digits-lstm", folder, 4), "--parameters", "rnn.weight_hh_l1",
           "--budget", "1500"]
    begin = time.monotonic()
    succeed(*job, "-q", "-o", folder / "run")
    return job, bits(folder / "run"), time.monotonic() - begin


def start(job, run, *arguments):
    return subprocess.Popen([HEFT, *map(str, job), "-q", "-o", str(run), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment())


def stopped_after(seconds, job, run, by, *arguments):
    """Stops the job after that long; returns its exit status and what it said."""
    process = start(job, run, *arguments)
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    if process.poll() is None:
        process.send_signal(by)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


def wait_for(path, process):
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_stopped_run_prints_the_command_that_goes_on_and_that_gives_the_same_bits(work, by, tmp_path):
    job, whole, seconds = work
    run = tmp_path / "a run"  # a name that a shell needs quoted
    process = start(job, run)
    wait_for(run / "checkpoint", process)
    time.sleep(0.3 * seconds)
    process.send_signal(by)
    out, said = process.communicate(timeout=120)
    assert process.returncode == STOPPED, said
    assert out == "" and said.count("\n") == 1
    kept = int(re.search(r"([\d,]+) measured weights? kept", said).group(1).replace(",", ""))
    assert 0 < kept < 25600 and (run / "checkpoint").is_dir() and not (run / "run.json").exists()
    command = said[said.index("Go on with: ") + len("Go on with: "):].strip()
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment())
    assert done.returncode == 0 and done.stderr == ""
    assert bits(run) == whole
    # It did not begin anew: what was kept was not executed again.
    assert json.loads((run / "run.json").read_text())["cost"]["variants"] < 25600 + 200 - kept + 256


def test_sigterm_sent_again_and_again_does_not_keep_it_from_saving(work, tmp_path):
    job, _, seconds = work
    process = start(job, tmp_path / "run")
    wait_for(tmp_path / "run" / "checkpoint", process)
    time.sleep(0.3 * seconds)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.005)
    _, said = process.communicate()
    assert process.returncode == STOPPED, said
    assert "measured weights kept" in said


def test_a_killed_run_goes_on_with_the_same_bits(work, tmp_path):
    job, whole, seconds = work
    run = tmp_path / "run"
    random = np.random.default_rng()
    moments = [0.2 * seconds, *(random.uniform(0.2, 1.2, 3) * seconds)]
    # The first stop leaves a checkpoint for the kills to build on.
    stopped_after(moments[0] + 0.4, job, run, signal.SIGINT)
    for moment in moments[1:]:
        stopped_after(moment, job, run, signal.SIGKILL, "--resume")
    assert heft(*job, "-q", "-o", run, "--resume").code == 0, moments
    assert bits(run) == whole, moments


def test_a_killed_estimate_goes_on_with_the_same_bits(automatic, tmp_path):
    job, whole, seconds = automatic
    run = tmp_path / "run"
    moments = np.random.default_rng().uniform(0.1, 1.0, 3) * seconds
    for i, moment in enumerate(moments):
        stopped_after(moment, job, run, signal.SIGINT if i == 1 else signal.SIGKILL, *(["--resume"] if run.exists() else []))
    assert heft(*job, "-q", "-o", run, "--resume").code == 0, moments
    assert bits(run) == whole, moments


def test_another_setting_or_file_is_refused_by_name(work, tmp_path):
    job, _, seconds = work
    run = tmp_path / "run"
    process = start(job, run)
    wait_for(run / "checkpoint" / "identity.json", process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    resumed = [*job, "-q", "-o", run, "--resume"]
    for name, changed in (("--seed", [*resumed, "--seed", "1"]), ("--metric", [*resumed, "--metric", "max"]),
                          ("--perturb", [*resumed, "--perturb", "flip"]), ("--alpha", [*resumed, "--alpha", "0.1"])):
        refuse(OUTPUT, name, "was begun with another", of=heft(*changed))
    other = list(resumed)
    other[other.index("--inputs") + 1] = few_inputs("digits-lstm", tmp_path, 9)
    refuse(OUTPUT, "inputs", of=heft(*other))
    refuse(OUTPUT, "not finished", "--resume", of=heft(*resumed[:-1]))
    for command in ("verify", "export"):
        refuse(OUTPUT, "not finished", of=heft(command, run, "-q"))


def test_two_programs_never_write_into_one_folder(work, tmp_path):
    job, whole, _ = work
    run = tmp_path / "run"
    first = start(job, run)
    wait_for(run / "checkpoint" / "identity.json", first)
    refuse(OUTPUT, "another heft", of=heft(*job, "-q", "-o", run, "--resume"))
    assert heft(*job, "-q", "-o", run).code == OUTPUT
    assert first.wait(timeout=120) == 0
    assert bits(run) == whole


def test_resuming_a_finished_run_says_the_verdict_again_and_measures_nothing(automatic, tmp_path):
    job, _, _ = automatic
    run = tmp_path / "run"
    first = succeed(*job, "-q", "-o", run)
    files = {file.name: file.read_bytes() for file in run.iterdir()}
    again = heft(*job, "-q", "-o", run, "--resume")
    assert (again.code, again.err) == (0, "") and again.out == first.out
    assert files == {file.name: file.read_bytes() for file in run.iterdir()}
    refuse(OUTPUT, "finished run with other settings", of=heft(*job, "-q", "-o", run, "--resume", "--seed", "5"))


def test_a_damaged_part_of_the_checkpoint_is_measured_again(work, tmp_path):
    job, whole, seconds = work
    run = tmp_path / "run"
    process = start(job, run)
    wait_for(run / "checkpoint", process)
    time.sleep(0.4 * seconds)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    part, = sorted((run / "checkpoint").glob("part-*"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    assert succeed(*job, "-o", run, "--resume").err.count("measured again") >= 1
    assert bits(run) == whole


