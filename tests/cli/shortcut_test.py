"""The wolf and the snow: Heft finds the weights by which a network reads marks in the margin instead of digits."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from heft import MODELS, impacts, succeed

MODEL = MODELS / "digits-shortcut.pt"
HIDDEN = 64
FOUND_ON = 200  # images; what is found on them is judged on the others
MASKED_SHARE = 0.005


def rows(kind: str) -> np.ndarray:
    return load_file(MODELS / f"digits-shortcut-{kind}.safetensors")["rows"]


DIGITS = load_file(MODELS / "digits-shortcut-targets.safetensors")["targets"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run folders of rankings on the first images, by the kind of their marks."""
    folder, found = tmp_path_factory.mktemp("shortcut"), {}
    for kind in ("inputs", "shifted", "unmarked"):
        np.savez(folder / f"{kind}.npz", rows=rows(kind)[:FOUND_ON])
        found[kind] = folder / kind
        succeed("rank", MODEL, "--inputs", folder / f"{kind}.npz", "--method", "response", "-q", "-o", found[kind])
    return found


@pytest.fixture(scope="module")
def weights(runs):
    return {name: values.astype(float) for name, values in impacts(runs["shifted"], "weight").items()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def logits(weights: dict, images: np.ndarray) -> np.ndarray:
    """The model in numpy, by the equations in torch.nn.LSTM's documentation."""
    hidden = carry = np.zeros((len(images), HIDDEN))
    for row in images.astype(float).swapaxes(0, 1):
        gates = row @ weights["rnn.weight_ih_l0"].T + hidden @ weights["rnn.weight_hh_l0"].T + weights["rnn.bias_ih_l0"] + weights["rnn.bias_hh_l0"]
        write, keep, new, show = np.split(gates, 4, axis=1)
        carry = sigmoid(keep) * carry + sigmoid(write) * np.tanh(new)
        hidden = sigmoid(show) * np.tanh(carry)
    return hidden @ weights["head.weight"].T + weights["head.bias"]


def accuracy(weights: dict, kind: str) -> float:
    """On the images that nothing was found on."""
    return float((logits(weights, rows(kind)[FOUND_ON:]).argmax(1) == DIGITS[FOUND_ON:]).mean())


def without_largest(weights: dict, score: dict) -> dict:
    """The weights with the share of largest score set to zero."""
    names = sorted(weights)
    flat = np.concatenate([score[name].astype(float).ravel() for name in names])
    kept = np.ones(flat.size)
    kept[np.argsort(-flat, kind="stable")[: int(MASKED_SHARE * flat.size)]] = 0
    parts = np.split(kept, np.cumsum([weights[name].size for name in names])[:-1])
    return {name: weights[name] * part.reshape(weights[name].shape) for name, part in zip(names, parts)}


def rise(runs: dict, marked: str) -> dict:
    """By how much each weight's impact is larger where marks are."""
    with_marks, without = impacts(runs[marked]), impacts(runs["unmarked"])
    return {name: with_marks[name].astype(float) - without[name] for name in with_marks}


def test_numpy_computes_what_heft_does(weights):
    whole = ("--inputs", MODELS / "digits-shortcut-shifted.safetensors", "--targets", MODELS / "digits-shortcut-shifted-targets.safetensors")
    found = succeed("ablate", MODEL, *whole, "--component", "rnn.weight_ih_l0[:,0]", "--json").json
    images = rows("shifted")
    assert found["baseline"]["accuracy"] == np.mean(logits(weights, images).argmax(1) == DIGITS)
    ablated = dict(weights, **{"rnn.weight_ih_l0": weights["rnn.weight_ih_l0"] * (np.arange(8) != 0)})
    change = logits(ablated, images) - logits(weights, images)
    assert found["components"][0]["impact"]["rms"] == pytest.approx(np.sqrt(np.mean(change**2)), rel=1e-9)


def test_the_network_leans_on_the_mark(weights):
    assert accuracy(weights, "inputs") > 0.97
    assert accuracy(weights, "shifted") < 0.5
    assert accuracy(weights, "unmarked") > 0.85


@pytest.mark.parametrize("marked", ["shifted", "inputs"])
def test_masking_weights_that_matter_more_with_marks_heals_it(runs, weights, marked):
    masked = without_largest(weights, rise(runs, marked))
    assert accuracy(masked, "shifted") > accuracy(weights, "shifted") + 0.35
    assert accuracy(masked, "unmarked") > accuracy(weights, "unmarked") - 0.03
    assert accuracy(masked, "inputs") > 0.9


def test_other_masks_of_that_size_do_not(runs, weights):
    random = np.random.default_rng(0)
    others = {
        "random": {name: random.random(values.shape) for name, values in weights.items()},
        "magnitude": {name: np.abs(values) for name, values in weights.items()},
        "impact on one set": impacts(runs["shifted"]),
    }
    for name, score in others.items():
        assert accuracy(without_largest(weights, score), "shifted") < accuracy(weights, "shifted") + 0.15, name


def test_most_of_what_is_found_reads_the_margins(runs, weights):
    masked = without_largest(weights, rise(runs, "shifted"))
    gone = {name: (masked[name] == 0) & (weights[name] != 0) for name in weights}
    assert gone["rnn.weight_ih_l0"][:, [0, 7]].sum() > 0.65 * sum(one.sum() for one in gone.values())


def test_heft_mask_against_the_unmarked_does_the_same(runs, weights, tmp_path):
    mask = tmp_path / "mask.safetensors"
    said = succeed("mask", runs["shifted"], "--against", runs["unmarked"], "--keep", str(1 - MASKED_SHARE), "--biases", "-o", mask, "--json").json
    kept = load_file(mask)
    assert said["removed"] == sum(int((~one).sum()) for one in kept.values()) == round(MASKED_SHARE * sum(one.size for one in weights.values()))
    score = rise(runs, "shifted")
    gone, stay = (np.concatenate([score[name][kept[name] == keep].ravel() for name in kept]) for keep in (False, True))
    assert gone.min() >= stay.max()
    assert accuracy({name: weights[name] * kept[name] for name in weights}, "shifted") > accuracy(weights, "shifted") + 0.3
