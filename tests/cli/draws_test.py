"""Models whose forward draws random numbers: the same ones in every run, and averages over draws."""

import json

import numpy as np
import pytest

from heft import INDEX, USAGE, bits, heft, impacts, model_arguments, rank, refuse, succeed

RANDOM = sorted(name for name, entry in INDEX.items() if "random" in entry["tags"])


def joined(run, what="impact"):
    return np.concatenate([values.ravel() for _, values in sorted(impacts(run, what).items())]).astype(np.float64)


def notes(run):
    return json.loads((run / "run.json").read_text())["notes"]


@pytest.mark.parametrize("name", RANDOM)
def test_many_at_once_give_what_one_at_a_time_gives(name, tmp_path):
    assert rank(name, tmp_path / "exhaustive", "--method", "exhaustive").code == 0
    assert rank(name, tmp_path / "reference", "--method", "reference").code == 0
    one, other = joined(tmp_path / "exhaustive"), joined(tmp_path / "reference")
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-12)
    assert any("draws random numbers (aten::" in note and "torch.manual_seed(0)" in note for note in notes(tmp_path / "reference"))
    assert not any("one at a time" in note for note in notes(tmp_path / "exhaustive")), notes(tmp_path / "exhaustive")


@pytest.mark.parametrize("name", ["random_state", "random_hand_cell", "random_dropout", "random_stream"])
def test_the_default_ends_with_a_ranking_that_holds_up(name, tmp_path):
    assert rank(name, tmp_path / "run", "--top", 5).code == 0
    assert succeed("verify", tmp_path / "run", "--json", "-q").json["passed"]


def test_another_seed_draws_other_numbers_and_the_same_seed_the_same(tmp_path):
    for run, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert rank("random_state", tmp_path / run, "--method", "exhaustive", "--seed", seed).code == 0
    assert bits(tmp_path / "a") == bits(tmp_path / "b")
    assert np.abs(joined(tmp_path / "a") - joined(tmp_path / "c")).max() > 1e-3


def test_parts_give_the_bits_of_one_run(tmp_path):
    more = ("--method", "exhaustive", "--draws", 3)
    assert rank("random_hand_cell", tmp_path / "whole", *more).code == 0
    for part in (1, 2):
        assert rank("random_hand_cell", tmp_path / f"{part}", *more, "--shard", f"{part}/2").code == 0
    succeed("merge", tmp_path / "1", tmp_path / "2", "-o", tmp_path / "merged", "-q")
    assert joined(tmp_path / "whole").tolist() == joined(tmp_path / "merged").tolist()


def test_draws_average_mean_squares(tmp_path):
    """rms over three draws is the root of the mean of each draw's squares, and the error is over samples."""
    squares = []
    for seed in (5, 6, 7):
        assert rank("random_hand_cell", tmp_path / f"{seed}", "--method", "exhaustive", "--seed", seed).code == 0
        squares.append(joined(tmp_path / f"{seed}") ** 2)
    assert rank("random_hand_cell", tmp_path / "all", "--method", "exhaustive", "--seed", 5, "--draws", 3).code == 0
    np.testing.assert_allclose(joined(tmp_path / "all"), np.sqrt(np.mean(squares, 0)), rtol=2e-5)
    document = json.loads((tmp_path / "all" / "run.json").read_text())
    assert document["settings"]["draws"] == 3 and document["output"]["samples"] == 4
    errors = joined(tmp_path / "all", "standard_error")
    assert np.isfinite(errors).all() and (errors > 0).any()  # a bias of the head moves all samples alike


@pytest.mark.parametrize("name", ["random_hand_cell", "random_stream", "random_layers_dropout"])
def test_a_ranking_by_estimates_takes_draws(name, tmp_path):
    assert rank(name, tmp_path / "run", "--draws", 4, "--top", 5).code == 0
    assert succeed("verify", tmp_path / "run", "--json", "-q").json["passed"]
    assert rank(name, tmp_path / "all", "--draws", 4, "--method", "exhaustive").code == 0
    assert rank(name, tmp_path / "response", "--draws", 4, "--method", "response").code == 0
    every, estimated = joined(tmp_path / "all"), joined(tmp_path / "response")
    assert np.corrcoef(np.argsort(np.argsort(every)), np.argsort(np.argsort(estimated)))[0, 1] > 0.97


def test_draws_of_a_model_without_chance_are_said_to_be_one(tmp_path):
    result = rank("gru_1_layer", tmp_path / "run", "--draws", 4, "--top", 3)
    assert result.code == 0 and any("draws no random numbers" in note for note in notes(tmp_path / "run"))


@pytest.mark.parametrize("draws", ["0", "-1", "1000000"])
def test_a_number_of_draws_without_meaning(draws, tmp_path):
    refuse(USAGE, "--draws", of=rank("random_state", tmp_path / "run", "--draws", draws))


def test_every_command_takes_such_runs(tmp_path):
    assert rank("random_state", tmp_path / "run", "--draws", 2, "--components", "weight", "unit").code == 0
    succeed("compare", tmp_path / "run", "-q")
    succeed("report", tmp_path / "run", "-q")
    succeed("mask", tmp_path / "run", "--keep", 0.5, "-o", tmp_path / "mask.safetensors", "-q")
    succeed("plan", *model_arguments("random_state"), "--draws", 2, "--seconds", 0.2, "-q")
    found = succeed("ablate", *model_arguments("random_state"), "--draws", 2, "--component", "a.weight_hh_l0[0,0]", "--json", "-q")
    assert found.json
    assert heft("inspect", *model_arguments("random_state")).code == 0
