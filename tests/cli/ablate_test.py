"""heft ablate: what a change of some weights does."""

import numpy as np
import pytest
from heft import FIXTURES, MODELS, error_line, heft, model_arguments
from safetensors.numpy import load_file

DIGITS = [MODELS / "digits-lstm.pt", "--inputs", MODELS / "digits-lstm-inputs.safetensors", "--targets", MODELS / "digits-lstm-targets.safetensors"]


def components(names) -> list:
    return [word for name in names for word in ("--component", name)]


def ablate(model: list, *names, options=()) -> dict:
    result = heft("ablate", *model, *components(names), *options, "--json")
    assert result.code == 0, result.err
    return result.json


def label(name: str, shape: tuple, flat: int) -> str:
    return f"{name}[{','.join(str(i) for i in np.unravel_index(flat, shape))}]"


@pytest.mark.parametrize("model", ["lstm_2_layers_batch_first", "gru_2_layers_bidirectional", "lstm_proj", "embedding_tied_head", "frozen_lstm",
                                   "bfloat16_lstm", "stream_policy_gru", "outputs_tuple_element", "batch_mean_subtracted"])
def test_a_weights_impact_is_pytorchs(model):
    expected = load_file(FIXTURES / f"{model}.expected.safetensors")
    shapes = {one["name"]: one["shape"] for one in heft("inspect", *model_arguments(model), "--json").json["parameters"]}
    places = {}
    for name, shape in shapes.items():
        key = name
        if "impact:" + name not in expected:  # a frozen model's names are the operators': "lstm0.weight_ih_l0"
            leaf = name.split(".")[-1]
            known = [k[7:] for k in expected if k.startswith("impact:") and k.split(".")[-1] == leaf]
            if len(known) != 1:
                continue
            key = known[0]
        for flat, impact in zip(expected["index:" + key], expected["impact:" + key]):
            places[label(name, tuple(shape), int(flat))] = float(impact)
    assert len(places) >= 12
    found = ablate(model_arguments(model), *places)
    assert [one["name"] for one in found["components"]] == list(places)
    scale = found["baseline"]["rms"]
    for one, impact in zip(found["components"], places.values()):
        assert one["impact"]["rms"] == pytest.approx(impact, rel=1e-9, abs=1e-14 * scale), one["name"]


def test_rank_by_the_reference_gives_the_same_impacts(tmp_path):
    model = model_arguments("trained_gru")
    run = heft("rank", *model, "--method", "reference", "--parameters", "rnn.weight_hh_l0[0:2,0:3]", "--top", "6", "-o", tmp_path / "run", "--json")
    assert run.code == 0, run.err
    top = run.json["top"]
    assert len(top) == 6
    found = ablate(model, *(one["name"] for one in top))
    for one, ranked in zip(found["components"], top):
        assert one["impact"]["rms"] == pytest.approx(ranked["impact"], rel=1e-6)
        assert one["from"] == pytest.approx(ranked["weight"], rel=1e-7) and one["to"] == 0


# The unit's own numbers by hand: rows of every gate, columns of what reads it.
def rows(parameter: str, units: int, gates: int, unit: int) -> list[str]:
    return [f"{parameter}[{gate * units + unit},:]" for gate in range(gates)]


@pytest.mark.parametrize("layer, reader, unit", [("l0", "rnn.weight_ih_l1", 0), ("l1", "head.weight", 7)])
def test_a_units_paths_are_its_rows_and_columns(layer, reader, unit):
    model = model_arguments("trained_lstm")
    incoming = [name for role in ("weight_ih", "weight_hh", "bias_ih", "bias_hh") for name in rows(f"rnn.{role}_{layer}", 12, 4, unit)]
    incoming = [name.replace(",:]", "]") if "bias" in name else name for name in incoming]
    column = f"rnn.weight_hh_{layer}[:,{unit}]"
    recurrent = [*rows(f"rnn.weight_hh_{layer}", 12, 4, unit), column]
    outgoing = [column, f"{reader}[:,{unit}]"]
    by_hand = {"incoming": incoming, "outgoing": outgoing, "recurrent": recurrent, "all": [*incoming, *outgoing]}

    paths = ablate(model, f"rnn.{layer}:unit={unit}")["components"]
    assert [one["path"] for one in paths] == list(by_hand)
    for one, names in zip(paths, by_hand.values()):
        together = ablate(model, *names, options=["--together"])["together"]
        assert one["weights"] == together["weights"]
        assert one["impact"] == together["impact"] and one["outputs"] == together["outputs"] and one["samples"] == together["samples"]
        assert one["impact"]["rms"] > 0
    named = ablate(model, f"rnn.{layer}:unit={unit}:path=outgoing")["components"]
    assert len(named) == 1 and named[0] == paths[1]


def test_together_is_not_the_sum_and_each_alone_stays_what_it_was():
    names = ["rnn.l0:gate=input", "rnn.l0:gate=forget"]
    found = ablate(DIGITS, *names, options=["--together"])
    alone = [ablate(DIGITS, name)["components"][0] for name in names]
    assert found["components"] == alone
    assert found["together"]["weights"] == sum(one["weights"] for one in alone)
    assert found["together"]["name"] == " + ".join(names)
    assert found["together"]["impact"]["rms"] not in [one["impact"]["rms"] for one in alone]


def test_metrics_agree_with_changes_by_output_and_sample():
    found = ablate(DIGITS, "rnn.l1")
    one = found["components"][0]
    assert list(one["impact"]) == ["rms", "max", "kl", "flips", "loss"]
    assert found["samples"] == len(one["samples"]["rms_change"]) and found["elements"] == len(one["outputs"]["mean_change"]) == 10
    by_output, by_sample = np.array(one["outputs"]["rms_change"]), np.array(one["samples"]["rms_change"])
    assert np.sqrt(np.mean(by_output**2)) == pytest.approx(one["impact"]["rms"], rel=1e-12)
    assert np.sqrt(np.mean(by_sample**2)) == pytest.approx(one["impact"]["rms"], rel=1e-12)
    assert np.all(np.abs(one["outputs"]["mean_change"]) <= by_output)
    assert one["loss_change"] == pytest.approx(one["loss"] - found["baseline"]["loss"], rel=1e-9)
    assert one["impact"]["loss"] == pytest.approx(abs(one["loss_change"]), rel=1e-12)
    assert found["baseline"]["accuracy"] > 0.9 > one["accuracy"]
    assert one["moved"] == one["weights"] and one["norm"] > one["largest_magnitude"] > one["mean_magnitude"] > 0


def test_an_output_a_step_is_summed_up_by_class_too():
    found = ablate(model_arguments("lstm_2_layers_batch_first"), "rnn.l1")
    one, classes = found["components"][0], found["classes"]
    assert found["elements"] > classes > 1
    by_position = np.array(one["outputs"]["mean_change"]).reshape(-1, classes)
    assert np.allclose(by_position.mean(0), one["classes"]["mean_change"], rtol=1e-10, atol=1e-16)
    by_position = np.array(one["outputs"]["rms_change"]).reshape(-1, classes)
    assert np.allclose(np.sqrt((by_position**2).mean(0)), one["classes"]["rms_change"], rtol=1e-10)


def test_a_chosen_metric_comes_alone_and_a_perturbation_is_used():
    found = ablate(DIGITS[:3], "rnn.weight_hh_l0[12,7]", options=["--metric", "max", "--perturb", "scale:0.5"])
    one = found["components"][0]
    assert list(one["impact"]) == ["max"] and found["perturbation"] == "scale:0.5"
    assert one["to"] == pytest.approx(one["from"] / 2, rel=1e-12)
    kept = ablate(DIGITS[:3], "rnn.weight_hh_l0", options=["--perturb", "scale:1"])["components"][0]
    assert kept["moved"] == 0 and kept["impact"]["rms"] == 0


def test_the_text_names_what_moves_and_fits_the_terminal():
    one = heft("ablate", *DIGITS, "--component", "rnn.weight_hh_l0[12,7]")
    assert one.code == 0 and "output[" in one.out and "sample " in one.out and "accuracy" in one.out
    several = heft("ablate", *DIGITS, "--component", "rnn.l0:unit=12")
    assert "path=incoming" in several.out
    for text in (one.out, several.out):
        assert max(len(line) for line in text.splitlines()) <= 104  # names stand whole where there is no terminal


@pytest.mark.parametrize("arguments, status, says", [
    (["--component", "rnn.weight_hh_l9"], 2, "did you mean"),
    (["--component", "rnn.l0:unit=9999"], 2, "out of range"),
    (["--component", "rnn.weight_hh_l0[9999,0]"], 2, "rnn.weight_hh_l0"),
    (["--component", "head:gate=input"], 2, "no recurrent layer"),
    (["--component", "head", "--together"], 2, "--together"),
    (["--component", "head", "--metric", "loss"], 2, "--targets"),
    (["--component", "head", "--metric", "length"], 2, "length"),
    (["--component", "head", "--perturb", "remove"], 2, "remove"),
    ([], 2, "--component"),
])
def test_what_is_wrong_is_one_line(arguments, status, says):
    result = heft("ablate", *DIGITS[:3], *arguments, "-q")
    assert result.code == status
    assert says in error_line(result)
    assert result.out == ""


def test_help_lists_the_forms_of_names():
    text = heft("ablate", "--help").out
    for form in ("[12,7]", "[12,:]", ":gate=", ":unit=12:path=incoming", "--together"):
        assert form in text


def test_an_outputs_change_has_its_sign():
    found = ablate(DIGITS, "head.bias[3]")
    one = found["components"][0]
    assert one["from"] != 0
    assert one["outputs"]["mean_change"][3] == pytest.approx(-one["from"], rel=1e-9)
    assert one["outputs"]["rms_change"][3] == pytest.approx(abs(one["from"]), rel=1e-9)
    assert sum(change != 0 for change in one["outputs"]["rms_change"]) == 1
    assert one["samples"]["rms_change"] == pytest.approx([abs(one["from"]) / 10**0.5] * 64, rel=1e-9)
