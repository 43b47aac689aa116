"""Ctrl-C and SIGTERM in every stage of jobs that would take minutes: each ends within seconds and keeps what it has."""

import json
import os
import re
import selectors
import signal
import subprocess
import time

import numpy as np
import pytest

from heft import HEFT, MODELS, STOPPED, bits, environment, heft, succeed

LIMIT = 5.0  # seconds, as promised
BUSY = 2.0  # times as long on a machine that others use too, where the program's own clocks keep to 4.2 s
MODEL = MODELS / "digits-lstm.pt"


@pytest.fixture(scope="module")
def long_inputs(tmp_path_factory):
    """So many samples that one run of the model takes a second or more, and a ranking hours."""
    file = tmp_path_factory.mktemp("long") / "inputs.npy"
    np.save(file, np.random.default_rng(0).standard_normal((40000, 8, 8)).astype(np.float32))
    return file


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run on the shipped inputs, whose model and inputs commands run again."""
    folder = tmp_path_factory.mktemp("finished")
    succeed("rank", MODEL, "--inputs", MODELS / "digits-lstm-inputs.safetensors", "--parameters", "head*", "--method", "exhaustive",
            "-q", "-o", folder / "run")
    return folder / "run"


class Job:
    """A command on its way, its stages read as they are told."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([HEFT, *map(str, arguments), "--progress", "json", "--log-level", "error"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=environment())
        self.said = b""

    def _read(self, seconds):
        selector = selectors.DefaultSelector()
        selector.register(self.process.stderr, selectors.EVENT_READ)
        if selector.select(seconds):
            self.said += os.read(self.process.stderr.fileno(), 65536)

    def wait_for_stage(self, stage, share=0.0, timeout=120):
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            assert self.process.poll() is None, self.said
            self._read(0.1)
            for line in self.said.decode().splitlines():
                told = json.loads(line) if line.startswith("{") and line.endswith("}") else {}
                if told.get("stage") == stage and told["share"] >= share:
                    return
        raise AssertionError((stage, self.said))

    def stop(self, by=signal.SIGTERM):
        """Seconds until it has ended, and what it said."""
        self.process.send_signal(by)
        begin = time.monotonic()
        rest = self.process.communicate(timeout=120)[1]
        took = time.monotonic() - begin
        last = (self.said + rest).decode().splitlines()[-1]
        assert self.process.returncode == STOPPED, (self.process.returncode, last)
        assert last.startswith("stopped"), last
        assert took <= BUSY * LIMIT, took
        return last


def test_while_the_model_is_run_for_the_first_time(long_inputs, tmp_path):
    for command in (["rank", "-o", tmp_path / "run"], ["plan"], ["inspect"], ["ablate", "--component", "rnn.l0"]):
        job = Job(command[0], MODEL, "--inputs", long_inputs, *command[1:])
        time.sleep(3)  # loading takes less, finding out about the model half a minute
        job.stop()
    assert not (tmp_path / "run").exists()  # there was nothing to keep


@pytest.mark.parametrize("stage", ["adjoints", "response"])
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_while_weights_are_estimated(stage, by, tmp_path):
    file = tmp_path / "inputs.npy"
    np.save(file, np.random.default_rng(0).standard_normal((400, 8, 8)).astype(np.float32))
    job = Job("rank", MODEL, "--inputs", file, "-o", tmp_path / "run", "--method", "response")
    job.wait_for_stage(stage, 0.02 if stage == "response" else 0)
    said = job.stop(by)
    assert "Go on with: " in said and (tmp_path / "run" / "checkpoint").is_dir()
    if stage == "response":
        assert int(re.search(r"and ([\d,]+) estimates? kept", said).group(1).replace(",", "")) > 0


def test_an_estimate_goes_on_with_the_rows_that_were_kept_and_the_same_bits(tmp_path):
    file = tmp_path / "inputs.npy"
    np.save(file, np.random.default_rng(0).standard_normal((400, 8, 8)).astype(np.float32))
    command = ["rank", MODEL, "--inputs", file, "--parameters", "rnn.weight_hh_l0", "--budget", "60"]
    job = Job(*command, "-o", tmp_path / "run")
    job.wait_for_stage("response", 0.2)
    job.stop()
    resumed = heft(*command, "-q", "-o", tmp_path / "run", "--resume", "--json")
    assert resumed.code == 0, resumed
    succeed(*command, "-q", "-o", tmp_path / "whole")
    assert bits(tmp_path / "run") == bits(tmp_path / "whole")


@pytest.mark.parametrize("method", ["exhaustive", "reference"])
def test_while_weights_are_executed(method, long_inputs, tmp_path):
    file = tmp_path / "inputs.npy"
    np.save(file, np.load(long_inputs)[:4000])
    job = Job("rank", MODEL, "--inputs", file, "-o", tmp_path / "run", "--method", method)
    time.sleep(0.2)
    job.wait_for_stage("executing") if method == "reference" else time.sleep(15)
    job.stop()


def test_while_components_are_executed(long_inputs, tmp_path):
    file = tmp_path / "inputs.npy"
    np.save(file, np.load(long_inputs)[:4000])
    job = Job("rank", MODEL, "--inputs", file, "-o", tmp_path / "run", "--components", "unit")
    job.wait_for_stage("executing components")
    job.stop()


def test_while_a_plan_is_made(long_inputs):
    job = Job("plan", MODEL, "--inputs", long_inputs)
    try:
        job.wait_for_stage("timing estimates", timeout=60)
    except AssertionError:
        job.process.kill()
        raise
    job.stop()


def test_while_parts_are_merged_and_what_was_executed_is_kept(tmp_path):
    file = tmp_path / "inputs.npy"
    np.save(file, np.random.default_rng(0).standard_normal((64, 8, 8)).astype(np.float32))
    part = ["rank", MODEL, "--inputs", file, "--parameters", "rnn.weight_hh_l1", "-q", "--shard", "1/40", "-o", tmp_path / "part"]
    succeed(*part)
    # A fortieth of the sample is there: the merge executes the rest.
    merge = ["merge", tmp_path / "part", "--allow-partial"]
    job = Job(*merge, "-o", tmp_path / "run")
    job.wait_for_stage("calibrating", 0.3)
    said = job.stop()
    kept = int(re.search(r"([\d,]+) measured weights? ", said).group(1).replace(",", ""))
    assert kept > 100 and "merge" in said and said.endswith("--resume")
    command = said[said.index("Go on with: ") + len("Go on with: "):]
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    succeed(*merge, "-q", "-o", tmp_path / "whole")
    assert bits(tmp_path / "run") == bits(tmp_path / "whole")
    executed = [json.loads((tmp_path / run / "run.json").read_text())["cost"]["variants"] for run in ("run", "whole")]
    assert executed[0] < executed[1]  # not from the beginning


@pytest.mark.parametrize("command", [["verify", "--sample", "100000"], ["compare"], ["mask", "--keep", "0.5", "--by", "fisher"]], ids=lambda command: command[0])
def test_while_a_finished_run_is_looked_at(command, long_inputs, tmp_path):
    # A run of few weights on many samples; what is looked at takes minutes.
    file = tmp_path / "inputs.npy"
    np.save(file, np.load(long_inputs)[:4000])
    succeed("rank", MODEL, "--inputs", file, "--parameters", "head.bias", "--method", "reference", "-q", "-o", tmp_path / "run")
    before = {one.name for one in (tmp_path / "run").iterdir()}
    job = Job(command[0], tmp_path / "run", *command[1:])
    time.sleep(3)
    if job.process.poll() is None:
        job.stop()
    assert {one.name for one in (tmp_path / "run").iterdir()} == before


def test_where_no_safe_point_comes_it_ends_all_the_same(tmp_path):
    """What LibTorch does in one operator can't be asked to stop: a token model's head of one product, on a million tokens."""
    file = tmp_path / "tokens.npy"
    np.save(file, np.zeros((2048, 64), np.int64))
    job = Job("rank", MODELS / "char-lstm.pt", "--inputs", file, "-o", tmp_path / "run")
    time.sleep(5)  # in the middle of aten::lstm in float64
    job.stop()


def test_a_stop_is_taken_back_by_nobody_and_a_second_signal_changes_nothing(long_inputs, tmp_path):
    job = Job("rank", MODEL, "--inputs", long_inputs, "-o", tmp_path / "run")
    time.sleep(2)
    job.process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    job.stop(signal.SIGTERM)
