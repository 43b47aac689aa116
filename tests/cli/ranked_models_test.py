"""Every sort of model that people bring is ranked. A third of them a time; HEFT_TEST_ALL=1 takes all."""

import json
import os
import zlib

import numpy as np
import pytest

from heft import INDEX, impacts, rank

RANKED = sorted(name for name, entry in INDEX.items() if entry["expected"] == "ranked")
CHOSEN = [name for name in RANKED if os.environ.get("HEFT_TEST_ALL") or zlib.crc32(name.encode()) % 3 == 0]


@pytest.mark.parametrize("name", CHOSEN)
def test_it_is_ranked(name, tmp_path):
    result = rank(name, tmp_path / "run", "--method", "auto", "--top", 5, "--json")
    assert result.code == 0, result
    said = result.json
    assert said["complete"] and said["weights"] > 0 and len(said["top"]) == 5
    assert said["settled"]["settled"], said["settled"]
    assert all(row["executed"] for row in said["top"])
    found = np.concatenate([one.ravel() for one in impacts(tmp_path / "run").values()])
    assert np.isfinite(found).all() and (found >= 0).all() and len(found) == said["weights"]
    stored = json.loads((tmp_path / "run" / "run.json").read_text())
    if INDEX[name]["samples_interact"]:
        assert stored["output"]["samples_interact"] and stored["output"]["samples"] == 1
