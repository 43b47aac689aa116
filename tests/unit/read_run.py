"""Reads the run that tests/unit/example_run.hpp describes, as a user would: a line a file."""
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

run = Path(sys.argv[1])

impact = load_file(run / "impact.safetensors")
measured = load_file(run / "measured.safetensors")
weight = load_file(run / "weight.safetensors")
top = pd.read_csv(run / "top.csv")
components = pd.read_csv(run / "components.csv")
weights = pd.read_csv(run / "weights.csv")
facts = json.load(open(run / "run.json"))
comparison = json.load(open(run / "comparison.json"))

shapes = {"lstm.weight_ih_l0_reverse": (8, 3), "lstm.bias_ih_l0_reverse": (8,), "conv.weight": (2, 2, 3), "gain": ()}
for name in ["impact", "standard_error", "lower", "upper", "weight", "impact_kl"]:
    tensors = load_file(run / f"{name}.safetensors")
    assert {key: value.shape for key, value in tensors.items()} == shapes, name
    assert all(value.dtype == np.float32 for value in tensors.values()), name
assert all(value.dtype == np.uint8 for value in measured.values())
assert measured["lstm.weight_ih_l0_reverse"].sum() == 12
assert np.isnan(impact["conv.weight"]).sum() == 6
assert impact["lstm.weight_ih_l0_reverse"][5, 2] == np.float32(7.1)

assert list(top["rank"]) == list(range(1, 8))
first = top.iloc[0]
assert impact[first["parameter"]].flatten()[first["index"]] == np.float32(first["impact"])
assert first["name"] == "lstm.bias_ih_l0_reverse[0]" and first["gate"] == "i" and first["unit"] == 0

assert len(weights) == 39 and weights["impact"].notna().all()
matrix = weights[weights.parameter == "lstm.weight_ih_l0_reverse"]
assert np.array_equal(matrix["weight"].to_numpy(np.float32), weight["lstm.weight_ih_l0_reverse"].flatten())
assert np.isinf(matrix["upper"].iloc[1]) and matrix["upper"].notna().all()
assert weights["column"].isna().sum() == 8 + 1

table = pd.DataFrame(dict(np.load(run / "weights.npz")))
assert list(table.columns) == list(weights.columns) and len(table) == 39
for column in ("parameter", "layer", "direction", "gate"):
    assert table[column].tolist() == weights[column].fillna("").tolist(), column
for column in ("index", "weight", "impact", "lower", "upper", "executed", "standard_error"):
    assert np.array_equal(table[column].to_numpy(np.float32), weights[column].to_numpy(np.float32)), column
assert table["unit"].tolist() == weights["unit"].fillna(-1).tolist() and table["column"].tolist() == weights["column"].fillna(-1).tolist()
tensors = load_file(run / "weights.safetensors")
assert np.array_equal(tensors["impact/conv.weight"], impact["conv.weight"], equal_nan=True)
assert tensors["executed/lstm.weight_ih_l0_reverse"].dtype == bool and len(tensors) == 4 * 6

groups = load_file(run / "groups.safetensors")
assert {name: (table.shape, table.dtype) for name, table in groups.items()} == dict.fromkeys(["impact", "impact_kl", "standard_error"], ((2, 2), np.float64))
assert groups["impact"][0].tolist() == [0.5, 0.25] and [each["name"] for each in facts["groups"]] == ['a "noun"', "verb"]

assert components["impact"].isna().tolist() == [False, True]
assert facts["settings"]["seed"] == 2**64 - 1 and facts["parameters"][0]["tied"] == ["other.weight_ih", "third.weight"]
assert comparison["parameters"][0]["spearman"] == -1 and comparison["parameters"][3]["spearman"] is None
