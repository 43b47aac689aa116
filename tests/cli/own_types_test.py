"""Models that compute in fewer bits by their own choice: said, and measured as they are where asked."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from heft import FIXTURES, USAGE, heft, impacts, model_arguments, rank, refuse, succeed


def notes(run):
    return json.loads((run / "run.json").read_text())["notes"]


@pytest.mark.parametrize("name, what", [("own_types_autocast", "autocast blocks"), ("own_types_casts", "casts to bfloat16")])
def test_a_note_says_that_it_ran_in_float64(name, what, tmp_path):
    assert rank(name, tmp_path / "run", "--top", 3).code == 0
    assert any(what in note and "float64" in note and "--precision as-model" in note for note in notes(tmp_path / "run"))


@pytest.mark.parametrize("name", ["own_types_autocast", "own_types_casts"])
def test_as_the_model_itself_does(name, tmp_path):
    assert rank(name, tmp_path / "run", "--method", "exhaustive", "--precision", "as-model").code == 0
    found, expected = impacts(tmp_path / "run"), load_file(FIXTURES / f"{name}.expected.safetensors")
    differs = False
    for parameter, values in found.items():
        index = expected["index:" + parameter]
        np.testing.assert_allclose(values.ravel()[index], expected["own:" + parameter], rtol=1e-4, atol=1e-6)
        differs |= not np.allclose(values.ravel()[index], expected["impact:" + parameter], rtol=1e-3)
    assert differs, "rounding would have shown"
    assert any("rounding alone moves the outputs by rms" in note for note in notes(tmp_path / "run"))


@pytest.mark.parametrize("name", ["own_types_autocast", "own_types_casts"])
def test_verify_and_report_go_with_it(name, tmp_path):
    refuse(USAGE, "add --method exhaustive", of=rank(name, tmp_path / "none", "--precision", "as-model"))
    assert rank(name, tmp_path / "run", "--precision", "as-model", "--method", "exhaustive").code == 0
    found = heft("verify", tmp_path / "run", "--json", "-q")
    assert found.json["executed"]["max"] < 1e-6, found
    succeed("report", tmp_path / "run", "-q")


def test_a_model_without_casts_has_no_such_note():
    assert not any("float64" in note for note in succeed("inspect", *model_arguments("gru_1_layer"), "--json").json["notes"])
