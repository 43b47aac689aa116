"""Bad files, bad arguments and models that can't be measured: an exit status a script can act on, and one line."""

import pickle
import resource
import struct
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from heft import FIXTURES, INDEX, INPUT, MEMORY, MODEL, UNSUPPORTED, USAGE, bundled, heft, model_arguments, rank, refuse, succeed

GOOD = FIXTURES / "lstm_last_step.pt"  # forward(x: Tensor), x is [4, 6, 5]
REFUSED = sorted(name for name, entry in INDEX.items() if entry["expected"] == "refused")


def expected_code(name: str) -> int:
    if name.startswith("bad/inputs_") or name.startswith("bad/token_") or name == "bad/nan_baseline":
        return INPUT
    return MODEL if name.startswith("bad/") and name != "bad/no_parameters" else UNSUPPORTED


@pytest.fixture
def x(tmp_path):
    file = tmp_path / "x.npy"
    np.save(file, np.random.default_rng(0).normal(size=(4, 6, 5)).astype(np.float32))
    return file


@pytest.fixture
def out(tmp_path):
    """Where a run would go; it must not be there after a refusal."""
    folder = tmp_path / "run"
    yield folder
    assert not folder.exists()


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_ranked_is_refused(name, out):
    refuse(expected_code(name), INDEX[name]["refusal_contains"], of=rank(name, out))


# The model file.

def test_no_such_model(out, x):
    refuse(MODEL, "nowhere.pt", "no such file", of=heft("rank", "nowhere.pt", "--inputs", x, "-q", "-o", out))


def test_a_folder_for_a_model(out, x, tmp_path):
    refuse(MODEL, "is a folder", of=heft("rank", tmp_path, "--inputs", x, "-q", "-o", out))


def test_a_python_pickle_for_a_model(out, x, tmp_path):
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"weights": [1, 2]}))
    refuse(MODEL, "pickle", "torch.jit.script(", of=heft("rank", tmp_path / "model.pkl", "--inputs", x, "-q", "-o", out))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.999])
def test_a_model_cut_off_anywhere(share, out, x, tmp_path):
    content = GOOD.read_bytes()
    (tmp_path / "cut.pt").write_bytes(content[: int(share * len(content))])
    refuse(MODEL, "cut off or damaged", of=heft("rank", tmp_path / "cut.pt", "--inputs", x, "-q", "-o", out))


def test_a_bit_turned_over_anywhere_is_noticed_or_harmless(tmp_path, x):
    content = GOOD.read_bytes()
    random = np.random.default_rng(1)
    codes = set()
    for i, place in enumerate(random.integers(0, len(content), 10)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(random.integers(0, 8))
        (tmp_path / "flipped.pt").write_bytes(damaged)
        result = heft("rank", tmp_path / "flipped.pt", "--inputs", x, "-q", "--top", 3, "-o", tmp_path / f"run{i}")
        codes.add(result.code)
        if result.code:  # a bit between the members, a time stamp, changes nothing
            refuse(MODEL, of=result)
    assert MODEL in codes and codes <= {0, MODEL}


def edited(name: str, to, old: str, new: str):
    """A fixture with its TorchScript code changed."""
    found = 0
    with zipfile.ZipFile(FIXTURES / f"{name}.pt") as source, zipfile.ZipFile(to, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            if "/code/" in info.filename:
                found += content.count(old.encode())
                content = content.replace(old.encode(), new.encode())
            target.writestr(zipfile.ZipInfo(info.filename), content)
    assert found > 0
    return to


def test_code_that_is_no_torchscript(out, x, tmp_path):
    model = edited("no_recurrent_site", tmp_path / "model.pt", "layers = self.layers", "layers = self.layers\n    import os")
    refuse(MODEL, "can't be loaded as TorchScript", of=heft("rank", model, "--inputs", x, "-q", "-o", out))


def test_a_forward_that_raises_says_what_it_said(out, tmp_path):
    model = edited("no_recurrent_site", tmp_path / "model.pt", "    layers = self.layers", "    ops.prim.RaiseException(\"seven lions are one too many\")\n    layers = self.layers")
    arguments = model_arguments("no_recurrent_site")
    refuse(INPUT, "seven lions are one too many", of=heft("rank", model, *arguments[1:], "-q", "-o", out))


# Inputs.

def inputs_of(tmp_path, name, **arrays):
    file = tmp_path / name
    np.savez(file, **arrays) if name.endswith("npz") else save_file(arrays, file)
    return file


@pytest.mark.parametrize("make, texts", [
    (lambda folder: folder / "nowhere.npy", ["nowhere.npy", "no such file"]),
    (lambda folder: folder, ["is a folder"]),
    (lambda folder: (folder / "x.txt", (folder / "x.txt").write_text("1 2 3"))[0], [".txt", ".npy"]),
    (lambda folder: (folder / "x.npy", (folder / "x.npy").write_text("1 2 3"))[0], ["x.npy"]),
    (lambda folder: (folder / "x.npy", (folder / "x.npy").write_bytes(b""))[0], ["x.npy", "empty"]),
    (lambda folder: (folder / "x.pt", (folder / "x.pt").write_bytes(b"PK\x03\x04 no zip"))[0], ["x.pt"]),
    (lambda folder: (folder / "x.pt", (folder / "x.pt").write_bytes(pickle.dumps([1])))[0], ["x.pt", "torch.save"]),
    (lambda folder: (folder / "x.safetensors", (folder / "x.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}"))[0], ["x.safetensors"]),
], ids=["none", "folder", "kind", "text", "empty", "no zip", "pickle", "header"])
def test_an_inputs_file_that_is_none(make, texts, out, tmp_path):
    refuse(INPUT, *texts, of=heft("rank", GOOD, "--inputs", make(tmp_path), "-q", "-o", out))


def test_a_header_that_promises_more_than_the_file_holds(out, tmp_path, x):
    content = x.read_bytes()
    (tmp_path / "huge.npy").write_bytes(content.replace(b"(4, 6, 5), }      ", b"(400000000, 6, 5),}"[:18].ljust(18)))
    assert (tmp_path / "huge.npy").read_bytes() != content
    refuse(INPUT, "huge.npy", of=heft("rank", GOOD, "--inputs", tmp_path / "huge.npy", "-q", "-o", out))


def test_inputs_with_a_bit_turned_over(out, tmp_path):
    content = bytearray((FIXTURES / "bad/good.inputs.pt").read_bytes())
    with zipfile.ZipFile(FIXTURES / "bad/good.inputs.pt") as archive:
        values = archive.read(next(name for name in archive.namelist() if name.endswith("data/0")))
    content[bytes(content).index(values) + 40] ^= 0x10
    (tmp_path / "x.pt").write_bytes(content)
    refuse(INPUT, "x.pt", "checksum", of=heft("rank", GOOD, "--inputs", tmp_path / "x.pt", "-q", "-o", out))


@pytest.mark.parametrize("values, text", [
    (np.zeros((4, 6, 7), np.float32), "7"),
    (np.zeros((4, 6, 5, 2), np.float32), "4D"),
    (np.zeros((5,), np.float32), "1D"),
    (np.zeros((4, 6, 5), np.int64), "Long"),
    (np.zeros((4, 6, 5), np.complex64), "Complex"),
    (np.full((4, 6, 5), "a"), "x.npy"),
    (np.zeros((0, 6, 5), np.float32), "empty"),
    (np.full((4, 6, 5), np.nan, np.float32), "120 values that are NaN"),
    (np.full((4, 6, 5), -np.inf, np.float32), "infinite"),
], ids=["width", "rank 4", "rank 1", "integers", "complex", "texts", "empty", "NaN", "infinite"])
def test_inputs_that_do_not_fit(values, text, out, tmp_path):
    np.save(tmp_path / "x.npy", values)
    refuse(INPUT, text, of=heft("rank", GOOD, "--inputs", tmp_path / "x.npy", "-q", "-o", out))


def test_too_many_and_too_few_inputs(out, x):
    refuse(INPUT, "2 inputs given", "takes 1", of=heft("rank", GOOD, "--inputs", x, x, "-q", "-o", out))
    refuse(INPUT, "is missing", of=heft("rank", FIXTURES / "lstm_states_given.pt", "--inputs", x, "-q", "-o", out))


def test_an_input_of_another_name(out, tmp_path):
    file = inputs_of(tmp_path, "x.safetensors", x=np.zeros((4, 6, 5), np.float32), mask=np.zeros(3, np.float32))
    refuse(INPUT, "'mask'", "x: Tensor", of=heft("rank", GOOD, "--inputs", file, "-q", "-o", out))


def test_targets_that_do_not_fit(out, x, tmp_path):
    def try_targets(values):
        np.save(tmp_path / "t.npy", values)
        return heft("rank", GOOD, "--inputs", x, "--targets", tmp_path / "t.npy", "--metric", "loss", "-q", "-o", out)

    refuse(INPUT, "targets", of=try_targets(np.zeros(7, np.int64)))
    refuse(INPUT, "targets", of=try_targets(np.zeros((4, 77), np.float32)))
    refuse(INPUT, "99", of=try_targets(np.full(4, 99, np.int64)))
    refuse(INPUT, "-1", of=try_targets(np.full(4, -1, np.int64)))
    refuse(INPUT, "empty", of=try_targets(np.zeros(0, np.int64)))
    refuse(INPUT, "nowhere.npy", of=heft("rank", GOOD, "--inputs", x, "--targets", "nowhere.npy", "-q", "-o", out))


# Arguments.

@pytest.mark.parametrize("arguments, texts", [
    (["--metric", "rsm"], ["rsm", "rms, max, kl, loss"]),
    (["--metric", "loss"], ["loss", "targets"]),
    (["--metric", ""], ["metric"]),
    (["--method", "guess"], ["guess", "exhaustive"]),
    (["--precision", "int8"], ["int8", "float32, bfloat16, as-model"]),
    (["--perturb", "ablate"], ["ablate", "zero"]),
    (["--perturb", "noise"], ["noise"]),
    (["--perturb", "noise:-1"], ["noise"]),
    (["--perturb", "noise:nan"], ["noise"]),
    (["--perturb", "scale:inf"], ["scale"]),
    (["--perturb", "round:0"], ["round"]),
    (["--perturb", "round:4.5"], ["round"]),
    (["--components", "neuron"], ["neuron", "unit"]),
    (["--parameters", "rnn.weight_h_l0"], ["rnn.weight_h_l0", "did you mean", "rnn.weight_hh_l0"]),
    (["--parameters", "rnn.weight_hh_l0[999,:]"], ["999"]),
    (["--parameters", "rnn.weight_hh_l0[0:2"], ["rnn.weight_hh_l0[0:2"]),
    (["--output-target", "class:99"], ["99"]),
    (["--output-target", "module:nowhere"], ["nowhere"]),
    (["--output-target", "5"], ["5"]),
    (["--top", "0"], ["--top 0"]),
    (["--top", "-3"], ["--top"]),
    (["--top", "many"], ["many"]),
    (["--alpha", "0"], ["--alpha"]),
    (["--alpha", "1.5"], ["--alpha"]),
    (["--alpha", "nan"], ["--alpha"]),
    (["--miss", "1"], ["--miss"]),
    (["--budget", "soon"], ["--budget soon"]),
    (["--budget", "-5"], ["--budget"]),
    (["--budget", "0.5"], ["--budget"]),
    (["--budget", "nan"], ["--budget"]),
    (["--seed", "-1"], ["seed"]),
    (["--seed", "18446744073709551616"], ["seed"]),
    (["--seed", "1.5"], ["seed"]),
    (["--threads", "-1"], ["--threads"]),
    *((["--device", name], [name, "cuda:N"]) for name in ("tpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1.5", "cudas")),
    (["--colour", "red"], ["--colour"]),
    (["extra"], ["extra"]),
])
def test_an_argument_without_meaning(arguments, texts, out, x):
    refuse(USAGE, *texts, of=heft("rank", GOOD, "--inputs", x, "-q", "-o", out, *arguments))


def test_components_that_the_model_does_not_have(out):
    refuse(USAGE, "unit", of=rank("no_recurrent_site", out, "--components", "unit"))


@pytest.mark.parametrize("arguments", [[], ["rank"], ["weigh"], ["rank", GOOD], ["rank", "--inputs", GOOD], ["verify"], ["export"]])
def test_a_command_line_without_a_job(arguments):
    refuse(USAGE, "--help", of=heft(*arguments))


def test_resume_needs_a_folder(x):
    refuse(USAGE, "-o RUN", of=heft("rank", GOOD, "--inputs", x, "-q", "--resume"))


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7"])
@pytest.mark.parametrize("command", ["rank", "inspect", "ablate"])
def test_a_device_that_is_not_there(command, device, out, x):
    more = {"rank": ["-o", out], "inspect": [], "ablate": ["--component", "rnn"]}[command]
    refuse(USAGE, f"--device {device}: ", "no usable CUDA device", "leave --device out",
           of=heft(command, GOOD, "--inputs", x, "-q", "--device", device, *more, hidden=True))
    assert not out.exists()


def test_streaming_without_steps(out, tmp_path):
    np.save(tmp_path / "x.npy", np.float32(3))
    refuse(INPUT, "--stream", of=heft("rank", GOOD, "--inputs", tmp_path / "x.npy", "-q", "-o", out, "--stream"))


def test_help_shows_every_command_with_an_example():
    for command in ("rank", "verify", "export"):
        shown = succeed(command, "--help")
        assert f"heft {command} " in shown.out and shown.err == ""
        assert command in succeed("--help").out
    assert succeed("--version").out.startswith("heft ")


# Memory.

def test_a_forward_that_wants_more_memory_than_there_is(out, tmp_path):
    model = edited("no_recurrent_site", tmp_path / "model.pt", "    layers = self.layers",
                   "    x = torch.add(x, torch.sum(torch.zeros([4000000, 4000000])))\n    layers = self.layers")
    arguments = model_arguments("no_recurrent_site")
    refuse(MEMORY, "memory", of=heft("rank", model, *arguments[1:], "-q", "-o", out))


@pytest.mark.parametrize("megabytes", [800, 1000])
def test_a_measurement_that_does_not_fit_into_memory(megabytes, out):
    limit = megabytes << 20
    result = heft("rank", *bundled("char-lstm"), "-q", "-o", out, "--budget", 5,
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    refuse(MEMORY, "memory", of=result)


def test_a_model_too_large_for_memory_says_what_it_needs(out):
    model, *inputs = bundled("char-lstm")
    needed = 3 * model.stat().st_size / 2**20
    for megabytes in range(400, 900, 15):  # the program itself takes some of these, how many differs by machine
        limit = megabytes << 20
        result = heft("rank", model, *inputs, "-q", "-o", out,
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        if "to load" in result.err:
            break
    refuse(MEMORY, f"needs about {needed:.0f} MiB", "are free", of=result)


@pytest.mark.parametrize("command, device, why", [
    ("rank", "cpu,cpu", "several devices must be CUDA devices"), ("rank", "cuda:all", "--device cuda:all: "), ("rank", "gpu,gpu", "cpu, cuda or cuda:N"),
    ("plan", "cuda:0,cuda:1", "heft rank and heft merge take several"), ("ablate", "cuda:all", "heft rank and heft merge take several"),
])
def test_several_devices_where_there_are_none(command, device, why):
    more = ["--component", "head.bias[0]"] if command == "ablate" else []
    refuse(USAGE, why, of=heft(command, *bundled("weather-gru"), *more, "--device", device))
