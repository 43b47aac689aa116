#!/usr/bin/env python3
"""The weights of a run that matter most, joined with where they stand in the network.

    examples/python/read_run.py RUN [PLACES]        RUN: the folder that heft rank wrote; needs numpy, pandas, safetensors
"""
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file


def structure(run: Path) -> pd.DataFrame:
    """A row for each parameter: its site, role, layer, shape and gates, as run.json has them."""
    document = json.loads((run / "run.json").read_text())
    parameters = pd.DataFrame(document["parameters"]).set_index("name")
    layers = [layer["name"] for layer in document["layers"]]
    parameters["layer"] = [layers[place] if place >= 0 else "" for place in parameters["layer"]]
    return parameters


def weights(run: Path) -> pd.DataFrame:
    """A row for each weight of the run. Files have the parameters' own names and shapes; NaN: not part of the run."""
    columns = {name: load_file(run / f"{name}.safetensors") for name in ("weight", "impact", "lower", "upper", "standard_error", "measured")}
    frames = []
    for parameter, impact in columns["impact"].items():
        rows = impact.shape[0] if impact.ndim else 1
        row, column = np.indices((rows, impact.size // rows)).reshape(2, -1)
        frame = pd.DataFrame({"parameter": parameter, "row": row, "column": column})
        for name, values in columns.items():
            frame[name] = values[parameter].ravel()
        frames.append(frame)
    return pd.concat(frames, ignore_index=True).dropna(subset="impact")


def gate(weight: pd.Series) -> str:
    """Rows of a recurrent matrix are stacked by gate."""
    gates, rows = weight["gates"], weight["shape"][0]
    return gates[weight["row"] // (rows // len(gates))] if gates else ""


def main() -> None:
    run, places = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10
    every = weights(run)
    every["magnitude_rank"] = every["weight"].abs().rank(ascending=False, method="min").astype(int)
    top = every.nlargest(places, "impact").join(structure(run)[["site", "layer", "shape", "gates"]], on="parameter")
    top["gate"] = top.apply(gate, axis=1)
    shown = ["parameter", "row", "column", "weight", "impact", "lower", "upper", "magnitude_rank", "site", "layer", "gate"]
    print(top[shown].to_string(index=False))
    print("\nmean impact by parameter:")
    print(every.groupby("parameter", sort=False)["impact"].agg(["size", "mean", "max"]).to_string())


if __name__ == "__main__":
    main()
