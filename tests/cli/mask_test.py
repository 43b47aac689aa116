"""heft mask: which weights stay, what the masked model does (against heft compare and heft ablate), and the file for Python."""

import json
import shutil
import zipfile

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from heft import FIXTURES, INDEX, INPUT, MODEL, MODELS, OUTPUT, UNSUPPORTED, USAGE, error_line, heft, impacts, rank, refuse, succeed

WEATHER = (MODELS / "weather-gru.pt", "--inputs", MODELS / "weather-gru-inputs.safetensors")


@pytest.fixture(scope="module")
def weather(tmp_path_factory):
    run = tmp_path_factory.mktemp("mask") / "weather"
    succeed("rank", *WEATHER, "--method", "response", "-o", run)
    return run


def is_matrix(name: str, values: np.ndarray) -> bool:
    return values.ndim > 1


def kept_by(scores: dict, names: list, share: float) -> dict:
    """The share with the highest scores, ties in the model's order; all else stays."""
    flat = np.concatenate([scores[name].ravel() for name in names])
    kept = np.zeros(flat.size, bool)
    kept[np.argsort(-flat, kind="stable")[: round(share * flat.size)]] = True
    mask, at = {name: np.ones(values.shape, bool) for name, values in scores.items()}, 0
    for name in names:
        size = scores[name].size
        mask[name] = kept[at : at + size].reshape(scores[name].shape)
        at += size
    return mask


def order(run) -> list:
    return [one["name"] for one in json.loads((run / "run.json").read_text())["parameters"]]


def magnitude(run) -> dict:
    return {name: np.abs(values) for name, values in impacts(run, "weight").items()}


@pytest.mark.parametrize("by, scores", [("impact", impacts), ("magnitude", magnitude)])
def test_the_share_with_the_highest_scores_stays(weather, tmp_path, by, scores):
    file = tmp_path / "mask.safetensors"
    said = succeed("mask", weather, "--keep", 0.3, "--by", by, "-o", file, "--json").json
    values = scores(weather)
    expected = kept_by(values, [name for name in order(weather) if is_matrix(name, values[name])], 0.3)
    mask = load_file(file)
    assert mask.keys() == values.keys()
    for name, one in mask.items():
        assert one.dtype == bool and one.shape == values[name].shape
        assert (one == expected[name]).all(), name
    assert said["removed"] == sum(int((~one).sum()) for one in mask.values())
    assert said["ranked"] == sum(one.size for one in mask.values() if one.ndim > 1)
    assert said["weights"] == sum(one.size for one in mask.values())
    assert {one["name"]: one["kept"] for one in said["parameters"]} == {name: int(one.sum()) for name, one in mask.items()}
    with safe_open(file, "numpy") as opened:
        assert opened.metadata() == {"format": "heft", "by": by, "keep": "0.3", "scope": "global", "biases": "kept"}


def test_the_share_stays_in_each_matrix_where_that_is_asked_for(weather, tmp_path):
    succeed("mask", weather, "--keep", 0.25, "--by", "magnitude_normalised", "--scope", "matrix", "-o", tmp_path / "m.safetensors")
    values = magnitude(weather)
    for name, one in load_file(tmp_path / "m.safetensors").items():
        expected = kept_by(values, [name], 0.25)[name] if one.ndim > 1 else np.ones(one.shape, bool)
        assert (one == expected).all(), name


def test_normalised_magnitudes_rank_matrices_against_each_other_by_their_own_size(weather, tmp_path):
    values = {name: one / np.sqrt((one.astype(float) ** 2).mean()) for name, one in magnitude(weather).items()}
    succeed("mask", weather, "--keep", 0.3, "--by", "magnitude_normalised", "-o", tmp_path / "m.safetensors")
    expected = kept_by(values, [name for name in order(weather) if is_matrix(name, values[name])], 0.3)
    differ = sum(int((one != expected[name]).sum()) for name, one in load_file(tmp_path / "m.safetensors").items())
    assert differ <= 2  # rounding at the last place


@pytest.mark.parametrize("by", ["impact", "magnitude", "wanda", "gradient"])
def test_what_the_masked_model_does_is_what_heft_compare_executed(weather, tmp_path, by):
    shutil.copytree(weather, tmp_path / "run")
    targets = ("--targets", MODELS / "weather-gru-targets.safetensors")
    curves = succeed("compare", tmp_path / "run", "--criteria", "magnitude" if by == "impact" else by, *targets, "--json").json["curves"]
    [curve] = [one for one in curves if one["criterion"] == by and one["kind"] == "insertion"]
    for share in (0.1, 0.5):
        place = curve["share"].index(share)
        said = succeed("mask", weather, "--keep", share, "--by", by, "--biases", *targets, "-o", tmp_path / f"{share}.safetensors", "--json").json
        assert said["executed"]["change"] == pytest.approx(curve["change"][place], rel=1e-9)
        assert said["executed"]["loss"]["after"] == pytest.approx(curve["loss"][place], rel=1e-9)
    whole = succeed("mask", weather, "--keep", 1, "--by", by, *targets, "-o", tmp_path / "whole.safetensors", "--json").json
    assert whole["removed"] == 0 and whole["executed"]["change"] == 0
    assert whole["executed"]["loss"]["after"] == whole["executed"]["loss"]["before"] == said["executed"]["loss"]["before"]


def test_one_removed_weight_moves_the_output_as_heft_ablate_says(weather, tmp_path):
    scores = {name: np.ones(one.shape, np.float32) for name, one in impacts(weather).items()}
    [name] = [one for one in scores if one.endswith("weight_hh_l0")]
    scores[name][3, 5] = 0
    save_file(scores, tmp_path / "scores.safetensors")
    ranked = sum(one.size for one in scores.values() if one.ndim > 1)
    said = succeed("mask", weather, "--keep", (ranked - 1) / ranked, "--scores", tmp_path / "scores.safetensors", "-o",
                   tmp_path / "mask.safetensors", "--json").json
    assert said["removed"] == 1 and said["by"] == "scores"
    asked = succeed("ablate", *WEATHER, "--component", f"{name}[3,5]", "--metric", "rms", "--json").json
    assert said["executed"]["change"] == pytest.approx(asked["components"][0]["impact"]["rms"], rel=1e-9)


def test_random_masks_follow_the_seed(weather, tmp_path):
    masks = []
    for number, seed in enumerate((0, 0, 1)):
        succeed("mask", weather, "--keep", 0.5, "--by", "random", "--seed", seed, "-o", tmp_path / f"{number}.safetensors")
        masks.append((tmp_path / f"{number}.safetensors").read_bytes())
    assert masks[0] == masks[1] != masks[2]


def test_biases_compete_where_that_is_asked_for(weather, tmp_path):
    succeed("mask", weather, "--keep", 0.05, "--biases", "-o", tmp_path / "m.safetensors")
    mask = load_file(tmp_path / "m.safetensors")
    assert any(not one.all() for one in mask.values() if one.ndim == 1)
    expected = kept_by(impacts(weather), order(weather), 0.05)
    assert all((one == expected[name]).all() for name, one in mask.items())


def test_people_are_told_what_stays_what_goes_and_what_that_does(weather, tmp_path):
    said = succeed("mask", weather, "--keep", 0.2, "-o", tmp_path / "m.safetensors", "--targets", MODELS / "weather-gru-targets.safetensors").out
    for text in ("stay (20 %)", "by measured impact", "biases and other vectors stay", "Executed: the output moves by", "loss",
                 str(tmp_path / "m.safetensors")):
        assert text in said, said
    assert "rnn.weight_hh_l0" in said or "weight_hh_l0" in said


def test_a_partial_run_ranks_its_own_weights_and_keeps_the_rest(tmp_path):
    assert rank("gru_1_layer", tmp_path / "run", "--parameters", "rnn.weight_hh_l0[0:4,1:3]").code == 0
    for by in ("impact", "magnitude"):
        said = succeed("mask", tmp_path / "run", "--keep", 0.5, "--by", by, "-o", tmp_path / f"{by}.safetensors", "--json").json
        assert said["ranked"] == 8 and said["removed"] == 4
        mask = load_file(tmp_path / f"{by}.safetensors")
        assert (~mask["rnn.weight_hh_l0"][0:4, 1:3]).sum() == 4
        assert said["kept_without_score"] == sum(one.size for one in mask.values() if one.ndim > 1) - 8
    said = succeed("mask", tmp_path / "run", "--keep", 0.5, "-o", tmp_path / "text.safetensors").out
    assert "outside the run stay and don't count" in said


def test_tied_weights_are_masked_together(tmp_path):
    assert rank("embedding_tied_head", tmp_path / "run", "--method", "response").code == 0
    succeed("mask", tmp_path / "run", "--keep", 0.4, "-o", tmp_path / "m.safetensors", "--apply", tmp_path / "m.pt")
    mask = load_file(tmp_path / "m.safetensors")
    [tied] = [one for one in json.loads((tmp_path / "run" / "run.json").read_text())["parameters"] if one["tied"]]
    for name in tied["tied"]:
        assert (mask[name] == mask[tied["name"]]).all() and not mask[name].all()


@pytest.mark.parametrize("name", ["gru_1_layer", "traced_lstm", "frozen_gru", "embedding_tied_head"])
def test_the_model_with_the_mask_applied_runs_and_has_those_weights_at_zero(name, tmp_path):
    assert rank(name, tmp_path / "run", "--method", "response").code == 0
    said = succeed("mask", tmp_path / "run", "--keep", 0.5, "-o", tmp_path / "m.safetensors", "--apply", tmp_path / "m.pt", "--json").json
    assert said["applied"] == str(tmp_path / "m.pt")
    assert zipfile.ZipFile(tmp_path / "m.pt").testzip() is None
    again = tmp_path / "again"
    succeed("rank", tmp_path / "m.pt", "--inputs", FIXTURES / INDEX[name]["inputs"], "--method", "response", "-q", "-o", again)
    mask, before, after = load_file(tmp_path / "m.safetensors"), impacts(tmp_path / "run", "weight"), impacts(again, "weight")
    for parameter in before:
        assert (after[parameter] == before[parameter] * mask[parameter]).all(), parameter
        assert impacts(again)[parameter][~mask[parameter]] == pytest.approx(0, abs=1e-12)


def test_impact_magnitude_and_chance_need_the_run_folder_alone(tmp_path):
    for file in ("weather-gru.pt", "weather-gru-inputs.safetensors"):
        shutil.copy(MODELS / file, tmp_path)
    succeed("rank", "weather-gru.pt", "--inputs", "weather-gru-inputs.safetensors", "--method", "response", "-q", "-o", "run", cwd=tmp_path)
    here = lambda *arguments: heft("mask", "run", "--keep", "0.5", *arguments, cwd=tmp_path)  # noqa: E731
    (tmp_path / "weather-gru-inputs.safetensors").rename(tmp_path / "moved.safetensors")
    for by in ("impact", "magnitude", "random"):
        result = here("--by", by, "-o", f"{by}.safetensors", "--apply", f"{by}.pt")
        assert result.code == 0 and "was not executed" in error_line(result) and "Executed" not in result.out, result
    result = here("-o", "found.safetensors", "--inputs", "moved.safetensors")
    assert result.code == 0 and result.err == "" and "Executed" in result.out, result
    refuse(INPUT, "weather-gru-inputs.safetensors", of=here("--by", "gradient", "-o", "g.safetensors", "-q"))
    with open(tmp_path / "weather-gru.pt", "ab") as model:
        model.write(b"more")
    refuse(MODEL, "changed since the run", of=here("-o", "a.safetensors", "--apply", "a.pt"))
    result = here("-o", "a.safetensors")
    assert result.code == 0 and "changed since the run" in error_line(result)


def test_refusals(weather, tmp_path):
    file = tmp_path / "mask.safetensors"

    def mask(*arguments, keep="0.5"):
        return heft("mask", weather, "--keep", keep, "-o", file, "-q", *arguments)

    for keep in ("0", "1.5", "nan", "inf"):
        refuse(USAGE, "--keep", "at most 1", of=mask(keep=keep))
    refuse(USAGE, "--keep", of=mask(keep="half"))
    refuse(USAGE, "--keep", of=heft("mask", weather, "-o", file))
    refuse(USAGE, "no criterion 'size'", "impact", of=mask("--by", "size"))
    refuse(USAGE, "--scope", of=mask("--scope", "layer"))
    refuse(USAGE, "--scores", of=mask("--by", "impact", "--scores", "x.safetensors"))
    refuse(USAGE, "same file", of=mask("--apply", file))
    refuse(OUTPUT, "no such run folder", of=heft("mask", tmp_path / "none", "--keep", 0.5, "-o", file))
    refuse(INPUT, "x.safetensors", of=mask("--scores", tmp_path / "x.safetensors"))
    refuse(OUTPUT, "nowhere", of=heft("mask", weather, "--keep", 0.5, "-q", "-o", tmp_path / "nowhere" / "m.safetensors"))
    file.write_text("mine")
    refuse(OUTPUT, "is there already", of=mask())
    assert file.read_text() == "mine"
    refuse(OUTPUT, "is there already", of=heft("mask", weather, "--keep", 0.5, "-q", "-o", weather / "impact.safetensors"))
    refuse(OUTPUT, "is there already", of=heft("mask", weather, "--keep", 0.5, "-q", "-o", tmp_path / "n.safetensors", "--apply", file))
    assert list(tmp_path.iterdir()) == [file]


def test_runs_of_components_keep_components_and_biases_alone_are_refused(tmp_path):
    assert rank("gru_1_layer", tmp_path / "units", "--components", "unit").code == 0
    assert "4 of 8 units stay" in succeed("mask", tmp_path / "units", "--keep", 0.5, "-q").out
    assert rank("gru_1_layer", tmp_path / "bias", "--parameters", "*bias*").code == 0
    refuse(USAGE, "--biases", of=heft("mask", tmp_path / "bias", "--keep", 0.5, "-q"))
    succeed("mask", tmp_path / "bias", "--keep", 0.5, "--biases", "-q")
    assert (tmp_path / "bias" / "mask.safetensors").exists()


def test_a_model_whose_weights_are_compressed_in_its_archive_cannot_be_changed_in_place(tmp_path):
    entry = INDEX["gru_1_layer"]
    with zipfile.ZipFile(FIXTURES / entry["file"]) as old, zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, old.read(member))
    succeed("rank", tmp_path / "packed.pt", "--inputs", FIXTURES / entry["inputs"], "--method", "response", "-q", "-o", tmp_path / "run")
    refuse(UNSUPPORTED, "compressed", "in Python", of=heft("mask", tmp_path / "run", "--keep", 0.5, "-q", "--apply", tmp_path / "m.pt"))
    assert not (tmp_path / "m.pt").exists() and not (tmp_path / "run" / "mask.safetensors").exists()
