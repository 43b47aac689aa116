"""Whatever can't be estimated is executed, and every method ends with a ranking: of models that no derivative leads through, too."""

import json

import numpy as np
import pytest
from heft import INDEX, impacts, model_arguments, other_threads, succeed
from safetensors.numpy import load_file

STEPS = sorted(name for name, entry in INDEX.items() if "steps" in entry["tags"])
KEPT = sorted(name for name in INDEX if name.startswith(("write_", "sort_and", "confident")))


def ranked(name, run, *options):
    """What heft rank says of a fixture, and what the run folder holds."""
    done = succeed("rank", *model_arguments(name), "-o", run, "--json", "-q", *options)
    return done.json, json.loads((run / "run.json").read_text())


def measured(run):
    return {name: one.astype(bool) for name, one in load_file(run / "measured.safetensors").items()}


@pytest.mark.parametrize("name", STEPS + KEPT)
def test_small_models_are_executed_whole(name, tmp_path):
    said, _ = ranked(name, tmp_path / "run")
    assert said["executed"] == said["weights"] and said["cost"]["adjoints"] == 0
    assert said["settled"]["settled"] and said["settled"]["executed"] == said["weights"]
    assert "Every weight was executed, which takes less than estimates, or little" in said["certainty"]
    assert all(np.isfinite(one).all() for one in impacts(tmp_path / "run").values())


@pytest.mark.parametrize("name", STEPS)
def test_a_budget_is_shared_with_what_has_no_estimate(name, tmp_path):
    said, stored = ranked(name, tmp_path / "run", "--budget", 60)
    assert said["cost"]["variants"] <= 60 and said["top"][0]["impact"] > 0
    unknown = sum(one["unknown"] for one in said["intervals"])
    assert unknown == 0 or (f"Nothing is known of {unknown} weight" in said["certainty"] and not said["settled"]["settled"])
    if unknown:
        assert any("no estimate" in note or "has an estimate" in note for note in stored["notes"])
    held = succeed("verify", tmp_path / "run", "--sample", 20, "-q")
    assert "The run holds up." in held.out


@pytest.mark.parametrize("name", ["steps_round", "steps_half", "no_derivative", "steps_counts"])
def test_the_method_response_says_what_it_can_not_estimate(name, tmp_path):
    said, stored = ranked(name, tmp_path / "run", "--method", "response")
    with_estimates = name == "no_derivative"
    assert with_estimates != any("no estimate" in note or "has an estimate" in note for note in stored["notes"]), stored["notes"]
    assert said["top"][0]["impact"] > 0


def test_one_path_of_two_has_no_estimate(tmp_path):
    _, stored = ranked("steps_half", tmp_path / "run", "--method", "response")
    assert [note for note in stored["notes"] if "side.weight" in note and "side.bias" in note and "rnn" not in note]


@pytest.mark.parametrize("name", KEPT)
def test_writes_leave_estimates_as_they_are(name, tmp_path):
    said, stored = ranked(name, tmp_path / "run", "--method", "response")
    assert not any("estimate" in note for note in stored["notes"]), stored["notes"]
    assert said["cost"]["adjoints"] > 0
    held = succeed("verify", tmp_path / "run", "--sample", 60, "-q", "--json").json
    assert held["passed"] and held["estimated"]["weights"] == 0 or held["estimated"]["spearman"] is None or held["estimated"]["spearman"] > 0.9


@pytest.mark.parametrize("method", ["reference", "exhaustive"])
def test_what_executes_everything_needs_no_gradient(method, tmp_path):
    for name in ("steps_counts", "write_out"):
        said, _ = ranked(name, tmp_path / f"{name}-{method}", "--method", method, "--budget", 20)
        assert said["cost"]["variants"] == 20


def test_parts_make_the_run_of_one_process(tmp_path):
    common = [*model_arguments("steps_half"), "--budget", 150, "-q"]
    succeed("rank", *common, "-o", tmp_path / "alone")
    for part in (1, 2):
        succeed("rank", *common, "--shard", f"{part}/2", "-o", tmp_path / str(part), "--threads", other_threads(part))
    succeed("merge", tmp_path / "1", tmp_path / "2", "-o", tmp_path / "run", "-q")
    for name in ("impact", "lower", "upper", "measured"):
        file = f"{name}.safetensors"
        assert (tmp_path / "run" / file).read_bytes() == (tmp_path / "alone" / file).read_bytes(), name


def test_plan_tells_the_same():
    said = succeed("plan", *model_arguments("steps_half"), "--seconds", 0.1, "-q", "--json").json
    assert said["every_weight_is_executed"] and said["variants"] == said["weights"] and said["adjoints"] == 0
    few = succeed("plan", *model_arguments("steps_half"), "--seconds", 0.1, "-q", "--json", "--budget", 100).json
    assert not few["every_weight_is_executed"] and few["variants"] <= 100 and few["without_estimate"] == 36


def test_compare_leaves_out_criteria_that_need_a_gradient(tmp_path):
    succeed("rank", *model_arguments("steps_counts"), "-o", tmp_path / "run", "-q")
    done = succeed("compare", tmp_path / "run", "--json")
    assert set(done.json["criteria"]) >= {"magnitude", "wanda", "random"} and "gradient" not in done.json["criteria"]
    assert "the criterion gradient is left out, since no gradient can be had" in done.err
    assert any("obd" in one for one in done.json["criteria_left_out"])
