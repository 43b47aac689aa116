"""What a run folder holds, read as people would from Python."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from scipy.stats import kendalltau, spearmanr

from heft import FIXTURES, INDEX, bits, impacts, rank, succeed

TENSORS = ("impact", "standard_error", "lower", "upper", "weight")
EXECUTED = ("lstm_1_layer", "lstm_proj_2_layers_bidirectional", "gru_2_layers_bidirectional", "rnn_relu_1_layer", "embedding_tied_head",
            "cell_gru", "hand_lstm_matmul", "stream_policy_lstm", "traced_lstm", "frozen_gru")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    result = rank("lstm_proj", folder, "--top", 30, "--budget", 200, "--metric", "rms", "max", "--json", "--components", "weight", "layer")
    assert result.code == 0, result
    succeed("export", folder)
    return folder, result


def test_it_holds_the_files_that_it_promises_and_no_others(run):
    names = {file.name for file in run[0].iterdir()}
    assert names == {"run.json", "top.csv", "components.csv", "comparison.json", "weights.csv", "measured.safetensors",
                     "impact_max.safetensors", *(f"{one}.safetensors" for one in TENSORS)}


def test_tensors_have_the_parameters_names_and_shapes(run):
    shapes = {each["name"]: tuple(each["shape"]) for each in json.loads((run[0] / "run.json").read_text())["parameters"]}
    assert len(shapes) > 4
    for what in (*TENSORS, "measured", "impact_max"):
        tensors = load_file(run[0] / f"{what}.safetensors")
        assert {name: tensor.shape for name, tensor in tensors.items()} == shapes
        assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.uint8 if what == "measured" else np.float32)}


def test_intervals_hold_estimates_and_are_the_impact_itself_where_it_was_executed(run):
    impact, lower, upper, measured = (impacts(run[0], what) for what in ("impact", "lower", "upper", "measured"))
    for name in impact:
        executed = measured[name] == 1
        assert (lower[name] <= upper[name]).all()
        assert (lower[name][executed] == impact[name][executed]).all() and (upper[name][executed] == impact[name][executed]).all()
    assert 0 < sum(one.sum() for one in measured.values()) < sum(one.size for one in measured.values())


def test_the_top_table_is_sorted_and_agrees_with_the_tensors(run):
    top = pd.read_csv(run[0] / "top.csv")
    impact, weight = impacts(run[0]), impacts(run[0], "weight")
    assert top["rank"].tolist() == list(range(1, 31))
    assert (top.impact.diff().dropna() <= 0).all()
    for row in top.itertuples():
        assert row.impact == pytest.approx(impact[row.parameter].flat[row.index], rel=1e-6)
        assert row.weight == pytest.approx(weight[row.parameter].flat[row.index], rel=1e-6)
    every = np.concatenate([one.ravel() for one in impact.values()])
    assert top.impact.to_numpy() == pytest.approx(np.sort(every)[::-1][:30], rel=1e-6)


def test_the_magnitude_ranks_are_those_of_all_weights(run):
    top = pd.read_csv(run[0] / "top.csv")
    magnitude = np.abs(np.concatenate([one.ravel() for one in impacts(run[0], "weight").values()]))
    for row in top.itertuples():
        assert row.magnitude_rank == 1 + (magnitude > np.float32(abs(row.weight))).sum()


def test_the_comparison_agrees_with_scipy(run):
    table = pd.read_csv(run[0] / "weights.csv")
    comparison = json.loads((run[0] / "comparison.json").read_text())
    assert comparison["overall"]["weights"] == len(table)
    pairs = [(comparison["overall"], table)] + [(each, table[table.parameter == each["name"]]) for each in comparison["parameters"]]
    for said, rows in pairs:
        assert said["spearman"] == pytest.approx(spearmanr(rows.weight.abs(), rows.impact).statistic, abs=1e-9)
        assert said["kendall"] == pytest.approx(kendalltau(rows.weight.abs(), rows.impact).statistic, abs=1e-9)


def test_the_exported_table_holds_every_weight_once(run):
    table = pd.read_csv(run[0] / "weights.csv")
    for what, column in (("impact", "impact"), ("lower", "lower"), ("upper", "upper"), ("measured", "executed"), ("weight", "weight"),
                         ("standard_error", "standard_error")):
        for name, tensor in impacts(run[0], what).items():
            rows = table[table.parameter == name]
            assert rows["index"].tolist() == list(range(tensor.size))
            assert rows[column].to_numpy(np.float32) == pytest.approx(tensor.ravel(), rel=1e-6)
    recurrent = table[table.parameter == "rnn.weight_hh_l0"]
    columns = impacts(run[0])["rnn.weight_hh_l0"].shape[1]
    assert (recurrent.column == recurrent["index"] % columns).all()
    assert recurrent.gate.iloc[0] == "input" and recurrent.gate.nunique() == 4


def test_json_on_standard_output_agrees_with_run_json(run):
    said, stored = run[1].json, json.loads((run[0] / "run.json").read_text())
    assert said["run"] == str(run[0])
    for part in ("settings", "output", "cost", "settled", "notes", "complete"):
        assert said[part] == stored[part], part
    assert said["comparison"]["overall"] == json.loads((run[0] / "comparison.json").read_text())["overall"]
    assert [row["name"] for row in said["top"]] == pd.read_csv(run[0] / "top.csv").name.tolist()
    assert said["executed"] == sum(int(one.sum()) for one in impacts(run[0], "measured").values())


def test_run_json_says_what_the_run_was_made_from(run):
    stored = json.loads((run[0] / "run.json").read_text())["provenance"]
    entry = INDEX["lstm_proj"]
    assert stored["model_sha256"] == hashlib.sha256((FIXTURES / entry["file"]).read_bytes()).hexdigest()
    assert stored["inputs_sha256"] == hashlib.sha256((FIXTURES / entry["inputs"]).read_bytes()).hexdigest()
    assert stored["libtorch_version"].startswith("2.11") and stored["started"].endswith("Z")


@pytest.mark.parametrize("name", EXECUTED)
def test_executed_impacts_are_what_pytorch_computes(name, tmp_path):
    assert rank(name, tmp_path / "run", "--method", "exhaustive").code == 0
    expected = load_file(FIXTURES / f"{name}.expected.safetensors")
    impact, weight = impacts(tmp_path / "run"), impacts(tmp_path / "run", "weight")
    names = {key[len("impact:"):] for key in expected if key.startswith("impact:")}
    compared = 0
    for parameter in names & set(impact):
        index, truth = expected[f"index:{parameter}"], expected[f"impact:{parameter}"]
        assert impact[parameter].ravel()[index] == pytest.approx(truth, rel=1e-6, abs=1e-12)
        compared += len(index)
    if INDEX[name]["file"].startswith("frozen"):
        # Weights have other names here; each is found by its value.
        every = {float(w): i for key in weight for w, i in zip(weight[key].ravel(), impact[key].ravel())}
        for parameter in names:
            values = expected[f"weight:{parameter}"].astype(np.float32).ravel()[expected[f"index:{parameter}"]]
            for value, truth in zip(values, expected[f"impact:{parameter}"]):
                assert every[float(value)] == pytest.approx(truth, rel=1e-6, abs=1e-12)
                compared += 1
    assert compared >= 10


def test_a_selection_leaves_all_other_weights_empty(tmp_path):
    assert rank("gru_1_layer", tmp_path / "run", "--parameters", "rnn.weight_hh_l0[0:4,1:3]").code == 0
    impact = impacts(tmp_path / "run")
    chosen = np.zeros(impact["rnn.weight_hh_l0"].shape, bool)
    chosen[0:4, 1:3] = True
    for name, values in impact.items():
        assert (np.isfinite(values) == (chosen if name == "rnn.weight_hh_l0" else False)).all()


def test_the_same_command_twice_gives_the_same_bits(tmp_path):
    for one in ("a", "b"):
        assert rank("gru_1_layer", tmp_path / one, "--seed", 3, "--perturb", "noise:0.5").code == 0
    assert bits(tmp_path / "a") == bits(tmp_path / "b")


def test_left_out_the_folder_is_named_after_the_model_and_numbered(tmp_path):
    entry = INDEX["rnn_tanh_1_layer"]
    for number in (1, 2):
        succeed("rank", FIXTURES / entry["file"], "--inputs", FIXTURES / entry["inputs"], "-q", "--top", 3, cwd=tmp_path)
        assert (tmp_path / f"heft-run-rnn_tanh_1_layer-{number}" / "run.json").exists()


def test_export_takes_a_selection_and_a_file(run, tmp_path):
    table = tmp_path / "rows.csv"
    said = succeed("export", run[0], "--parameters", "*weight_hh*[0:2,:]", "head.bias", "-o", table, "--json").json
    rows = pd.read_csv(table)
    assert said == {"file": str(table), "rows": len(rows), "table": "weights"}
    assert set(rows.parameter) == {"rnn.weight_hh_l0", "head.bias"}
    assert set(rows[rows.parameter == "rnn.weight_hh_l0"].unit) == {0, 1}


def test_export_as_npz_is_the_table_in_one_line_of_pandas(run, tmp_path):
    table = pd.read_csv(run[0] / "weights.csv")
    assert succeed("export", run[0], "--format", "npz", "-o", tmp_path / "weights.npz", "--json").json["rows"] == len(table)
    frame = pd.DataFrame(dict(np.load(tmp_path / "weights.npz")))
    assert list(frame.columns) == list(table.columns)
    for column in frame.columns:
        other = table[column].fillna("" if frame[column].dtype == object else -1 if column in ("unit", "column") else np.nan)
        if frame[column].dtype == object:
            assert frame[column].tolist() == other.tolist(), column
        else:
            assert np.array_equal(frame[column].to_numpy(np.float32), other.to_numpy(np.float32), equal_nan=True), column
    part = tmp_path / "part.npz"
    succeed("export", run[0], "--parameters", "head.bias", "-o", part)  # the file's ending says the format
    assert set(np.load(part)["parameter"]) == {"head.bias"}


def test_export_as_safetensors_has_the_parameters_shapes(run, tmp_path):
    succeed("export", run[0], "--parameters", "*weight_hh*[0:2,:]", "-o", tmp_path / "part.safetensors")
    tensors = load_file(tmp_path / "part.safetensors")
    impact = impacts(run[0])["rnn.weight_hh_l0"]
    assert set(tensors) == {f"{what}/rnn.weight_hh_l0" for what in ("impact", "weight", "lower", "upper", "standard_error", "executed")}
    found = tensors["impact/rnn.weight_hh_l0"]
    assert (found[:2] == impact[:2]).all() and np.isnan(found[2:]).all() and found.shape == impact.shape
    assert (tensors["executed/rnn.weight_hh_l0"][:2] == impacts(run[0], "measured")["rnn.weight_hh_l0"][:2]).all()
