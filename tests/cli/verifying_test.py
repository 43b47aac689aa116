"""heft verify measures again, and fails where it must."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from heft import FIXTURES, INPUT, MODEL, USAGE, VERIFY, bundled, heft, impacts, rank, refuse, succeed


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Digits, a corner of it: half a thousand weights executed, the others estimated."""
    folder = tmp_path_factory.mktemp("verify") / "run"
    succeed("rank", *bundled("weather-gru"), "-q", "-o", folder, "--budget", 300, "--top", 20)
    return folder


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify") / "executed"
    assert rank("lstm_2_layers_batch_first", folder, "--method", "exhaustive").code == 0
    return folder


def changed(run, to, file, change):
    """A copy of a run with the tensors of one file changed."""
    shutil.copytree(run, to)
    save_file({name: change(name, values.copy()) for name, values in load_file(run / file).items()}, to / file)
    return to


def test_an_honest_run_passes(run):
    said = succeed("verify", run, "--sample", 120, "--json", "-q").json
    assert said["passed"] and said["failures"] == []
    assert said["executed"]["weights"] == 60 and said["estimated"]["weights"] == 60
    assert said["executed"]["max"] < 1e-6 and said["executed"]["spearman"] > 0.99999
    assert 1e-6 < said["estimated"]["median"] < 0.05 and said["estimated"]["spearman"] > 0.99
    assert said["promised"] == 0.95 and said["coverage"] == said["inside"] / 60 and said["chance"] >= 0.01


def test_what_it_says_for_people(run):
    said = succeed("verify", run, "--sample", 40, "-q").out
    for text in ("median error", "executed", "estimated", "Spearman", "inside their interval; 95 % was promised", "The run holds up."):
        assert text in said


def test_the_seed_draws_other_weights_and_the_same_seed_the_same(run):
    first, again, other = (succeed("verify", run, "--sample", 20, "--json", "-q", "--seed", seed).out for seed in (1, 1, 2))
    assert first == again != other


def test_a_kind_that_is_missing_leaves_its_place_to_the_other(executed):
    said = succeed("verify", executed, "--sample", 70, "--json", "-q").json
    assert said["executed"]["weights"] == 70 and said["estimated"]["weights"] == 0
    assert said["coverage"] is None and said["chance"] == 1


def test_a_sample_larger_than_the_run_takes_all_of_it(executed):
    every = sum(one.size for one in impacts(executed).values())
    assert succeed("verify", executed, "--sample", 10**9, "--json", "-q").json["executed"]["weights"] == every


@pytest.mark.parametrize("metric", ["max", "kl", "flips"])
def test_runs_by_other_metrics_and_perturbations_pass(metric, tmp_path):
    assert rank("gru_last_step", tmp_path / "run", "--metric", metric, "--perturb", "noise:0.7", "--seed", 11).code == 0
    said = succeed("verify", tmp_path / "run", "--sample", 200, "--json", "-q").json
    assert said["passed"] and said["executed"]["weights"] > 0


@pytest.mark.parametrize("name", ["stream_policy_lstm", "outputs_tuple_element", "outputs_of_module", "embedding_tied_head", "frozen_lstm",
                                  "float16_lstm", "batch_mean_subtracted", "shape_boolean_mask_body"])
def test_runs_of_other_models_pass(name, tmp_path):
    assert rank(name, tmp_path / "run", "--top", 5).code == 0
    assert succeed("verify", tmp_path / "run", "--json", "-q").json["passed"]


def test_executed_impacts_that_were_tampered_with_are_found(executed, tmp_path):
    copy = changed(executed, tmp_path / "copy", "impact.safetensors", lambda name, values: values * (1.001 if "weight_hh_l1" in name else 1))
    result = heft("verify", copy, "--sample", 200, "-q")
    assert result.code == VERIFY and result.err.count("\n") == 1
    for text in ("executed weights are off by more than 0.01 %", "rnn.weight_hh_l1[", "measured again"):
        assert text in result.err
    assert "does not hold up" in result.out


def test_an_impact_that_was_set_to_nothing_is_found(executed, tmp_path):
    copy = changed(executed, tmp_path / "copy", "impact.safetensors", lambda name, values: values * 0)
    assert heft("verify", copy, "-q").code == VERIFY


def test_a_change_smaller_than_the_tolerance_is_not(executed, tmp_path):
    copy = changed(executed, tmp_path / "copy", "impact.safetensors", lambda name, values: values * np.float32(1 + 2e-5))
    assert heft("verify", copy, "-q").code == 0


def test_intervals_that_are_too_narrow_are_found(run, tmp_path):
    impact = impacts(run)
    narrow = changed(run, tmp_path / "copy", "lower.safetensors", lambda name, values: impact[name] * np.float32(1.02))
    save_file({name: np.maximum(values * np.float32(1.03), values) for name, values in impact.items()}, narrow / "upper.safetensors")
    result = heft("verify", narrow, "-q", "--json")
    assert result.code == VERIFY and not result.json["passed"]
    assert "estimates lie in their interval where 95 % should" in result.err


@pytest.mark.parametrize("option, code", [("--model", MODEL), ("--inputs", INPUT)])
def test_a_changed_file_is_refused_by_name(option, code, executed):
    other = {"--model": FIXTURES / "lstm_no_bias.pt", "--inputs": FIXTURES / "lstm_no_bias.inputs.pt"}[option]
    refuse(code, other.name, "changed since the run", option, of=heft("verify", executed, "-q", option, other))


def test_files_that_have_moved_can_be_named(executed, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(executed, copy)
    stored = json.loads((copy / "run.json").read_text())
    del stored["sha256"]
    model, inputs = stored["provenance"]["model"], stored["provenance"]["inputs"]
    stored["provenance"].update(model="gone.pt", inputs=["gone.npy"])
    (copy / "run.json").write_text(json.dumps(stored))
    refuse(MODEL, "gone.pt", of=heft("verify", copy, "-q"))
    refuse(INPUT, "gone.npy", of=heft("verify", copy, "-q", "--model", model))
    assert heft("verify", copy, "-q", "--model", model, "--inputs", *inputs, "--sample", 10).code == 0


def test_a_sample_of_nothing_is_refused(executed):
    refuse(USAGE, "--sample", of=heft("verify", executed, "-q", "--sample", 0))
