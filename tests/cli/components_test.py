"""Components as results of their own: their table, their impacts by class, step, output, target and label, and every command on a run
that measured no single weights."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from scipy.stats import spearmanr

from heft import INPUT, MODELS, OUTPUT, USAGE, VERIFY, few_inputs, heft, model_arguments, other_threads, rank, refuse, succeed

IMAGES = 12
METRICS = ("rms", "max", "kl", "loss", "flips")


def facts(run) -> dict:
    return json.loads((run / "run.json").read_text())


def by_group(run, what: str = "impact") -> pd.DataFrame:
    """Components x groups, as run.json names them."""
    document = facts(run)
    names = [[one["name"] for one in document[part]] for part in ("components", "groups")]
    return pd.DataFrame(load_file(run / "groups.safetensors")[what], index=names[0], columns=names[1])


def components(run) -> pd.DataFrame:
    return pd.read_csv(run / "components.csv", float_precision="round_trip").set_index("name")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A few images and their digits, as files: arguments of rank for all of them, and for some of them alone."""
    folder = tmp_path_factory.mktemp("digits")
    file = few_inputs("digits-lstm", folder, IMAGES)
    inputs = dict(np.load(file))
    targets = next(iter(load_file(MODELS / "digits-lstm-targets.safetensors").values()))[:IMAGES]

    def of(chosen=slice(None), name="all"):
        np.savez(folder / f"{name}.npz", **{key: values[chosen] for key, values in inputs.items()})
        np.save(folder / f"{name}-targets.npy", targets[chosen])
        return [MODELS / "digits-lstm.pt", "--inputs", folder / f"{name}.npz", "--targets", folder / f"{name}-targets.npy",
                "--components", "gate", "layer", "-q"]

    return folder, targets, of


def test_components_alone_print_their_tables(tmp_path):
    said = rank("trained_lstm", tmp_path / "run", "--components", "unit", "gate", "layer", "matrix")
    table = components(tmp_path / "run")
    for level, words in (("unit", "units"), ("gate", "gates"), ("layer", "layers"), ("matrix", "matrices")):
        of_level = table[(table.level == level) & (table.path.isna() | (table.path == "all"))].sort_values("impact", ascending=False)
        line = next(line for line in said.out.splitlines() if line.split()[:2] == ["1", of_level.index[0]])
        row = of_level.iloc[0]
        assert float(line.split()[3]) == pytest.approx(row.impact, rel=1e-3) and line.split()[2] == f"{row.weights:,}"
        assert float(line.split()[5]) == pytest.approx(row.standard_error, rel=0.1)
        assert words in said.out
    unit = table[table.path == "all"].impact.idxmax()
    line = next(line for line in said.out.splitlines() if f" {unit} " in line)
    for at, path in enumerate(("incoming", "outgoing", "recurrent")):
        assert float(line.split()[6 + at]) == pytest.approx(table.loc[f"{unit}:path={path}", "impact"], rel=0.01)
    assert "summed" not in said.out and "What matters most when it is removed as a whole" in said.out
    assert "magnitude" not in said.out.lower()


def test_where_weights_were_measured_too_their_sum_stands_beside(tmp_path):
    said = rank("trained_lstm", tmp_path / "run", "--components", "weight", "gate", "--method", "exhaustive")
    table = components(tmp_path / "run")
    for name, row in table.iterrows():
        line = next(line for line in said.out.splitlines() if f" {name} " in line)
        assert float(line.split()[-1]) == pytest.approx(row["sum"], rel=0.01)
    summary = rank("trained_lstm", tmp_path / "again", "--components", "weight", "gate", "--method", "exhaustive", "--json").json
    assert [one["name"] for one in summary["components"]] == list(table.index)
    assert [one["impact"] for one in summary["components"]] == pytest.approx(list(table.impact), rel=1e-12)
    assert summary["groups"] is None


def same(split: pd.DataFrame, group: str, alone: pd.Series):
    assert list(split.index) == list(alone.index)
    assert split[group].to_numpy() == pytest.approx(alone.to_numpy(), rel=1e-5, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("model, by, target", [("trained_lstm", "class", "class:{}"), ("seeded_lstm_every_step", "step", "step:{}"),
                                               ("outputs_dict", "output", "{}"), ("outputs_dict", "target", "{}")])
def test_a_group_is_what_scoring_it_alone_gives(model, by, target, tmp_path):
    levels = ["--components", "gate", "row", "--parameters", "rnn.*"]
    assert rank(model, tmp_path / "all", *levels, "--by", by, "--metric", "rms", "max").code == 0
    values, errors, largest = (by_group(tmp_path / "all", what) for what in ("impact", "standard_error", "impact_max"))
    assert (values.to_numpy() > 0).any()
    for group in (values.columns[0], values.columns[-1]):
        alone = tmp_path / f"alone-{group}"
        assert rank(model, alone, *levels, "--output-target", target.format(group), "--metric", "rms", "max").code == 0
        same(values, group, components(alone).impact)
        same(errors, group, components(alone).standard_error)
        same(largest, group, components(alone).impact_max)
    # All elements are in some group, so the squares add up.
    sizes = np.array([one["elements"] for one in facts(tmp_path / "all")["groups"]], float)
    together = np.sqrt((values.to_numpy() ** 2) @ sizes / sizes.sum())
    assert together == pytest.approx(components(tmp_path / "all").impact.to_numpy(), rel=1e-9)


@pytest.mark.parametrize("by", ["label", "numbers", "target"])
def test_samples_of_a_group_are_what_they_give_alone(by, digits, tmp_path):
    folder, targets, of = digits
    if by == "label":
        (tmp_path / "labels.txt").write_text("".join("odd\n" if digit % 2 else "even\n" for digit in targets))
        arguments, group, chosen = ["--by", tmp_path / "labels.txt"], "odd", targets % 2 == 1
    elif by == "numbers":
        np.save(tmp_path / "labels.npy", targets // 5)
        arguments, group, chosen = ["--by", tmp_path / "labels.npy"], "1", targets >= 5
    else:
        most = np.bincount(targets).argmax()
        arguments, group, chosen = ["--by", "target"], str(most), targets == most
    assert 1 < chosen.sum() < IMAGES
    succeed("rank", *of(), "-o", tmp_path / "all", "--metric", *METRICS, *arguments)
    succeed("rank", *of(chosen, f"{by}-some"), "-o", tmp_path / "some", "--metric", *METRICS)
    alone = components(tmp_path / "some")
    same(by_group(tmp_path / "all"), group, alone.impact)
    same(by_group(tmp_path / "all", "standard_error"), group, alone.standard_error)
    for metric in METRICS[1:]:
        same(by_group(tmp_path / "all", f"impact_{metric}"), group, alone[f"impact_{metric}"])
    counts = {one["name"]: one["samples"] for one in facts(tmp_path / "all")["groups"]}
    assert counts[group] == chosen.sum() and sum(counts.values()) == IMAGES


def test_the_table_is_told(digits, tmp_path):
    _, targets, of = digits
    said = succeed("rank", *of(), "-o", tmp_path / "run", "--by", "class")
    values = by_group(tmp_path / "run")
    gates = values[values.index.str.contains("gate")]
    assert "By class: the gates that matter most to each" in said.out
    line = next(line for line in said.out.split("By class: the gates")[1].splitlines() if line.startswith("3 "))
    assert line.split()[1] == gates["3"].idxmax() and float(line.split()[2]) == pytest.approx(gates["3"].max(), rel=0.01)
    said = succeed("rank", *of(), "-o", tmp_path / "again", "--by", "class", "--json").json
    assert said["groups"]["by"] == "class" and said["groups"]["names"] == [str(k) for k in range(10)]
    assert [one["by_group"]["rms"] for one in said["components"]] == values.to_numpy().tolist()


def test_shards_give_the_bits_of_one_run(tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"{kind}\n" for kind in "abcabc"))
    job = [*model_arguments("trained_lstm"), "-q", "--components", "unit", "gate", "--metric", "rms", "kl", "--by", labels]
    succeed("rank", *job, "-o", tmp_path / "one")
    for part in (2, 3, 1):
        succeed("rank", *job, "--shard", f"{part}/3", "-o", tmp_path / str(part), "--threads", other_threads(part))
    labels.unlink()  # the parts know them
    succeed("merge", *(tmp_path / str(part) for part in (3, 1, 2)), "-o", tmp_path / "merged", "-q")
    for file in ("groups.safetensors", "components.csv"):
        assert (tmp_path / "merged" / file).read_bytes() == (tmp_path / "one" / file).read_bytes()
    assert facts(tmp_path / "merged")["groups"] == facts(tmp_path / "one")["groups"]
    labels.write_text("".join(f"{kind}\n" for kind in "aabbcc"))
    succeed("rank", *job, "--shard", "3/3", "-o", tmp_path / "other")
    refuse(OUTPUT, "--by", of=heft("merge", tmp_path / "1", tmp_path / "2", tmp_path / "other", "-o", tmp_path / "none", "-q"))


@pytest.mark.parametrize("model, arguments, texts", [
    ("trained_lstm", ["--components", "gate", "--by", "clas"], ["--by clas", "class, step, output, target", "label for each sample"]),
    ("trained_lstm", ["--by", "class"], ["--by", "--components unit"]),
    ("trained_lstm", ["--components", "gate", "--by", "step"], ["--by step", "no dimension of steps"]),
    ("trained_lstm", ["--components", "gate", "--by", "target"], ["--by target", "--targets"]),
    ("trained_lstm", ["--components", "gate", "--by", "output"], ["--by output", "one output"]),
    ("trained_lstm", ["--components", "gate", "--by", "class", "--metric", "kl"], ["--by class", "kl", "--by target"]),
    ("stream_voice", ["--components", "gate", "--by", "class"], ["--by class", "one class"]),
])
def test_what_outputs_do_not_have_is_refused_in_one_line(model, arguments, texts, tmp_path):
    refuse(USAGE, *texts, of=rank(model, tmp_path / "run", *arguments))
    assert not (tmp_path / "run").exists()


def test_labels_that_do_not_fit_are_refused(tmp_path):
    (tmp_path / "few.txt").write_text("a\nb\n")
    np.save(tmp_path / "floats.npy", np.zeros(6))
    gates = ["--components", "gate", "--by"]
    refuse(USAGE, "2 labels", "6 samples", of=rank("trained_lstm", tmp_path / "run", *gates, tmp_path / "few.txt"))
    refuse(INPUT, "floats.npy", "whole numbers", of=rank("trained_lstm", tmp_path / "run", *gates, tmp_path / "floats.npy"))


@pytest.fixture(scope="module")
def lesions(tmp_path_factory):
    """Units, gates and matrices on each class, and no single weights."""
    run = tmp_path_factory.mktemp("lesions") / "run"
    assert rank("trained_lstm", run, "--components", "unit", "gate", "matrix", "--by", "class", "--metric", "rms", "max").code == 0
    return run


def test_runs_of_earlier_versions_are_read(lesions, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(lesions, copy)
    document = facts(copy)
    for part in (document, document["settings"]):
        for key in ("by", "labels", "groups", "sha256"):
            part.pop(key, None)
    (copy / "run.json").write_text(json.dumps(document))
    (copy / "groups.safetensors").unlink()
    for command in ("export", "report", "verify"):
        succeed(command, copy, "-q")


def test_export_is_the_whole_table(lesions, tmp_path):
    said = succeed("export", lesions, "-o", tmp_path / "table.csv", "--json").json
    table = pd.read_csv(tmp_path / "table.csv", float_precision="round_trip")
    stored, values, errors, most = components(lesions), by_group(lesions), by_group(lesions, "standard_error"), by_group(lesions, "impact_max")
    assert said["rows"] == len(table) == len(stored) and said["table"] == "components"
    assert list(table.name) == list(stored.index) and list(table.impact) == list(stored.impact)
    for k in values.columns:
        assert list(table[f"impact[class={k}]"]) == list(values[k]) and list(table[f"standard_error[class={k}]"]) == list(errors[k])
        assert list(table[f"impact_max[class={k}]"]) == list(most[k])
    unit = table[table.name == "rnn.l1:unit=3:path=outgoing"].iloc[0]
    assert (unit.layer, unit.unit, unit.path, unit.level) == ("rnn.l1", 3, "outgoing", "unit")
    gate = table[table.level == "gate"].iloc[0]
    assert gate["name"] == f"{gate.layer}:gate={gate.gate}"
    succeed("export", lesions, "-o", tmp_path / "table.npz")
    arrays = dict(np.load(tmp_path / "table.npz"))
    assert list(arrays) == list(table.columns) and arrays["impact[class=2]"].tolist() == table["impact[class=2]"].tolist()
    assert arrays["layer"].tolist() == table.layer.fillna("").tolist() and arrays["unit"].tolist() == table.unit.fillna(-1).tolist()
    succeed("export", lesions, "--format", "safetensors")
    with safe_open(lesions / "component-impacts.safetensors", "numpy") as file:
        assert file.get_tensor("impact_by_group").tolist() == values.to_numpy().tolist()
        assert json.loads(file.metadata()["components"]) == list(values.index) and json.loads(file.metadata()["groups"]) == list(values.columns)
    (lesions / "component-impacts.safetensors").unlink()
    refuse(OUTPUT, "--table components", of=heft("export", lesions, "--table", "weights"))
    refuse(OUTPUT, "a file of the run", of=heft("export", lesions, "-o", lesions / "components.csv"))
    refuse(USAGE, "--parameters", of=heft("export", lesions, "--parameters", "rnn.*"))


def test_verify_measures_components_and_groups_again(lesions, tmp_path):
    said = succeed("verify", lesions, "--json", "-q", "--sample", 40).json
    assert said["passed"] and said["components"]["weights"] == 40 and said["components"]["compared"] > 0
    assert said["by_group"]["weights"] == 40 * 3 and said["components"]["max"] < 1e-5 and said["by_group"]["max"] < 1e-4
    assert "components" in succeed("verify", lesions, "-q").out
    every = ("--sample", 10_000, "-q")
    copy = tmp_path / "copy"
    shutil.copytree(lesions, copy)
    tables = load_file(copy / "groups.safetensors")
    name = facts(copy)["components"][3]["name"]
    tables["impact"] = tables["impact"].copy()
    tables["impact"][3, 1] *= 1.01
    save_file(tables, copy / "groups.safetensors")
    result = heft("verify", copy, *every)
    assert result.code == VERIFY and f"{name} on class 1" in result.err and "1 of" in result.err
    shutil.copy(lesions / "groups.safetensors", copy)
    document = facts(copy)
    document["components"][5]["joint"]["rms"] *= 1.001
    del document["sha256"]
    (copy / "run.json").write_text(json.dumps(document))
    result = heft("verify", copy, *every)
    assert result.code == VERIFY and document["components"][5]["name"] in result.err


def test_a_damaged_table_is_named(lesions, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(lesions, copy)
    table = bytearray((copy / "groups.safetensors").read_bytes())
    table[-3] ^= 1
    (copy / "groups.safetensors").write_bytes(table)
    refuse(OUTPUT, "groups.safetensors", "SHA-256", of=heft("export", copy))
    (copy / "groups.safetensors").unlink()
    refuse(OUTPUT, "groups.safetensors is missing", of=heft("export", copy))


def units_of(run) -> pd.Series:
    table = components(run)
    return table[table.path == "all"].impact


def test_a_mask_keeps_whole_units(lesions, tmp_path):
    units = units_of(lesions)
    keep = 1 - 1 / len(units)
    said = succeed("mask", lesions, "--keep", keep, "--level", "unit", "-o", tmp_path / "mask.safetensors", "--apply", tmp_path / "cut.pt", "--json", "-q").json
    least = units.idxmin()
    assert said["components"]["removed"] == [least] and said["components"]["kept"] == len(units) - 1
    # One unit goes, so the masked model moves by what the unit's removal was measured to do.
    assert said["executed"]["change"] == pytest.approx(units[least], rel=1e-5)
    mask = load_file(tmp_path / "mask.safetensors")
    assert sum(int((~one).sum()) for one in mask.values()) == components(lesions).weights[least] == said["removed"]
    layer, unit = least.split(":unit=")
    suffix, unit = layer.split(".")[1], int(unit)
    gates = mask[f"rnn.weight_hh_{suffix}"].reshape(4, len(mask[f"rnn.weight_hh_{suffix}"]) // 4, -1)
    assert not gates[:, unit].any() and not gates[:, :, unit].any() and gates.any()
    with safe_open(tmp_path / "mask.safetensors", "numpy") as file:
        assert file.metadata()["level"] == "unit"
    succeed("rank", tmp_path / "cut.pt", *model_arguments("trained_lstm")[1:], "-q", "-o", tmp_path / "cut", "--components", "unit")
    assert components(tmp_path / "cut").magnitude[least] == 0


def test_masks_of_layers_paths_and_other_orders(lesions, tmp_path):
    def removed(*arguments):
        (tmp_path / "mask.safetensors").unlink(missing_ok=True)
        return succeed("mask", lesions, "--keep", 0.5, "-o", tmp_path / "mask.safetensors", "--json", "-q", *arguments).json["components"]["removed"]

    table = components(lesions)
    in_layers = removed("--level", "unit", "--scope", "layer")
    counts = {layer: sum(name.startswith(layer) for name in in_layers) for layer in ("rnn.l0", "rnn.l1")}
    assert counts["rnn.l0"] == counts["rnn.l1"] > 0
    outgoing = table[table.path == "outgoing"].impact
    assert set(removed("--level", "unit", "--path", "outgoing")) == set(outgoing.sort_values().index[: len(outgoing) // 2])
    norms = table[table.path == "all"].magnitude
    assert set(removed("--level", "unit", "--by", "magnitude")) == set(norms.sort_values().index[: len(norms) // 2])
    assert len(removed("--level", "unit", "--by", "random")) == len(norms) // 2
    assert len(removed("--level", "unit", "--by", "snip")) == len(norms) // 2
    refuse(USAGE, "--level", "unit, gate, matrix", of=heft("mask", lesions, "--keep", 0.5, "-o", tmp_path / "none.safetensors", "-q"))
    refuse(USAGE, "measured no rows", "--components row", of=heft("mask", lesions, "--keep", 0.5, "--level", "row", "-o", tmp_path / "none.safetensors", "-q"))
    assert not (tmp_path / "none.safetensors").exists()


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """Three runs of one architecture, as of seeds: the same model under other changes of its weights."""
    folder = tmp_path_factory.mktemp("seeds")
    for seed in (1, 2, 3):
        assert rank("trained_lstm", folder / f"seed-{seed}", "--components", "unit", "gate", "--by", "class", "--perturb", "noise:0.5", "--seed", seed).code == 0
    return [folder / f"seed-{seed}" for seed in (1, 2, 3)]


def test_runs_are_compared_whatever_their_number(seeds):
    said = succeed("compare", *seeds, "--json").json["agreement"]
    assert said["runs"] == ["seed-1", "seed-2", "seed-3"]
    tables = [components(run) for run in seeds]
    assert [(kind["level"], kind["path"]) for kind in said["kinds"]][:1] == [("unit", "all")] and len(said["kinds"]) == 5
    for kind in said["kinds"]:
        of = [table[(table.level == kind["level"]) & ((table.path == kind["path"]) | table.path.isna())].impact for table in tables]
        assert kind["common"] == len(of[0])
        for a in range(3):
            for b in range(3):
                assert kind["spearman"][a][b] == pytest.approx(spearmanr(of[a], of[b]).statistic, abs=1e-12)
        every = pd.concat(of, axis=1)
        for row in kind["components"]:
            assert row["impact"] == pytest.approx(list(every.loc[row["name"]]), rel=1e-12)
            assert row["mean"] == pytest.approx(every.loc[row["name"]].mean(), rel=1e-12)
            assert row["spread"] == pytest.approx(every.loc[row["name"]].std(), rel=1e-9)
        means = [row["mean"] for row in kind["components"]]
        assert means == sorted(means, reverse=True)
    first = said["kinds"][0]["components"][0]
    on_classes = np.stack([by_group(run).loc[first["name"]] for run in seeds])
    assert first["group_mean"] == pytest.approx(on_classes.mean(0), rel=1e-12)
    assert json.loads((seeds[0] / "comparison.json").read_text())["agreement"] == said
    text = succeed("compare", *seeds).out
    assert "3 runs: seed-1, seed-2, seed-3." in text and f"{said['kinds'][0]['mean_spearman']:.2f} on average" in text
    two = succeed("compare", *seeds[:2], "--json").json
    assert "shift" not in two and two["agreement"]["runs"] == ["seed-1", "seed-2"]


def test_runs_that_share_nothing_are_refused(seeds, tmp_path):
    assert rank("trained_lstm", tmp_path / "run", "--components", "layer").code == 0
    refuse(OUTPUT, "in common", of=heft("compare", seeds[0], tmp_path / "run"))
    refuse(USAGE, "--criteria", of=heft("compare", *seeds, "--criteria", "magnitude"))


def test_runs_of_weights_agree_too(tmp_path):
    for seed in (1, 2, 3):
        assert rank("gru_1_layer", tmp_path / str(seed), "--perturb", "noise:0.5", "--seed", seed, "--method", "exhaustive").code == 0
    kind, = succeed("compare", *(tmp_path / str(seed) for seed in (1, 2, 3)), "--json").json["agreement"]["kinds"]
    impact = [load_file(tmp_path / str(seed) / "impact.safetensors") for seed in (1, 2, 3)]
    flat = [np.concatenate([one[name].ravel() for name in sorted(one)]) for one in impact]
    assert kind["level"] == "weight" and kind["common"] == flat[0].size and len(kind["components"]) == 20
    assert kind["spearman"][0][2] == pytest.approx(spearmanr(flat[0], flat[2]).statistic, abs=1e-12)


def test_cheap_scores_are_held_against_components(lesions):
    said = succeed("compare", lesions, "--json", "-q").json["component_criteria"]
    table = components(lesions)
    for kind in said["magnitude"]["kinds"]:
        of = table[(table.level == kind["level"]) & ((table.path == kind["path"]) | table.path.isna())]
        assert kind["components"] == len(of) and kind["spearman"] == pytest.approx(spearmanr(of.magnitude, of.impact).statistic, abs=1e-12)
    assert {"gradient", "fisher", "snip", "linear", "obd", "wanda", "random"} < set(said)
    assert "the norm of their weights" in succeed("compare", lesions, "-q").out
