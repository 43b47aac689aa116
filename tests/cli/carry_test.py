"""Streamed models whose state goes in and out as arguments, and streams without memory."""

import json

import numpy as np
import pytest

from heft import FIXTURES, INDEX, USAGE, error_line, heft, impacts, model_arguments, rank, refuse, succeed

CARRIED = sorted(name for name, entry in INDEX.items() if entry.get("carry"))


def joined(run, what="impact"):
    return np.concatenate([values.ravel() for _, values in sorted(impacts(run, what).items())]).astype(np.float64)


def without_carry(name):
    arguments = model_arguments(name)
    return arguments[: arguments.index("--carry")]


@pytest.mark.parametrize("name", CARRIED)
def test_many_at_once_give_what_one_at_a_time_gives(name, tmp_path):
    assert rank(name, tmp_path / "exhaustive", "--method", "exhaustive").code == 0
    assert rank(name, tmp_path / "reference", "--method", "reference").code == 0
    np.testing.assert_allclose(joined(tmp_path / "exhaustive"), joined(tmp_path / "reference"), rtol=1e-5, atol=1e-12)
    document = json.loads((tmp_path / "reference" / "run.json").read_text())
    assert document["settings"]["carry"] == INDEX[name]["carry"]
    assert document["output"]["samples"] == 3


@pytest.mark.parametrize("name", ["handed_lstm", "handed_gru_cell", "handed_tuple", "handed_hand_lstm"])
def test_estimates_go_across_the_calls(name, tmp_path):
    assert rank(name, tmp_path / "response", "--method", "response").code == 0
    assert rank(name, tmp_path / "all", "--method", "exhaustive").code == 0
    every, estimated = joined(tmp_path / "all"), joined(tmp_path / "response")
    moved = every > 1e-3 * every.max()
    assert np.median(np.abs(estimated[moved] / every[moved] - 1)) < 0.06
    assert np.corrcoef(np.argsort(np.argsort(every)), np.argsort(np.argsort(estimated)))[0, 1] > 0.98


def test_state_outside_is_estimated_as_state_inside(tmp_path):
    """The same cell and inputs, its state in buffers: the same estimates."""
    assert rank("handed_lstm", tmp_path / "run", "--top", 5).code == 0
    assert succeed("verify", tmp_path / "run", "--json", "-q").json["passed"]


@pytest.mark.parametrize("name, proposed", [("handed_lstm", "1=h 2=c"), ("handed_gru_cell", "1=h"), ("handed_tuple", "1=state"),
                                            ("handed_dict", "h_out=h_in"), ("handed_state_alone", "0=h"), ("handed_list", "1=states"),
                                            ("handed_hand_lstm", "1=h 2=c")])
def test_what_fits_is_proposed_ready_to_paste(name, proposed, tmp_path):
    assert f"--stream --carry {proposed} " in " ".join(heft("inspect", *without_carry(name)).out.split())
    assert heft("inspect", *without_carry(name), "--json").json["carries"] == proposed.split()
    line = refuse(USAGE, f"--carry {proposed} ", "--carry none", of=heft("rank", *without_carry(name), "-q", "-o", tmp_path / "run"))
    assert "nothing goes on from call to call" in line
    pasted = heft("rank", *without_carry(name), "--carry", *proposed.split(), "-q", "-o", tmp_path / "pasted", "--top", 3)
    assert pasted.code == 0, pasted


def test_none_starts_each_step_from_the_given_state(tmp_path):
    assert heft("rank", *without_carry("handed_gru_cell"), "--carry", "none", "-q", "-o", tmp_path / "run", "--top", 3).code == 0
    notes = json.loads((tmp_path / "run" / "run.json").read_text())["notes"]
    assert any("the stream has no memory" in note for note in notes)


@pytest.mark.parametrize("carry, texts", [
    (["1"], ["OUTPUT=ARGUMENT"]),
    (["=h"], ["OUTPUT=ARGUMENT"]),
    (["1=z"], ["no argument z", "h"]),
    (["1=x"], ["first argument is the stream"]),
    (["7=h"], ["no output 7"]),
    (["1=h.0"], ["no such part"]),
])
def test_a_carry_without_meaning(carry, texts, tmp_path):
    refuse(USAGE, "--carry", *texts, of=heft("rank", *without_carry("handed_gru_cell"), "--carry", *carry, "-q", "-o", tmp_path / "run"))


def test_a_carry_of_another_kind(tmp_path):
    refuse(USAGE, "but the argument", of=heft("rank", *without_carry("handed_lstm"), "--carry", "0=h", "-q", "-o", tmp_path / "run"))


def test_a_carry_without_a_stream(tmp_path):
    arguments = [one for one in model_arguments("handed_gru_cell") if one != "--stream"]
    refuse(USAGE, "--stream", of=heft("rank", *arguments, "-q", "-o", tmp_path / "run"))


def test_parts_give_the_bits_of_one_run(tmp_path):
    assert rank("handed_tuple", tmp_path / "whole", "--method", "exhaustive").code == 0
    for part in (1, 2):
        assert rank("handed_tuple", tmp_path / f"{part}", "--method", "exhaustive", "--shard", f"{part}/2").code == 0
    succeed("merge", tmp_path / "1", tmp_path / "2", "-o", tmp_path / "merged", "-q")
    assert joined(tmp_path / "whole").tolist() == joined(tmp_path / "merged").tolist()


def test_every_command_takes_such_runs(tmp_path):
    assert rank("handed_tuple", tmp_path / "run", "--components", "weight", "unit").code == 0
    succeed("compare", tmp_path / "run", "-q")
    succeed("report", tmp_path / "run", "-q")
    succeed("mask", tmp_path / "run", "--keep", 0.5, "-o", tmp_path / "mask.safetensors", "-q")
    succeed("plan", *model_arguments("handed_tuple"), "--seconds", 0.2, "-q")
    succeed("ablate", *model_arguments("handed_tuple"), "--component", "rnn.l0:unit=1", "-q")


def test_a_frozen_state_is_noticed(tmp_path):
    """A traced model whose state became a constant: every call starts from the same."""
    assert rank("stream_frozen_state", tmp_path / "run", "--top", 3).code == 0
    notes = json.loads((tmp_path / "run" / "run.json").read_text())["notes"]
    assert any("the stream has no memory" in note and "Tracing freezes" in note for note in notes)


@pytest.mark.parametrize("name", sorted(name for name, entry in INDEX.items() if "stream" in entry["tags"] and not entry.get("carry")
                                        and name != "stream_frozen_state"))
def test_a_stream_that_remembers_is_not_said_to_forget(name):
    said = heft("inspect", *model_arguments(name), "--json")
    assert said.code == 0 and not any("no memory" in note for note in said.json["notes"])
