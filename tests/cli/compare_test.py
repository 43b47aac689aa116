"""heft compare: criteria against impact, removal executed, two runs; figures against SciPy and against heft ablate."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file
from scipy.stats import kendalltau, spearmanr

from heft import INPUT, MODELS, OUTPUT, USAGE, refuse, heft, rank, succeed

CRITERIA = ("impact", "magnitude", "magnitude_normalised", "gradient", "fisher", "snip", "synflow", "linear", "obd", "wanda", "random",
            "random_2", "random_3")


@pytest.fixture(scope="module")
def weather(tmp_path_factory):
    run = tmp_path_factory.mktemp("compare") / "weather"
    succeed("rank", MODELS / "weather-gru.pt", "--inputs", MODELS / "weather-gru-inputs.safetensors", "--method", "response", "-o", run)
    result = succeed("compare", run, "--targets", MODELS / "weather-gru-targets.safetensors", "--feature-names",
                     MODELS / "weather-gru-features.txt", "--json")
    return run, result.json


def overall(tensors: dict) -> np.ndarray:
    return np.concatenate([tensors[name].ravel() for name in sorted(tensors)])


def test_every_criterion_has_its_marks(weather):
    assert tuple(weather[1]["criteria"]) == CRITERIA
    for name, card in weather[1]["criteria"].items():
        assert set(card["overall"]["overlap"]) == {"0.001", "0.01", "0.05", "0.1"}
        assert {"spearman", "kendall", "rbo", "deletion_area", "insertion_area"} <= set(card["overall"])
        if name not in ("random_2", "random_3"):  # further draws, for the overall marks alone
            assert card["parameters"].keys() == weather[1]["criteria"]["impact"]["parameters"].keys()
    assert weather[1]["criteria"]["impact"]["overall"]["spearman"] == pytest.approx(1)


def test_magnitudes_marks_are_scipys(weather):
    run, found = weather
    impact, weight = load_file(run / "impact.safetensors"), load_file(run / "weight.safetensors")
    marks = found["criteria"]["magnitude"]
    for name, values in [("overall", (overall(weight), overall(impact))), *((n, (weight[n], impact[n])) for n in impact)]:
        score = marks["overall"] if name == "overall" else marks["parameters"][name]
        a, b = np.abs(values[0]).ravel().astype(float), values[1].ravel().astype(float)
        assert score["spearman"] == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)
        assert score["kendall"] == pytest.approx(kendalltau(a, b).statistic, abs=1e-12)
        k = int(np.ceil(0.1 * a.size))
        assert score["overlap"]["0.1"] == len(set(np.argsort(-a, kind="stable")[:k]) & set(np.argsort(-b, kind="stable")[:k])) / k


def test_the_interval_over_inputs_is_what_other_inputs_give(weather, tmp_path):
    marks = weather[1]["criteria"]["magnitude"]["overall"]
    lower, upper = marks["spearman_interval"]
    assert lower < marks["spearman"] < upper
    days = load_file(MODELS / "weather-gru-inputs.safetensors")["days"]
    found = []
    for seed in range(10):
        drawn = np.random.default_rng(seed).integers(len(days), size=len(days))
        np.savez(tmp_path / "drawn.npz", days=days[drawn])
        succeed("rank", MODELS / "weather-gru.pt", "--inputs", tmp_path / "drawn.npz", "--method", "response", "-q", "-o", tmp_path / f"run{seed}")
        impact, weight = load_file(tmp_path / f"run{seed}" / "impact.safetensors"), load_file(tmp_path / f"run{seed}" / "weight.safetensors")
        found.append(spearmanr(np.abs(overall(weight)), overall(impact)).statistic)
    assert 0.4 < (upper - lower) / 3.92 / np.std(found, ddof=1) < 2.5


def test_feature_names_given_to_rank_are_kept(tmp_path):
    names = [line for line in (MODELS / "weather-gru-features.txt").read_text().split("\n") if line]
    run, inputs = tmp_path / "run", MODELS / "weather-gru-inputs.safetensors"
    succeed("rank", MODELS / "weather-gru.pt", "--inputs", inputs, "--method", "response", "-o", run, "--feature-names", MODELS / "weather-gru-features.txt")
    assert json.loads((run / "run.json").read_text())["feature_names"] == names
    assert succeed("compare", run, "--criteria", "magnitude", "--json").json["features"]["names"] == names
    (tmp_path / "two.txt").write_text("rain\nwind\n")
    refuse(USAGE, "2 names for 11 features", of=heft("rank", MODELS / "weather-gru.pt", "--inputs", inputs, "-o", tmp_path / "none", "--feature-names", tmp_path / "two.txt"))
    (tmp_path / "binary").write_bytes(b"\0\1")
    refuse(INPUT, "no list of names", of=heft("rank", MODELS / "weather-gru.pt", "--inputs", inputs, "-o", tmp_path / "none", "--feature-names", tmp_path / "binary"))
    assert not (tmp_path / "none").exists()


def test_a_score_that_knows_more_of_the_model_ranks_better_and_chance_does_not(weather):
    spearman = {name: card["overall"]["spearman"] for name, card in weather[1]["criteria"].items()}
    assert spearman["linear"] > 0.99
    assert spearman["linear"] > spearman["gradient"] > spearman["magnitude"]
    assert all(abs(spearman[name]) < 0.1 for name in ("random", "random_2", "random_3"))
    areas = {name: card["overall"]["insertion_area"] for name, card in weather[1]["criteria"].items()}
    assert areas["impact"] < areas["magnitude"] < areas["random"]


def test_wanda_is_magnitude_times_the_norm_of_what_is_read(tmp_path):
    run = tmp_path / "run"
    inputs = load_file(MODELS / "weather-gru-inputs.safetensors")
    succeed("rank", MODELS / "weather-gru.pt", "--inputs", MODELS / "weather-gru-inputs.safetensors", "--method", "response", "-o", run)
    weight, impact = load_file(run / "weight.safetensors"), load_file(run / "impact.safetensors")
    [name] = [one for one in weight if one.endswith("weight_ih_l0")]
    x = next(iter(inputs.values()))
    wanda = np.abs(weight[name]) * np.sqrt((x.astype(float) ** 2).sum((0, 1)))
    found = succeed("compare", run, "--criteria", "wanda", "--json").json["criteria"]["wanda"]["parameters"][name]
    assert found["spearman"] == pytest.approx(spearmanr(wanda.ravel(), impact[name].ravel()).statistic, abs=2e-4)


def test_curves_are_executed_and_written(weather):
    run, found = weather
    table = pd.read_csv(run / "curves.csv")
    assert set(table.kind) == {"deletion", "insertion"} and set(table.criterion) == set(CRITERIA)
    one = table[(table.criterion == "magnitude") & (table.kind == "insertion")]
    assert list(one.share) == sorted(one.share) and one.change.iloc[-1] < one.change.iloc[0]
    assert one.loss.notna().all()
    document = json.loads((run / "comparison.json").read_text())
    assert found["whole_model"]["loss"] > 0 and found["whole_model"]["accuracy"] is None
    assert document["criteria"] == found["criteria"] and document["overall"]  # what rank wrote stays


def test_lists_were_executed(weather):
    _, found = weather
    assert len(found["large_but_inert"]) == 20 and len(found["small_but_critical"]) == 20
    row = found["small_but_critical"][0]
    asked = succeed("ablate", MODELS / "weather-gru.pt", "--inputs", MODELS / "weather-gru-inputs.safetensors", "--component", row["weight"],
                    "--metric", "rms", "--json").json
    assert row["impact"] == pytest.approx(asked["components"][0]["impact"]["rms"], rel=1e-9)


def test_features_signs_and_outliers_are_there(weather):
    run, found = weather
    names = (MODELS / "weather-gru-features.txt").read_text().split("\n")
    assert found["features"]["names"] == [name for name in names if name]
    assert len(found["features"]["share"]) == len(found["features"]["groups"])
    assert {one["sign"] for one in found["effects"]["groups"]} == {"negative", "positive", "all"}
    weights = {one["parameter"]: sum(group["weights"] for group in one["bins"]) for one in found["outliers"]}
    impact = load_file(run / "impact.safetensors")
    assert weights and all(count == impact[name].size for name, count in weights.items())


def test_scores_of_ones_own(tmp_path, weather):
    run, _ = weather
    weight = load_file(run / "weight.safetensors")
    save_file({name: np.abs(one) for name, one in weight.items()}, tmp_path / "mine.safetensors")
    found = succeed("compare", run, "--criteria", "magnitude", "--scores", tmp_path / "mine.safetensors", "--json").json["criteria"]
    for key in ("spearman", "kendall", "overlap", "rbo", "deletion_area"):
        assert found["mine"]["overall"][key] == found["magnitude"]["overall"][key]
    # The impacts of another run have the name that ours have.
    other = tmp_path / "other"
    other.mkdir()
    for file in ("impact", "random_2"):
        save_file({name: np.abs(one) for name, one in weight.items()}, other / (file + ".safetensors"))
    both = succeed("compare", run, "--criteria", "magnitude", "--scores", other / "impact.safetensors",
                   other / "random_2.safetensors", "--json").json["criteria"]
    assert list(both) == ["impact", "magnitude", "other/impact", "other/random_2"]
    assert both["impact"]["overall"]["spearman"] == 1
    for file in ("other/impact", "other/random_2"):
        assert both[file]["overall"]["spearman"] == found["magnitude"]["overall"]["spearman"]
        assert both[file]["parameters"].keys() == found["magnitude"]["parameters"].keys()
    name, one = next(iter(weight.items()))
    save_file({name: one.ravel()[:3].copy()}, tmp_path / "wrong.safetensors")
    refuse(INPUT, "wrong.safetensors", name, of=heft("compare", run, "--scores", tmp_path / "wrong.safetensors"))
    save_file({"x": np.ones(3, np.float32)}, tmp_path / "other.safetensors")
    refuse(INPUT, "no tensor with a parameter's name", of=heft("compare", run, "--scores", tmp_path / "other.safetensors"))


def test_two_runs(tmp_path, weather):
    here, there = tmp_path / "here", tmp_path / "there"
    inputs = load_file(MODELS / "weather-gru-inputs.safetensors")
    halves = {}
    for folder, part in ((here, slice(0, None, 2)), (there, slice(1, None, 2))):
        halves[folder] = tmp_path / f"{folder.name}.safetensors"
        save_file({name: one[part].copy() for name, one in inputs.items()}, halves[folder])
        succeed("rank", MODELS / "weather-gru.pt", "--inputs", halves[folder], "--method", "response", "-o", folder)
    shift = succeed("compare", here, there, "--json").json["shift"]
    a, b = (overall(load_file(one / "impact.safetensors")).astype(float) for one in (here, there))
    assert shift["spearman"] == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)
    assert shift["rose"][0]["impact_there"] - shift["rose"][0]["impact"] == pytest.approx((b - a).max(), rel=1e-5)
    assert shift["fell"][0]["impact"] - shift["fell"][0]["impact_there"] == pytest.approx((a - b).max(), rel=1e-5)
    other = rank("lstm_1_layer", tmp_path / "other")
    assert other.code == 0, other
    refuse(OUTPUT, "other parameters", of=heft("compare", here, tmp_path / "other"))


def test_refusals(weather, tmp_path):
    run, _ = weather
    refuse(USAGE, "no criterion 'size'", "magnitude", of=heft("compare", run, "--criteria", "size"))
    refuse(USAGE, "--held-out", of=heft("compare", run, "--held-out-targets", "y.pt"))
    refuse(OUTPUT, "no such run folder", of=heft("compare", tmp_path / "none"))
    (tmp_path / "names.txt").write_text("a\nb\n")
    refuse(USAGE, "2 names", of=heft("compare", run, "--quiet", "--criteria", "magnitude", "--feature-names", tmp_path / "names.txt"))
    refuse(INPUT, "can't be read", of=heft("compare", run, "--feature-names", tmp_path / "absent.txt"))


def test_a_damaged_comparison_is_not_sealed_again(tmp_path):
    run = tmp_path / "run"
    assert rank("gru_1_layer", run).code == 0
    whole = (run / "comparison.json").read_text()
    succeed("compare", run, "--criteria", "magnitude", "-q")
    file = run / "comparison.json"
    document = json.loads(file.read_text())
    assert document["overall"]["spearman"] is not None
    file.write_text(file.read_text().replace('"spearman": ', '"spearman": 1', 1))
    assert "is damaged" in succeed("report", run).err
    said = succeed("compare", run, "--criteria", "random").err
    assert "was damaged and is written anew" in said
    again = json.loads(file.read_text())
    # What rank found is there as it was, what was compared before is not.
    assert again["overall"] == json.loads(whole)["overall"]
    assert "random" in again["criteria"] and "magnitude" not in again["criteria"]
    assert "damaged" not in succeed("report", run).err
