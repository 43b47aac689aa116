"""A comparison.json with every section that the report reads, made of nothing but a seed and the run's own names."""

import json
from pathlib import Path

import numpy as np

SCORES = ("impact", "magnitude", "magnitude_normalised", "gradient", "fisher", "linear", "snip", "wanda", "obd", "random")
SHARES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.95)


def fill(run: Path, hostile: str = "") -> dict:
    """Puts the sections into RUN/comparison.json; `hostile` stands in every name that a person may choose."""
    file = run / "comparison.json"
    comparison = json.loads(file.read_text())
    comparison.pop("sha256", None)
    comparison.update(sections(json.loads((run / "run.json").read_text()), hostile))
    file.write_text(json.dumps(comparison))
    return comparison


def sections(run: dict, hostile: str) -> dict:
    random = np.random.default_rng(1)
    parameters = [each["name"] for each in run["parameters"]]
    groups = [each["name"] for each in run["layers"]] or ["model"]
    names = [f"{hostile}temp_max", "temp_min", "log_rain", "wind", "season"]
    outputs = [f"{hostile}class {i}" for i in range(4)]

    def weights(count):
        return [{"weight": f"{hostile}{parameters[0]}[{i},{i + 1}]", "value": float(random.normal()), "impact": float(random.exponential()),
                 "impact_there": float(random.exponential()) if i else 0.0, "magnitude_rank": i + 1, "impact_rank": 1000 + i,
                 "executed": bool(i % 2)} for i in range(count)]

    def criterion(name, at):
        spearman = 1 - 0.09 * at
        return {"label": f"{hostile}{name}", "seconds": 0.5 * at, "overall": {
            "weights": 1000, "spearman": spearman, "spearman_interval": [spearman - 0.03, min(1, spearman + 0.03)], "kendall": 0.7 * spearman,
            "overlap": {"0.001": 0.8 * spearman, "0.01": 0.9 * spearman}, "rbo": 0.5 * spearman, "deletion_area": 1 + spearman, "insertion_area": 2 - spearman}}

    return {
        "criteria": {name: criterion(name, at) for at, name in enumerate(SCORES)},
        "curves": [{"criterion": name, "kind": kind, "share": list(SHARES), "change": [share ** (0.3 + 0.1 * at) for share in SHARES],
                    "loss": [1 + share for share in SHARES], "accuracy": None} for at, name in enumerate(SCORES) for kind in ("deletion", "insertion")],
        "large_but_inert": weights(8), "small_but_critical": weights(8),
        "effects": {"outputs": outputs, "groups": [
            {"name": f"{group}{end}", "level": level, "sign": sign, "weights": 9, "joint": 0.3, "change": random.normal(size=4).tolist(),
             "impact": random.exponential(size=4).tolist()}
            for group in groups for level, ends in (("layer", [""]), ("gate", [":gate=reset", ":gate=update", ":gate=new"])) for end in ends
            for sign in ("positive", "negative", "all")]},
        "features": {"names": names, "groups": groups + parameters[:4], "share": random.uniform(size=(len(groups) + len(parameters[:4]), 5)).tolist(),
                     "top_units": {name: [{"unit": f"{groups[0]}:unit={i}", "share": 0.5 / (i + 1)} for i in range(3)] for name in names}},
        "outliers": [{"parameter": name, "bins": [{"from": i, "to": i + 1 if i < 4 else None, "weights": 100 * (5 - i), "share": 0.3 / (i + 1), "mean_impact": 0.1 * (i + 1),
                                                   "joint_impact": 0.5 / (i + 1)} for i in range(5)]} for name in parameters],
        "shift": {"other_run": f"{hostile}snow", "spearman": 0.44, "only_here": weights(5), "only_there": weights(5), "rose": weights(4), "fell": weights(4)},
    }
