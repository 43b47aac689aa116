"""Which dimension is what: samples, steps and classes of inputs, outputs and targets."""

import json

import numpy as np
import pytest

from heft import INDEX, INPUT, OUTPUT, USAGE, heft, impacts, model_arguments, rank, refuse, succeed

# name: samples; by output: its samples', steps' and classes' dimensions
FOUND = {
    "dims_states_beside_floats": (4, [(0, 1, 2), (1, None, 2), (1, None, 2)]),
    "dims_states_beside_tokens": (4, [(0, 1, 2), (1, None, 2), (1, None, 2)]),
    "dims_states_beside_tokens_of_one_size": (6, [(0, 1, 2), (1, None, None), (1, None, None)]),
    "dims_states_time_first": (4, [(1, 0, 2), (1, None, 2), (1, None, 2)]),
    "dims_state_first": (3, [(0, 1, 2)]),
    "dims_shared_table": (3, [(0, 1, 2)]),
    "dims_packed_with_states": (3, [(0, 1, 2), (1, None, 2)]),
    "dims_classes_before_steps": (3, [(0, 2, 1)]),
    "dims_classes_as_steps": (3, [(0, 2, 1)]),
    "dims_steps_as_samples": (5, [(0, 1, 2)]),
    "dims_traced_loop": (3, [(0, 1, 2)]),
    "dims_traced_loop_both_ways": (3, [(0, None, None)]),
    "dims_beside_prior": (1, [(None, 1, 2), (None, None, 0)]),
    "argument_list": (3, [(0, 1, 2)]),
    "argument_dict": (3, [(0, 1, 2)]),
    "argument_tuple": (3, [(0, 1, 2)]),
    "batch_one": (1, [(None, None, 1)]),
}


def ablated(name: str, component: str, *arguments) -> dict:
    return succeed("ablate", *model_arguments(name), "--component", component, "--json", *arguments).json


def elements(name: str, component: str) -> np.ndarray:
    """rms over samples of the change of every element of a one-tensor output, in its own order of dimensions."""
    said = ablated(name, component)
    (piece,) = said["outputs"]
    table = np.array(said["components"][0]["outputs"]["rms_change"]).reshape(piece["shape"])
    return table.transpose(np.argsort(piece["order"]))


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values ** 2).mean()))


def impact(name: str, folder, weight: str, index: tuple, *arguments) -> float:
    assert rank(name, folder, "--method", "exhaustive", "--parameters", weight, *arguments).code == 0
    return float(impacts(folder)[weight][index])


@pytest.mark.parametrize("name", FOUND)
def test_samples_steps_and_classes_are_found_output_by_output(name):
    samples, dims = FOUND[name]
    facts = succeed("inspect", *model_arguments(name), "--json").json
    assert facts["samples"] == samples
    assert [(one["batch_dim"], one["steps_dim"], one["classes_dim"]) for one in facts["outputs"]] == dims


def test_where_samples_are_found_impacts_have_standard_errors(tmp_path):
    assert rank("dims_states_beside_tokens", tmp_path / "run", "--method", "exhaustive", "--parameters", "head.*").code == 0
    assert np.isfinite(impacts(tmp_path / "run", "standard_error")["head.bias"]).all()


@pytest.mark.parametrize("name", ["dims_classes_before_steps", "dims_classes_as_steps"])
def test_a_step_is_a_step_and_a_class_a_class(name, tmp_path):
    change = elements(name, "head.weight[2,3]")  # [classes, steps]
    for target, part in [("step:-1", change[:, -1]), ("step:1", change[:, 1]), ("class:2", change[2]), ("class:2,step:0", change[2, 0])]:
        found = impact(name, tmp_path / target, "head.weight", (2, 3), "--output-target", target)
        assert found == pytest.approx(rms(part), rel=1e-5), target


def test_the_last_step_beside_states(tmp_path):
    said = ablated("dims_states_time_first", "head.weight[1,2]", "--output-target", "0")
    steps = np.array(said["components"][0]["outputs"]["rms_change"]).reshape(7, 4)
    found = impact("dims_states_time_first", tmp_path / "run", "head.weight", (1, 2), "--output-target", "0,step:-1")
    assert found == pytest.approx(rms(steps[-1]), rel=1e-5)


def test_the_header_and_the_run_name_what_is_scored(tmp_path):
    said = heft("rank", *model_arguments("dims_states_time_first"), "--output-target", "0,step:-1", "--parameters", "head.*", "--method",
                "exhaustive", "-o", tmp_path / "run")
    assert said.code == 0, said
    assert "4 samples (dimension 1 of x, states.0 and states.1)" in said.err
    assert "0 [4, 4] of [7 steps, 4 samples, 4 classes]" in said.err
    output = json.loads((tmp_path / "run" / "run.json").read_text())["output"]
    assert output["shape"] == "0 [4, 4]" and output["samples"] == 4
    assert output["tensors"] == [{"name": "0", "shape": [7, 4, 4], "roles": ["steps", "samples", "classes"], "samples": 1, "steps": 0,
                                  "classes": 2, "scored": [4, 4]}]


def test_what_can_be_read_in_two_ways_is_asked_for_with_both(tmp_path):
    name = "dims_traced_loop_both_ways"
    readings = ["output=samples,steps,classes", "output=samples,classes,steps"]
    for arguments in (["--output-target", "step:-1"], ["--output-target", "class:1"], ["--metric", "kl"]):
        refuse(USAGE, *(f"--dims {one}" for one in readings), of=heft("rank", *model_arguments(name), *arguments, "-q", "-o", tmp_path / "none"))
    assert not (tmp_path / "none").exists()
    change = elements(name, "head.weight[2,3]")
    for reading, part in zip(readings, (change[-1], change[:, -1])):
        found = impact(name, tmp_path / reading, "head.weight", (2, 3), "--output-target", "step:-1", "--dims", reading)
        assert found == pytest.approx(rms(part), rel=1e-5), reading


def test_an_output_without_steps_is_named(tmp_path):
    said = heft("rank", *model_arguments("dims_states_beside_tokens"), "--output-target", "step:-1", "-q", "-o", tmp_path / "run")
    refuse(USAGE, "output.1.0 [1, 4, 6]", "name the output to score", of=said)


def test_a_run_keeps_what_was_said_of_dimensions(tmp_path):
    run, dims = tmp_path / "run", ["--dims", "output=samples,classes,steps", "x=samples,steps,-"]
    name = "dims_traced_loop_both_ways"
    assert rank(name, run, "--metric", "kl", "rms", "--top", 3, *dims).code == 0
    assert json.loads((run / "run.json").read_text())["settings"]["dims"] == dims[1:]
    assert rank(name, run, "--metric", "kl", "rms", "--top", 3, *dims, "--resume").code == 0
    other = heft("rank", *model_arguments(name), "--metric", "kl", "rms", "--top", 3, "--dims", "output=samples,steps,classes", "-q", "-o", run, "--resume")
    refuse(OUTPUT, "other settings", of=other)
    succeed("verify", run, "--sample", 5, "-q")
    succeed("compare", run, "-q")
    succeed("report", run, "-q")
    succeed("mask", run, "--keep", 0.5, "-o", tmp_path / "mask.safetensors", "-q")
    succeed("plan", *model_arguments(name), "--metric", "kl", *dims, "-q")
    for part in (1, 2):
        assert rank(name, tmp_path / f"{part}", "--metric", "kl", "--method", "exhaustive", *dims, "--shard", f"{part}/2").code == 0
    succeed("merge", tmp_path / "1", tmp_path / "2", "-o", tmp_path / "merged", "-q")


def test_targets_of_any_natural_shape_are_the_same(tmp_path):
    name, labels = "dims_states_time_first", np.random.default_rng(1).integers(0, 4, (7, 4))  # [steps, samples]
    losses = {}
    shapes = {"steps first": labels, "samples first": labels.T, "beside 1": labels[:, :, None], "one-hot": np.eye(4, dtype=int)[labels],
              "last step": labels[-1]}
    for shape, values in shapes.items():
        np.save(tmp_path / "y.npy", values)
        target = "0,step:-1" if shape == "last step" else "0"
        losses[shape] = ablated(name, "head.bias", "--targets", tmp_path / "y.npy", "--output-target", target)["baseline"]["loss"]
        if shape == "steps first":  # the last step of the targets beside the last step of the outputs
            losses["last step of all"] = ablated(name, "head.bias", "--targets", tmp_path / "y.npy", "--output-target", "0,step:-1")["baseline"]["loss"]
    assert len({losses[one] for one in ("steps first", "samples first", "beside 1", "one-hot")}) == 1, losses
    assert losses["last step"] == losses["last step of all"] != losses["steps first"]


def test_targets_that_can_be_read_in_two_ways(tmp_path):
    name = "dims_steps_as_samples"
    np.save(tmp_path / "y.npy", np.random.default_rng(2).integers(0, 4, (5, 5)))
    arguments = [*model_arguments(name), "--component", "head.bias", "--targets", tmp_path / "y.npy", "--json"]
    readings = ["targets=samples,steps", "targets=steps,samples"]
    refuse(USAGE, *(f"--dims {one}" for one in readings), of=heft("ablate", *arguments))
    first, second = (succeed("ablate", *arguments, "--dims", one).json["baseline"]["loss"] for one in readings)
    assert first != second
    np.save(tmp_path / "y.npy", np.arange(6))
    refuse(INPUT, "[6]", "[5, 5]", of=heft("ablate", *arguments))


def test_targets_leave_out_minus_100(tmp_path):
    name = "dims_classes_before_steps"
    labels = np.full((3, 7), -100)
    labels[1] = [0, 1, 2, 3, 0, 1, 2]
    np.save(tmp_path / "y.npy", labels)
    arguments = ["--targets", tmp_path / "y.npy", "--metric", "loss", "rms"]
    assert rank(name, tmp_path / "run", *arguments, "--method", "exhaustive").code == 0
    assert rank(name, tmp_path / "auto", *arguments, "--method", "response").code == 0
    executed, estimated = (np.concatenate([one.ravel() for one in impacts(tmp_path / run).values()]) for run in ("run", "auto"))
    assert np.corrcoef(executed, estimated)[0, 1] > 0.99 and np.median(estimated / executed) == pytest.approx(1, abs=0.02)
    said = ablated(name, "head.bias[0]", *arguments[:2])
    assert 0 <= said["baseline"]["accuracy"] <= 1


@pytest.mark.parametrize("name", ["argument_list", "argument_dict"])
def test_inputs_are_shown_as_they_were_given(name):
    said = succeed("inspect", *model_arguments(name)).out
    assert "float32 [3, 7" in said and "float64" not in said


@pytest.mark.parametrize("name", [name for name, entry in INDEX.items() if {"complex", "masked"} & set(entry["tags"])])
def test_complex_numbers_and_masked_scores_are_ranked_and_hold_up(name, tmp_path):
    assert rank(name, tmp_path / "run", "--top", 5).code == 0
    assert all(np.isfinite(one).all() for one in impacts(tmp_path / "run").values())
    succeed("verify", tmp_path / "run", "--sample", 8, "-q")
    succeed("compare", tmp_path / "run", "-q")


def test_masked_scores_are_classes(tmp_path):
    assert rank("masked_scores", tmp_path / "run", "--metric", "kl", "flips", "max", "--method", "exhaustive").code == 0
    assert all(np.isfinite(one).all() for one in impacts(tmp_path / "run").values())


def test_complex_outputs_have_no_classes(tmp_path):
    refuse(USAGE, "complex", of=heft("rank", *model_arguments("complex_output"), "--metric", "kl", "-q", "-o", tmp_path / "run"))


@pytest.mark.parametrize("dims, text", [("y=samples,steps,-", "there are: x, output, targets"), ("x=samples", "[3, 7, 5]"), ("x", "samples, steps, classes"),
                                        ("x=samples,steps,channels", "channels")])
def test_what_dims_can_not_mean_is_refused(dims, text):
    refuse(USAGE, text, of=heft("inspect", *model_arguments("dims_classes_before_steps"), "--dims", dims))
