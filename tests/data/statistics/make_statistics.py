"""Writes statistics.json: pairs of lists with what SciPy, numpy and plain brute force say of them.

Needs numpy and scipy (scripts/requirements-test.txt has the versions); run it from anywhere. null stands for NaN in the
lists and for "no value" in the results; "inf" and "-inf" are written out. Resampled values are those of Heft's own streams of
random numbers, written here a second time, with numpy's quantiles; SciPy's bootstrap stands beside.
"""

import json
import warnings
from pathlib import Path

import numpy as np
from scipy import stats

RESAMPLES = 400
EDGES = [0, 1, 2, 3, 5, 8]
WORD = 2**64
GOLDEN = 0x9E3779B97F4A7C15

rng = np.random.default_rng(29)


# Heft's streams (src/analysis/random.hpp).
def mix(z):
    z = np.atleast_1d(np.asarray(z, np.uint64))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def mixed(z: int) -> int:
    return int(mix(z % WORD)[0])


def stream(purpose: str, index: int, count: int, seed: int = 0):
    """The first `count` words of a stream."""
    hashed = 0xCBF29CE484222325
    for byte in purpose.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 % WORD
    first = mixed(mixed(seed + GOLDEN) ^ hashed)
    second = mixed(first + mixed(index + GOLDEN))
    counted = np.uint64(second) + np.arange(count, dtype=np.uint64) * np.uint64(GOLDEN)
    return mix(mix(counted) ^ np.uint64(first))


def resampled_means(values):
    # Words below 2^64 mod n, which Heft turns away, don't occur for so few of them.
    return np.array([values[stream("bootstrap", r, len(values)) % np.uint64(len(values))].mean() for r in range(RESAMPLES)])


# By the definitions.
def rank_biased_overlap(a, b, p: float, depth: int) -> float:
    rank_a, rank_b = stats.rankdata(-a, method="min"), stats.rankdata(-b, method="min")
    agreement = []
    for d in range(1, depth + 1):
        in_a, in_b = rank_a <= d, rank_b <= d
        agreement.append(2 * (in_a & in_b).sum() / (in_a.sum() + in_b.sum()))
    powers = p ** np.arange(1, depth + 1)
    return agreement[-1] * powers[-1] + (1 - p) / p * (agreement * powers).sum()


def top_overlap(a, b, k: int) -> float:
    top_a, top_b = (set(np.argsort(-side, kind="stable")[:k].tolist()) for side in (a, b))
    return len(top_a & top_b) / len(top_a)


def areas(a, b):
    """Of the curve with a's ranks as shares and b as values."""
    shares = np.arange(a.size) / (a.size - 1)
    log = np.log(shares[1:])
    linear = np.trapezoid(b, shares)
    return {"linear": linear, "logarithmic": np.trapezoid(b[1:], log) / (log[-1] - log[0]) if a.size > 2 else np.nan}


def statistics(a, b) -> dict:
    """Of two lists without NaN."""
    if a.size == 0:
        return {"pairs": 0}
    found = {"pairs": a.size}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        enough = a.size >= 2
        found["spearman"] = stats.spearmanr(a, b).statistic if enough else np.nan
        found["kendall_tau_b"] = stats.kendalltau(a, b, variant="b").statistic if enough else np.nan
    found["top_overlap"] = [{"k": k, "value": top_overlap(a, b, k)} for k in (1, 10, 100)]
    found["rank_biased_overlap"] = []
    for p in (0.5, 0.9, 0.98, 0.999):
        for tolerance in (1e-9, 0.1):
            depth = max(1, min(a.size, int(np.ceil(np.log(tolerance) / np.log(p)))))
            found["rank_biased_overlap"].append({
                "p": p, "tolerance": tolerance, "depth": depth,
                "value": rank_biased_overlap(a, b, p, depth), "whole": rank_biased_overlap(a, b, p, a.size),
            })  # fmt: skip
    if enough:
        found["areas"] = areas(a, b)
    means = resampled_means(b)
    found["bootstrap"] = {"value": b.mean(), "lower": np.quantile(means, 0.025), "upper": np.quantile(means, 0.975), "error": means.std(ddof=1)}
    if a.size > 10 and b.std() > 0:
        theirs = stats.bootstrap((b,), np.mean, n_resamples=5000, method="percentile", rng=np.random.default_rng(1))
        found["bootstrap"]["scipy"] = [*theirs.confidence_interval]
    difference = a - b
    draws = resampled_means(difference)
    near = 1e-12 * np.abs(difference).max()  # sums in another order are off in their last bits
    tail = min((draws <= near).sum(), (draws >= -near).sum())
    found["paired_bootstrap"] = {"difference": difference.mean(), "p": min(1, 2 * (1 + tail) / (1 + RESAMPLES)), "unsure": bool((np.abs(draws) <= near).any())}
    return found


def with_nan(values, share):
    values = np.array(values, float)
    values[rng.random(values.size) < share] = np.nan
    return values


def related(size, noise):
    a = rng.normal(size=size)
    return a, a + noise * rng.normal(size=size)


tables = {}
for size in (2, 3, 5, 10, 50, 200, 1000, 5000):
    tables[f"normal, {size}"] = related(size, 0.5)
for size in (2, 5, 12, 60, 300, 2000):
    tables[f"ties on both sides, {size}"] = (rng.integers(0, max(2, size // 8), size), rng.integers(0, max(2, size // 5), size))
for size in (4, 11, 80, 700):
    tables[f"not a number, {size}"] = tuple(with_nan(side, 0.25) for side in related(size, 1))
    tables[f"not a number and ties, {size}"] = (with_nan(rng.integers(0, 4, size), 0.2), with_nan(rng.integers(0, 6, size), 0.2))
for size in (3, 40, 900):
    tables[f"heavy tail with zeros, {size}"] = (np.where(rng.random(size) < 0.4, 0, rng.lognormal(0, 3, size)), rng.lognormal(0, 3, size))
tables |= {
    "one side constant": (np.full(30, 3.0), rng.normal(size=30)),
    "other side constant": (rng.normal(size=30), np.full(30, 3.0)),
    "both sides constant": (np.full(9, 2.0), np.full(9, 2.0)),
    "the same": (np.arange(20.0), np.arange(20.0)),
    "opposite": (np.arange(20.0), -np.arange(20.0)),
    "most alike": (np.where(rng.random(50) < 0.7, 1.0, rng.normal(size=50)), rng.normal(size=50)),
    "nothing in common at the top": (np.r_[np.arange(30.0, 60), np.arange(30.0)], np.r_[np.arange(30.0), np.arange(30.0, 60)]),
    "constant once NaN is left out": (np.array([1, 1, 1, 2.0]), np.array([4, 5, 6, np.nan])),
    "one pair": (np.array([1, np.nan, 3]), np.array([2, 5, np.nan])),
    "no pair": (np.array([np.nan, 1]), np.array([1, np.nan])),
    "all tied at the top": (np.r_[np.full(40, 9.0), rng.normal(size=60)], rng.normal(size=100)),
}


def plain(value):
    """As JSON, which has no NaN and no infinity."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(one) for one in value]
    if isinstance(value, (str, bool, int)):
        return value
    value = float(value)
    return None if np.isnan(value) else str(value) if np.isinf(value) else value


lines = []
for name, (a, b) in tables.items():
    a, b = np.round(np.asarray(a, float), 3), np.round(np.asarray(b, float), 3)
    both = ~(np.isnan(a) | np.isnan(b))
    found = statistics(a[both], b[both])
    lines.append(json.dumps(plain({"name": name, "a": a, "b": b, **found})))
(Path(__file__).parent / "statistics.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
