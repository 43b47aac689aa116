"""The report command: the file it writes, what it refuses, and runs of every kind."""

import json
import re
import shutil

import pytest
from example_comparison import fill
from heft import OUTPUT, USAGE, heft, rank, refuse, succeed

LIMIT = 8_000_000  # bytes


def data_of(page) -> dict:
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL).group(1))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "run"
    assert rank("lstm_2_layers_batch_first", folder, "--components", "weight", "unit", "gate", "matrix", "layer").code == 0
    succeed("report", folder)
    return folder


def test_the_page_stands_in_the_run_folder_and_is_whole(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and text.rstrip().endswith("</html>")
    assert len(text.encode()) < LIMIT
    assert not re.search(r'<(script|link|img)[^>]*(src|href)="(?!data:)', text.split('<script type="application/json"')[0])


def test_the_run_stays_a_run_with_the_page_in_it(run):
    succeed("report", run)
    succeed("export", run, "-o", run.parent / "weights.csv")


def test_the_verdict_is_the_one_that_rank_prints(run):
    data = data_of(run / "report.html")
    overall = json.loads((run / "comparison.json").read_text())["overall"]
    assert f"Spearman {overall['spearman']:.2f}" in data["verdict"]
    assert len(data["numbers"]) == 3 and data["certainty"]


def test_shares_of_the_hierarchy_add_up(run):
    nodes = data_of(run / "report.html")["hierarchy"]["nodes"]
    assert {"model", "layer", "matrix", "gate", "unit", "weight"} <= set(nodes["level"])
    for at, weights in enumerate(nodes["weights"]):
        children = [child for child, parent in enumerate(nodes["parent"]) if parent == at]
        if children:
            assert sum(nodes["weights"][child] for child in children) == weights
            assert sum(nodes["additive"][child] for child in children) == pytest.approx(nodes["additive"][at], rel=1e-3)


def test_another_file_and_json(run, tmp_path):
    said = succeed("report", run, "-o", tmp_path / "page.html", "--json").json
    assert said["file"] == str(tmp_path / "page.html") and said["bytes"] == (tmp_path / "page.html").stat().st_size
    assert said["verdict"] == data_of(tmp_path / "page.html")["verdict"]


def test_sections_that_are_missing_name_their_command_and_come_when_they_are_there(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    assert data_of(copy / "report.html")["features"]["command"] == "heft compare run"
    fill(copy)
    succeed("report", copy)
    data = data_of(copy / "report.html")
    for part in ("effects", "features", "shift", "criteria", "curves"):
        assert "missing" not in data[part], part
    assert data["outliers"]["has_joint"]


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"overall": 3, "criteria": {"a": 1}, "effects": {"outputs": 7}}'])
def test_a_damaged_comparison_costs_its_sections_only(run, tmp_path, content):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "comparison.json").write_text(content)
    succeed("report", copy)
    assert data_of(copy / "report.html")["verdict"] == data_of(run / "report.html")["verdict"]


@pytest.mark.parametrize("name, arguments", [
    ("lstm_1_layer", ["--parameters", "rnn.bias_hh_l0"]),
    ("lstm_1_layer", ["--parameters", "rnn.weight_hh_l0[0:1,0:1]"]),
    ("batch_one", ["--method", "response"]),
    ("gru_1_layer", ["--method", "exhaustive"]),
    ("lstm_3_layers_bidirectional", ["--method", "response"]),
    ("no_recurrent_site", ["--metric", "max"]),
    ("gru_1_layer", ["--components", "gate"]),
])
def test_runs_of_every_kind_have_a_page(name, arguments, tmp_path):
    assert rank(name, tmp_path / "run", *arguments).code == 0
    succeed("report", tmp_path / "run")
    assert data_of(tmp_path / "run" / "report.html")["verdict"]


def test_it_refuses_what_is_no_run(tmp_path):
    refuse(OUTPUT, "no such run folder", of=heft("report", tmp_path / "nothing"))
    (tmp_path / "empty").mkdir()
    refuse(OUTPUT, "no run.json", of=heft("report", tmp_path / "empty"))
    refuse(USAGE, "RUN", of=heft("report"))


def test_a_page_that_cannot_be_written_leaves_nothing(run, tmp_path):
    refuse(OUTPUT, "nowhere", of=heft("report", run, "-o", tmp_path / "nowhere" / "page.html"))
    assert not list(tmp_path.iterdir())
