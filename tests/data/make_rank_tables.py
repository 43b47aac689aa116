"""Writes tests/data/files/rank_tables.json: pairs of lists with SciPy's own ranks and rank correlations.

Needs numpy and scipy (scripts/requirements-test.txt has the versions); run it from anywhere. null stands for NaN in the
lists, and for "no value" in the results.
"""

import json
import warnings
from pathlib import Path

import numpy as np
from scipy import stats

rng = np.random.default_rng(20)
nan = np.nan


def with_nan(values, share):
    values = np.array(values, float)
    values[rng.random(values.size) < share] = nan
    return values


normal = rng.normal(size=60)
pairs = {
    "no ties": (normal, normal + rng.normal(size=60)),
    "opposite order": (np.arange(9.0), -np.arange(9.0)),
    "ties on one side": (rng.integers(0, 5, 40), rng.normal(size=40)),
    "ties on both sides": (rng.integers(0, 4, 50), rng.integers(0, 3, 50)),
    "ties at the same places": (np.repeat(np.arange(6.0), 4), np.repeat([2.0, 0, 1, 5, 4, 3], 4)),
    "heavy tail with zeros": (np.where(rng.random(80) < 0.4, 0, rng.lognormal(0, 4, 80)), rng.lognormal(0, 4, 80)),
    "not a number on both sides": (with_nan(rng.normal(size=50), 0.2), with_nan(rng.normal(size=50), 0.2)),
    "not a number and ties": (with_nan(rng.integers(0, 6, 70), 0.15), with_nan(rng.integers(0, 6, 70), 0.15)),
    "values at the ends of the range": (np.array([np.finfo(float).max, 3, -1e308, 0.5, 2, 7]), np.array([5, 1e308, 0, -2, 8, 9.5])),
    "two pairs": (np.array([1.0, 2]), np.array([5.0, 3])),
    "one side constant": (np.full(7, 3.0), np.arange(7.0)),
    "both sides constant": (np.full(4, 3.0), np.full(4, 1.0)),
    "constant once NaN is left out": (np.array([1, 1, 1, 2.0]), np.array([4, 5, 6, nan])),
    "one pair left": (np.array([1, nan, 3]), np.array([2, 5, nan])),
    "no pair left": (np.array([nan, 1]), np.array([1, nan])),
    "more than a merge sort's first passes": (rng.integers(0, 300, 1000), rng.integers(0, 300, 1000)),
}


def number(value):
    value = float(value)
    return None if np.isnan(value) else value


tables = []
for name, (a, b) in pairs.items():
    a, b = np.asarray(a, float), np.asarray(b, float)
    both = ~(np.isnan(a) | np.isnan(b))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        enough = both.sum() >= 2
        rho = stats.spearmanr(a[both], b[both]).statistic if enough else nan
        tau = stats.kendalltau(a[both], b[both], variant="b").statistic if enough else nan
    tables.append({
        "name": name,
        "a": [number(v) for v in a],
        "b": [number(v) for v in b],
        "ranks_of_a": [number(v) for v in stats.rankdata(a, nan_policy="omit")],
        "spearman": number(rho),
        "kendall_tau_b": number(tau),
    })

text = "[\n" + ",\n".join(json.dumps(table) for table in tables) + "\n]\n"
(Path(__file__).parent / "files" / "rank_tables.json").write_text(text)
