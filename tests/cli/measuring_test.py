"""Metrics, perturbations and components from the command line."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from heft import MODELS, few_inputs, impacts, rank, succeed


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Arguments that rank a corner of the digits model on 8 images with their labels."""
    folder = tmp_path_factory.mktemp("digits")
    targets = folder / "targets.npy"
    np.save(targets, next(iter(load_file(MODELS / "digits-lstm-targets.safetensors").values()))[:8])
    return [MODELS / "digits-lstm.pt", "--inputs", few_inputs("digits-lstm", folder, 8), "--targets", targets,
            "--parameters", "head.weight[0:3,0:10]", "rnn.bias_hh_l1[0:10]"]


@pytest.mark.parametrize("method", ["exhaustive", "auto"])
def test_every_metric_in_one_run(digits, method, tmp_path):
    succeed("rank", *digits, "-q", "-o", tmp_path / "run", "--metric", "rms,kl", "max", "loss,flips", "--method", method)
    rms = impacts(tmp_path / "run")["head.weight"]
    most = impacts(tmp_path / "run", "impact_max")["head.weight"]
    chosen = np.isfinite(rms)
    assert chosen.sum() == 30
    # One weight of the head moves one of 10 outputs: the root mean square of 8 x 10 elements against the largest.
    assert (most[chosen] >= rms[chosen] * np.sqrt(10) * 0.999).all() and (most[chosen] <= rms[chosen] * np.sqrt(80) * 1.001).all()
    for metric in ("kl", "loss", "flips"):
        values = impacts(tmp_path / "run", f"impact_{metric}")["head.weight"]
        if method == "exhaustive":
            assert (np.isfinite(values) == chosen).all()
        assert (values[np.isfinite(values)] >= 0).all()


def test_the_first_metric_ranks(digits, tmp_path):
    succeed("rank", *digits, "-q", "-o", tmp_path / "run", "--metric", "loss", "rms", "--method", "exhaustive")
    top = pd.read_csv(tmp_path / "run" / "top.csv")
    loss = np.concatenate([one[np.isfinite(one)] for one in impacts(tmp_path / "run").values()])
    assert top.impact.to_numpy() == pytest.approx(np.sort(loss)[::-1][:20], rel=1e-6)
    assert {file.name for file in (tmp_path / "run").glob("impact*")} == {"impact.safetensors", "impact_rms.safetensors"}


@pytest.mark.parametrize("how", ["zero", "mean", "permute", "noise:0.5", "scale:0.5", "scale:0", "flip", "round:4", "round:1"])
def test_every_perturbation(how, tmp_path):
    assert rank("gru_1_layer", tmp_path / "run", "--perturb", how, "--parameters", "head.*", "--method", "exhaustive").code == 0
    impact, weight = impacts(tmp_path / "run")["head.bias"], impacts(tmp_path / "run", "weight")["head.bias"].astype(float)
    # A bias of the head moves one of the three outputs by as much as it changes.
    change = {"zero": -weight, "scale:0": -weight, "scale:0.5": -weight / 2, "flip": -2 * weight, "mean": weight.mean() - weight,
              "round:1": np.where(weight < 0, -1, 1) * np.abs(weight).mean() - weight}
    if how in change:
        assert impact == pytest.approx(np.abs(change[how]) / np.sqrt(3), rel=1e-5)
    else:
        assert np.isfinite(impact).all()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["settings"]["perturbation"] == how


def test_components_of_every_level(tmp_path):
    levels = ["weight", "row", "column", "unit", "gate", "matrix", "layer"]
    assert rank("lstm_1_layer", tmp_path / "run", "--method", "exhaustive", "--components", *levels).code == 0
    table = pd.read_csv(tmp_path / "run" / "components.csv")
    assert set(table.level) == set(levels) - {"weight"}
    assert np.isfinite(table[["impact", "sum", "magnitude"]].to_numpy()).all()
    named = table.set_index("name")
    impact, weight = impacts(tmp_path / "run"), impacts(tmp_path / "run", "weight")
    # Rows of the head are one output each, so their members' impacts add up to at least the joint one.
    rows = [name for name in table.name if name.startswith("head.weight[") and name.endswith(",:]")]
    assert len(rows) == weight["head.weight"].shape[0]
    for row, name in enumerate(rows):
        assert named.loc[name, "sum"] == pytest.approx(impact["head.weight"][row].sum(dtype=float), rel=1e-5)
        assert 0 < named.loc[name, "impact"] <= named.loc[name, "sum"] * (1 + 1e-6)
        assert named.loc[name, "magnitude"] == pytest.approx(np.linalg.norm(weight["head.weight"][row].astype(float)), rel=1e-6)
    matrix = named.loc["head.weight"]
    assert matrix.weights == weight["head.weight"].size
    assert matrix.impact == pytest.approx(np.sqrt((named.loc[rows, "impact"] ** 2).sum()), rel=1e-5)  # rows move outputs of their own


def test_a_component_of_one_weight_is_that_weight(tmp_path):
    # The head has one output, so each column of its matrix, and its whole bias, is a single weight.
    assert rank("stream_voice", tmp_path / "run", "--parameters", "head.*", "--components", "weight", "column", "matrix").code == 0
    named = pd.read_csv(tmp_path / "run" / "components.csv").set_index("name")
    impact = impacts(tmp_path / "run")
    assert (impact["head.weight"] > 0).sum() > 2 and impact["head.bias"][0] > 0
    for name, value in [("head.bias", impact["head.bias"][0]), *((f"head.weight[:,{i}]", v) for i, v in enumerate(impact["head.weight"][0]))]:
        assert named.loc[name, "weights"] == 1
        assert named.loc[name, "impact"] == pytest.approx(value, rel=1e-6) and named.loc[name, "sum"] == pytest.approx(value, rel=1e-6)


def test_components_alone_leave_single_weights_unmeasured(tmp_path):
    result = rank("gru_1_layer", tmp_path / "run", "--components", "unit,gate", "--json")
    assert result.code == 0 and result.json["executed"] == 0
    table = pd.read_csv(tmp_path / "run" / "components.csv")
    assert set(table.level) == {"unit", "gate"} and table["sum"].isna().all()
    assert (table.impact > 0).all() and not list((tmp_path / "run").glob("checkpoint*"))


def test_the_reference_method_and_the_batched_one_agree(tmp_path):
    for method in ("reference", "exhaustive"):
        assert rank("cell_lstm", tmp_path / method, "--method", method).code == 0
    for name, values in impacts(tmp_path / "reference").items():
        assert impacts(tmp_path / "exhaustive")[name] == pytest.approx(values, rel=1e-6, abs=1e-12)


def test_rounded_products_are_near_and_say_how_near(tmp_path):
    weights = ["--parameters", "rnn.weight_hh_l0[0:4,0:32]"]
    given = [MODELS / "digits-lstm.pt", "--inputs", few_inputs("digits-lstm", tmp_path, 8), "-q", "--method", "exhaustive", *weights]
    succeed("rank", *given, "-o", tmp_path / "float32")
    succeed("rank", *given, "-o", tmp_path / "bfloat16", "--precision", "bfloat16")
    exact, rounded = (impacts(tmp_path / one)["rnn.weight_hh_l0"] for one in ("float32", "bfloat16"))
    known = np.isfinite(exact)
    assert rounded[known] == pytest.approx(exact[known], rel=0.01)
    document = json.loads((tmp_path / "bfloat16" / "run.json").read_text())
    assert document["settings"]["precision"] == "bfloat16"
    # Only where the processor multiplies tiles of bfloat16 is there anything to round.
    differ = bool((rounded[known] != exact[known]).any())
    assert any("rounded to bfloat16" in note for note in document["notes"]) == differ
    succeed("verify", tmp_path / "bfloat16", "--sample", "8")


def test_a_budget_is_kept(tmp_path):
    result = rank("lstm_2_layers_batch_first", tmp_path / "run", "--budget", "20", "--json")
    assert result.code == 0
    assert result.json["cost"]["variants"] <= 20
