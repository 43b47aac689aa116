"""A ranking done in parts by several processes: the merged run is the one that a single process makes, bit for bit."""

import filecmp
import json
import shutil
import signal
import subprocess
import time

import pytest
from heft import HEFT, MODELS, OUTPUT, USAGE, environment, heft, model_arguments, other_threads, refuse, succeed

SAME = [
    "impact.safetensors",
    "standard_error.safetensors",
    "lower.safetensors",
    "upper.safetensors",
    "measured.safetensors",
    "weight.safetensors",
    "top.csv",
    "components.csv",
    "comparison.json",
]
METHODS = ["exhaustive", "response", "auto"]
LSTM = model_arguments("trained_lstm")
GRU = model_arguments("seeded_hand_gru")  # written by hand: its variants run by another way


def arguments(model, method):
    levels = "weight,row,matrix" if model is GRU else "weight,unit,matrix"
    # Auto would execute all of models as small as these.
    budget = ["--budget", 900] if method == "auto" else []
    return [*model, "--method", method, "--components", levels, "--metric", "rms,max", "--top", 10, *budget]


def shards(folder, arguments, count, order=None, threads=lambda index: 1):
    """Measures all parts in some order; their folders."""
    for index in order or range(1, count + 1):
        succeed("rank", *arguments, "--shard", f"{index}/{count}", "-o", folder / str(index), "--threads", threads(index))
    return [folder / str(index) for index in range(1, count + 1)]


def expect_same(run, alone):
    for name in SAME:
        assert filecmp.cmp(run / name, alone / name, shallow=False), name


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Runs of one process, by model and method."""
    made = {}

    def make(name, model, method):
        if (name, method) not in made:
            made[name, method] = tmp_path_factory.mktemp("alone") / "run"
            succeed("rank", *arguments(model, method), "-o", made[name, method])
        return made[name, method]

    return make


@pytest.mark.parametrize("name, model", [("lstm", LSTM), ("hand", GRU)])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count, order", [(1, [1]), (3, [2, 3, 1]), (7, [4, 7, 1, 3, 6, 2, 5])])
def test_merged_parts_are_the_run_of_one_process(tmp_path, alone, name, model, method, count, order):
    folders = shards(tmp_path, arguments(model, method), count, order, threads=lambda index: other_threads(1 + index % 3))
    succeed("merge", *reversed(folders), "-o", tmp_path / "run", "--threads", other_threads(2))
    expect_same(tmp_path / "run", alone(name, model, method))
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["complete"]
    measured = sum(shard["variants"] for shard in json.loads((tmp_path / "run" / "shards.json").read_text())["shards"])
    assert 0 < measured <= facts["cost"]["variants"]


@pytest.mark.parametrize("method", ["response", "auto"])
def test_parts_may_begin_with_estimates_that_were_made_once(tmp_path, alone, method):
    common = arguments(LSTM, method)
    succeed("rank", *common, "--estimates-only", "-o", tmp_path / "estimates")
    folders = []
    for index in (2, 1):
        folders.append(tmp_path / str(index))
        done = succeed("rank", *common, "--shard", f"{index}/2", "--estimates", tmp_path / "estimates", "-o", folders[-1])
        assert "taking adjoints" not in done.err
    succeed("merge", *folders, "-o", tmp_path / "run")
    expect_same(tmp_path / "run", alone("lstm", LSTM, method))
    succeed("merge", tmp_path / "estimates", *folders, "-o", tmp_path / "again")
    expect_same(tmp_path / "again", alone("lstm", LSTM, method))


def test_parts_of_auto_leave_little_to_the_merge(tmp_path):
    common = arguments(LSTM, "auto")
    succeed("rank", *common, "--estimates-only", "-o", tmp_path / "estimates")
    folders = [tmp_path / "1", tmp_path / "2"]
    for folder in folders:
        succeed("rank", *common, "--shard", f"{folder.name}/2", "--estimates", tmp_path / "estimates", "-o", folder)
    succeed("merge", *folders, "-o", tmp_path / "run")
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    parts = json.loads((tmp_path / "run" / "shards.json").read_text())["shards"]
    here = facts["cost"]["variants"] - sum(part["variants"] for part in parts)
    # What a budget has left is spent where intervals turn out to be wide, which the parts can only guess.
    assert 0 <= here < 0.4 * facts["settled"]["executed"]


def slow():
    """A part that takes some seconds, in the middle of which it can be stopped."""
    return [
        MODELS / "char-lstm.pt",
        "--inputs",
        MODELS / "char-lstm-inputs.safetensors",
        "--method",
        "exhaustive",
        "--parameters",
        "*weight_hh_l0[0:1,:]",
    ]


def test_a_killed_part_goes_on_and_the_merged_run_is_the_same(tmp_path):
    common = slow()
    succeed("rank", *common, "-o", tmp_path / "alone")
    first, second = tmp_path / "1", tmp_path / "2"
    part = [HEFT, "rank", *common, "--shard", "1/2", "-o", first]
    process = subprocess.Popen(list(map(str, part)), env=environment(), stderr=subprocess.PIPE, text=True)
    while not any((first / "checkpoint").glob("part-*")) and process.poll() is None:
        time.sleep(0.02)
        if process.poll() is None and (first / "shard.json").exists():
            if json.loads((first / "shard.json").read_text())["stage"] == "executing":
                break
    # While it works nobody else may write, and anybody may ask.
    if process.poll() is None:
        assert "another heft" in refuse(OUTPUT, str(first), of=heft("rank", *common, "--shard", "1/2", "--resume", "-q", "-o", first))
        assert not succeed("status", first, "--json").json["finished"]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not json.loads((first / "shard.json").read_text())["finished"]
    succeed("rank", *common, "--shard", "2/2", "-o", second)
    refuse(OUTPUT, "1/2", "--resume", "--allow-partial", of=heft("merge", first, second, "-o", tmp_path / "run"))
    succeed("rank", *common, "--shard", "1/2", "-o", first, "--resume")
    succeed("merge", first, second, "-o", tmp_path / "run")
    expect_same(tmp_path / "run", tmp_path / "alone")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return shards(tmp_path_factory.mktemp("parts"), arguments(LSTM, "exhaustive"), 3)


def test_merging_refuses_missing_parts_and_says_which(tmp_path, parts):
    refuse(OUTPUT, "missing", "2/3", "--allow-partial", of=heft("merge", parts[0], parts[2], "-o", tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_merging_refuses_the_same_part_twice(tmp_path, parts):
    copy = tmp_path / "copy"
    shutil.copytree(parts[1], copy)
    refuse(OUTPUT, str(copy), "2/3", str(parts[1]), of=heft("merge", *parts, copy, "-o", tmp_path / "run"))


@pytest.mark.parametrize(
    "change, word",
    [
        (["--seed", "1"], "--seed"),
        (["--perturb", "flip"], "--perturb"),
        (["--components", "weight"], "--components"),
        (["--top", "11"], "--top"),
    ],
)
def test_merging_refuses_other_settings_and_says_which(tmp_path, parts, change, word):
    other = [*map(str, arguments(LSTM, "exhaustive"))]
    at = other.index(change[0]) if change[0] in other else len(other)
    other[at : at + 2] = change
    succeed("rank", *other, "--shard", "3/3", "-o", tmp_path / "3")
    refuse(OUTPUT, word, str(tmp_path / "3"), of=heft("merge", *parts[:2], tmp_path / "3", "-o", tmp_path / "run"))


def test_merging_refuses_another_model_other_inputs_another_division_and_another_version(tmp_path, parts):
    succeed("rank", *arguments(model_arguments("trained_gru"), "exhaustive"), "--shard", "3/3", "-o", tmp_path / "gru")
    refuse(OUTPUT, "model", of=heft("merge", *parts[:2], tmp_path / "gru", "-o", tmp_path / "run"))
    succeed("rank", *arguments(LSTM, "exhaustive"), "--shard", "3/4", "-o", tmp_path / "quarter")
    refuse(OUTPUT, "3/4", "1/3", of=heft("merge", *parts[:2], tmp_path / "quarter", "-o", tmp_path / "run"))
    for what in ("inputs", "Heft's version", "LibTorch's version", "device"):
        other = tmp_path / what[:3]
        shutil.copytree(parts[2], other, dirs_exist_ok=True)
        record = json.loads((other / "shard.json").read_text())
        del record["sha256"]
        record["identity"][what] = "another"
        (other / "shard.json").write_text(json.dumps(record))
        refuse(OUTPUT, what, str(other), of=heft("merge", *parts[:2], other, "-o", tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_merging_refuses_what_is_no_part_and_a_part_is_no_run(tmp_path, parts):
    refuse(OUTPUT, "shard.json", of=heft("merge", tmp_path, "-o", tmp_path / "run"))
    refuse(OUTPUT, "no such folder", of=heft("merge", tmp_path / "nowhere", "-o", tmp_path / "run"))
    refuse(OUTPUT, "heft merge", of=heft("verify", parts[0]))
    refuse(OUTPUT, "1/3", of=heft("rank", *arguments(LSTM, "exhaustive"), "-q", "-o", parts[0], "--resume"))
    refuse(OUTPUT, "1/3", "2/3", of=heft("rank", *arguments(LSTM, "exhaustive"), "-q", "--shard", "2/3", "-o", parts[0], "--resume"))


def test_a_partial_run_says_what_is_missing(tmp_path, parts, alone):
    from safetensors.numpy import load_file

    done = succeed("merge", parts[0], parts[2], "-o", tmp_path / "run", "--allow-partial")
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert not facts["complete"]
    assert "2/3" in done.err
    assert any("2/3" in note for note in facts["notes"])
    here = load_file(tmp_path / "run" / "impact.safetensors")
    whole = load_file(alone("lstm", LSTM, "exhaustive") / "impact.safetensors")
    known = {name: values == values for name, values in here.items()}
    assert all((here[name][known[name]] == whole[name][known[name]]).all() for name in here)
    for name in here:  # every parameter was divided alike
        assert abs(known[name].mean() - 2 / 3) <= 1 / known[name].size


def test_a_finished_part_is_not_measured_again_and_status_tells(tmp_path, parts):
    again = succeed("rank", *arguments(LSTM, "exhaustive"), "--shard", "1/3", "-o", parts[0], "--resume")
    assert "finished already" in again.err
    state = succeed("status", *parts, "--json").json
    assert state["finished"] and [one["shard"] for one in state["shards"]] == ["1/3", "2/3", "3/3"]
    assert succeed("status", parts[0], parts[2], "--json").json["missing_or_unfinished"] == ["2/3"]
    assert "finished" in succeed("status", *parts).out


def test_parts_are_named_by_slurm_and_wrong_names_are_refused(tmp_path):
    def rank(shard, slurm=None, *more):
        env = {**environment(), **(slurm or {})}
        command = [HEFT, "rank", *arguments(LSTM, "exhaustive"), "-q", "--shard", shard, *more]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env)
        return done.returncode, done.stderr

    slurm = {"SLURM_ARRAY_TASK_ID": "6", "SLURM_ARRAY_TASK_MIN": "4", "SLURM_ARRAY_TASK_COUNT": "3"}
    assert rank("auto", slurm, "-o", tmp_path / "a") == (0, "")
    assert json.loads((tmp_path / "a" / "shard.json").read_text())["shard"] == 3
    for shard, env, word in [
        ("auto", None, "SLURM_ARRAY_TASK_ID"),
        ("auto", {**slurm, "SLURM_ARRAY_TASK_ID": "9"}, "gaps"),
        ("0/3", None, "I/N"),
        ("4/3", None, "I/N"),
        ("x", None, "I/N"),
        ("1/3/5", None, "I/N"),
    ]:
        code, text = rank(shard, env, "-o", tmp_path / "b")
        assert code == USAGE and word in text, text
    code, text = rank("1/2")
    assert code == USAGE and "-o" in text
    code, text = rank("1/2", None, "-o", tmp_path / "c", "--budget", "5s")
    assert code == USAGE and "--budget" in text
    assert not (tmp_path / "c").exists() and not (tmp_path / "b").exists()
