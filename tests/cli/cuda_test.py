"""The program with --device cuda against the program on the CPU; skipped where no CUDA device is usable."""

import json
import re
import signal
import subprocess
import time

import numpy as np
import pytest

from heft import HEFT, MODELS, STOPPED, USAGE, bundled, environment, few_inputs, heft, impacts, model_arguments, refuse, succeed

DEVICE = "cuda"


def missing() -> bool:
    """Only the refusal itself counts as no device: any other failure is one of the tests'."""
    tried = heft("inspect", *bundled("weather-gru"), "-q", "--device", DEVICE)
    return tried.code == USAGE and "no usable CUDA device" in tried.err


pytestmark = pytest.mark.skipif(missing(), reason="no CUDA device is usable here")

# Some weights of each kind, of each bundled model, on a few of its samples.
CORNERS = {
    "digits-lstm": (16, ["rnn.weight_ih_l0[0:40,:]", "rnn.weight_hh_l0[100:110,0:40]", "rnn.weight_hh_l1[300:310,0:40]", "rnn.bias_ih_l1[0:60]",
                         "head.weight", "head.bias"]),
    "digits-shortcut": (16, ["rnn.weight_ih_l0[0:40,:]", "rnn.weight_hh_l0[0:10,:]", "head.weight", "head.bias"]),
    "weather-gru": (16, ["*"]),
    "char-lstm": (2, ["embedding.weight[:,0:2]", "rnn.weight_ih_l0[0:4,0:20]", "rnn.weight_hh_l1[0:4,0:20]", "head.weight[0:4,0:20]",
                      "head.bias[0:8]"]),
}


def corner(name: str, folder) -> list:
    """MODEL, --inputs and --parameters of a bundled model's corner."""
    samples, parameters = CORNERS[name]
    return [MODELS / f"{name}.pt", "--inputs", few_inputs(name, folder, samples), "--parameters", *parameters]


def rank_both(folder, *arguments) -> list:
    """The run folders of the same job on the CPU and on the device."""
    for device in ("cpu", DEVICE):
        assert succeed("rank", *arguments, "-q", "-o", folder / device, "--device", device).err == ""  # cuDNN would warn in every call
    return [folder / "cpu", folder / DEVICE]


def told(run) -> dict:
    return json.loads((run / "run.json").read_text())


def expect_close(run, other, relative, chosen=lambda name: True) -> int:
    """Impacts agree, but for 1e-12 of the output's root mean square; how many of them lie above that."""
    one, two = impacts(run), impacts(other)
    assert one.keys() == two.keys()
    floor = 1e-12 * told(run)["output"]["rms"]
    compared = 0
    for name in one:
        some = np.isfinite(one[name]) & chosen(name)
        a, b = one[name][some].astype(float), two[name][some].astype(float)
        off = ~(np.abs(a - b) <= relative * np.abs(a) + floor)
        assert not off.any(), (name, int(off.sum()), a[off][:5], b[off][:5])
        compared += int((a > floor).sum())
    return compared


@pytest.mark.parametrize("name", CORNERS)
def test_executed_impacts_are_those_of_the_cpu(name, tmp_path):
    cpu, device = rank_both(tmp_path, *corner(name, tmp_path), "--method", "exhaustive")
    assert expect_close(cpu, device, 1e-5) > 100
    assert told(device)["provenance"]["device"].startswith(DEVICE)


@pytest.mark.parametrize("name", ["traced_lstm", "traced_hand_gru", "frozen_gru", "packed_lstm_unsorted", "traced_packed_lstm", "stream_policy_lstm",
                                  "stream_chunks", "hand_lstm_matmul", "bfloat16_lstm", "attention_multihead", "cell_lstm_no_state", "casts_inside",
                                  "inputs_int_and_bool", "optimized_lstm"])
def test_models_of_every_kind_run_there(name, tmp_path):
    cpu, device = rank_both(tmp_path, *model_arguments(name), "--method", "exhaustive")
    assert expect_close(cpu, device, 1e-5) > 0


@pytest.mark.parametrize("name,samples", [("weather-gru", 16), ("digits-lstm", 8)])
def test_estimates_are_those_of_the_cpu(name, samples, tmp_path):
    cpu, device = rank_both(tmp_path, MODELS / f"{name}.pt", "--inputs", few_inputs(name, tmp_path, samples), "--method", "response")
    assert expect_close(cpu, device, 1e-3) > 1000


def test_every_metric_is_that_of_the_cpu(tmp_path):
    targets = ["--targets", MODELS / "digits-lstm-targets.safetensors"]
    runs = rank_both(tmp_path, *bundled("digits-lstm"), *targets, "--parameters", "head.weight[0:3,0:10]", "--method", "exhaustive", "--metric",
                     "rms", "max", "kl", "loss", "flips")
    for metric in ("max", "kl", "loss", "flips"):
        cpu, device = (impacts(run, f"impact_{metric}")["head.weight"] for run in runs)
        assert np.isfinite(cpu).sum() == 30
        assert device == pytest.approx(cpu, rel=1e-4, abs=1e-9, nan_ok=True), metric


@pytest.fixture(scope="module")
def automatic(tmp_path_factory):
    """Runs of the default method on the CPU and the device, with targets."""
    folder = tmp_path_factory.mktemp("automatic")
    return rank_both(folder, *bundled("weather-gru"), "--targets", MODELS / "weather-gru-targets.safetensors", "--budget", 600, "--top", 10)


def test_the_default_method_finds_what_it_finds_on_the_cpu(automatic):
    cpu, device = automatic
    measured = [impacts(run, "measured") for run in automatic]
    both = {name: (measured[0][name] == 1) & (measured[1][name] == 1) for name in measured[0]}
    neither = {name: (measured[0][name] == 0) & (measured[1][name] == 0) for name in measured[0]}
    assert expect_close(cpu, device, 1e-5, both.get) > 300
    assert expect_close(cpu, device, 1e-3, neither.get) > 1000
    # Which weights are drawn depends on the seed alone, which are candidates on estimates.
    assert sum(one.sum() for one in both.values()) > 0.9 * sum((one == 1).sum() for one in measured[0].values())
    tops = [{one["name"] for one in succeed("rank", *bundled("weather-gru"), "-q", "-o", run.parent / f"{run.name} top", "--json", "--budget", 600,
                                            "--top", 10, "--device", run.name).json["top"]} for run in automatic]
    assert len(tops[0] & tops[1]) >= 9


def test_a_run_of_the_device_is_verified_and_compared(automatic):
    device = automatic[1]
    said = succeed("verify", device, "--sample", 60, "--json", "-q").json
    assert said["passed"] and said["executed"]["max"] < 1e-5
    compared = [succeed("compare", run, "--criteria", "magnitude", "linear", "wanda", "--json", "-q").json for run in automatic]
    assert compared[0].keys() == compared[1].keys()


def test_a_change_does_there_what_it_does_on_the_cpu():
    asked = ["ablate", *bundled("digits-lstm"), "--targets", MODELS / "digits-lstm-targets.safetensors", "--component", "rnn.l0:unit=12",
             "--component", "rnn.weight_hh_l1[5,:]", "--component", "head.weight[3,7]", "--json", "-q"]
    cpu, device = (succeed(*asked, "--device", one).json for one in ("cpu", DEVICE))
    assert [one["name"] for one in cpu["components"]] == [one["name"] for one in device["components"]]
    for one, other in zip(cpu["components"], device["components"]):
        for metric, value in one["impact"].items():
            assert other["impact"][metric] == pytest.approx(value, rel=1e-9, abs=1e-12), (one["name"], metric)


def test_a_stopped_run_goes_on_there(tmp_path):
    job = ["rank", MODELS / "digits-lstm.pt", "--inputs", few_inputs("digits-lstm", tmp_path, 4), "--method", "exhaustive", "--parameters",
           "rnn.weight_hh_l1[0:100,:]", "--device", DEVICE]
    succeed(*job, "-q", "-o", tmp_path / "whole")
    run = tmp_path / "run"
    process = subprocess.Popen([HEFT, *map(str, job), "-q", "-o", str(run)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=environment())
    until = time.monotonic() + 120
    while not (run / "checkpoint").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == STOPPED, said
    assert re.search(r"measured weights? kept", said)
    assert (succeed(*job, "-q", "-o", run, "--resume")).code == 0
    # Not to the bit: a device may add up in another order from run to run.
    assert expect_close(tmp_path / "whole", run, 1e-6) > 1000


def test_a_number_beyond_the_devices(tmp_path):
    refuse(USAGE, "cuda:99", "usable CUDA device", of=heft("rank", *bundled("weather-gru"), "-q", "-o", tmp_path / "run", "--device", "cuda:99"))


def test_all_devices_of_the_machine_give_the_bits_of_one(tmp_path):
    arguments = (*bundled("weather-gru"), "--method", "exhaustive", "-q")
    succeed("rank", *arguments, "-o", tmp_path / "one", "--device", "cuda:0")
    succeed("rank", *arguments, "-o", tmp_path / "all", "--device", "cuda:all")
    devices = told(tmp_path / "all")["provenance"]["device"].split(",")
    assert devices == [f"cuda:{number}" for number in range(len(devices))]
    one, together = impacts(tmp_path / "one"), impacts(tmp_path / "all")
    assert all(np.array_equal(one[name], together[name], equal_nan=True) for name in one)
