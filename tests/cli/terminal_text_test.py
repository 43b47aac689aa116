"""Text out of files never acts on a terminal: escape sequences and bytes that are no UTF-8 are shown by their bytes, by every reader, as
text, as JSON and in the log."""

import json
import os
import re
import shutil
import struct
import subprocess
import zipfile

import numpy as np
import pytest

from heft import FIXTURES, HEFT, INDEX, MODELS, environment, succeed

ESCAPE = b"\x1b[31m"
CSI = "\x9b31m".encode()  # the same in one character
BROKEN = b"\xff\xfe"
TURN = "\u202e".encode()  # from here on from right to left
HOSTILE = ESCAPE + CSI + BROKEN + TURN
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def run(*arguments):
    """All that the command says, checked: standard output, standard error and the log's file."""
    log = "log.txt"
    if os.path.exists(log):
        os.remove(log)
    done = subprocess.run([HEFT, *[a if isinstance(a, bytes) else str(a) for a in arguments], "--log-file", log, "--progress", "plain"],
                          capture_output=True, env=environment())
    logged = open(log, "rb").read() if os.path.exists(log) else b""
    for part in (done.stdout, done.stderr, logged):
        assert not ACTS.search(part.decode("utf-8")), part  # decode() refuses what is no UTF-8
    assert done.returncode != 70, done.stderr
    if "--json" in arguments and done.returncode == 0:
        json.loads(done.stdout)
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def refused(*arguments, shows=True):
    """Refused, with the text shown by its bytes."""
    code, said = run(*arguments)
    assert code != 0, said
    assert not shows or "\\x1b[31m" in said, said


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


MODEL = FIXTURES / INDEX["lstm_1_layer"]["file"]
INPUTS = FIXTURES / INDEX["lstm_1_layer"]["inputs"]


@pytest.mark.parametrize("hostile", [ESCAPE, ESCAPE + CSI, ESCAPE + BROKEN, ESCAPE + TURN], ids=["ESC", "CSI", "bytes", "direction"])
def test_a_npy_header(hostile, tmp_path):
    for header in (b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), '" + hostile + b"': 1}",
                   b"{'descr': '" + hostile + b"', 'fortran_order': False, 'shape': (1,)}", hostile):
        (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(4))
        refused("inspect", MODEL, "--inputs", "x.npy", shows=header != hostile)


@pytest.mark.parametrize("hostile", [ESCAPE, ESCAPE + CSI, ESCAPE + TURN, ESCAPE + BROKEN], ids=["ESC", "CSI", "direction", "bytes"])
def test_names_in_a_npz(hostile, tmp_path):
    np.savez("plain.npz", **{"n" * len(hostile): np.zeros(3, np.float32)})
    (tmp_path / "x.npz").write_bytes((tmp_path / "plain.npz").read_bytes().replace(b"n" * len(hostile), hostile))
    refused("inspect", MODEL, "--inputs", "x.npz", shows=False)
    np.savez("plain.npz", **{"n" * len(hostile): np.zeros(3, np.float32), "input": np.zeros(3, np.float32)})
    (tmp_path / "x.npz").write_bytes((tmp_path / "plain.npz").read_bytes().replace(b"n" * len(hostile), hostile))
    refused("inspect", MODEL, "--inputs", "x.npz")


@pytest.mark.parametrize("key", [b"\\u001b[31m", ESCAPE, b"\\u001b[31m\\u009b31m\\u202e", b"\\u001b[31m" + BROKEN])
def test_keys_in_safetensors(key, tmp_path):
    header = b'{"' + key + b'":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"other":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    refused("inspect", MODEL, "--inputs", "x.safetensors", shows=False)
    header = b'{"' + key + b'":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    refused("inspect", MODEL, "--inputs", "x.safetensors", shows=False)


def replaced(source, target, old, new):
    """A zip with `old` replaced in its members."""
    found = 0
    with zipfile.ZipFile(source) as whole, zipfile.ZipFile(target, "w") as other:
        for entry in whole.infolist():
            content = whole.read(entry)
            found += content.count(old)
            other.writestr(entry, content.replace(old, new))
    assert found > 0, (source, old)


def test_keys_in_a_file_of_torch_save(tmp_path):
    entry = INDEX["inputs_dict"]
    content = zipfile.ZipFile(FIXTURES / entry["inputs"])
    pickle = content.read(next(name for name in content.namelist() if name.endswith("data.pkl")))
    key = max(re.findall(rb"X(....)([a-z_]{4,})", pickle, re.S), key=lambda found: len(found[1]))[1]
    for hostile in ((ESCAPE + b"x" * len(key))[: len(key)], (CSI + BROKEN + b"x" * len(key))[: len(key)]):
        replaced(FIXTURES / entry["inputs"], "x.pt", key, hostile)
        code, said = run("inspect", FIXTURES / entry["file"], "--inputs", "x.pt")
        assert code != 0, said


def test_what_a_model_says_where_it_fails(tmp_path):
    with zipfile.ZipFile(MODEL) as whole, zipfile.ZipFile("failing.pt", "w") as other:
        for entry in whole.infolist():
            content = whole.read(entry)
            if entry.filename.endswith(".py"):
                content = re.sub(rb"(def forward\(self.*?\) -> [^\n]*:\n)", rb"""\1    ops.prim.RaiseException("\\033[31m\\302\\233")\n""", content, flags=re.S)
            other.writestr(entry, content)
    refused("rank", "failing.pt", "--inputs", INPUTS, shows=False)


@pytest.mark.parametrize("option", ["--output-target", "--parameters", "--metric", "--perturb", "--device", "--method", "--targets"])
def test_names_on_the_command_line(option):
    code, said = run("rank", MODEL, "--inputs", INPUTS, option, HOSTILE)
    assert code != 0, said


def test_names_of_files():
    name = b"mo" + ESCAPE + CSI + BROKEN + b"del.pt"
    shutil.copy(MODEL, name)
    for json_too in ([], ["--json"]):
        assert run("inspect", name, "--inputs", INPUTS, *json_too)[0] == 0
        assert run("ablate", name, "--inputs", INPUTS, "--component", "head", *json_too)[0] == 0
        assert run("plan", name, "--inputs", INPUTS, *json_too)[0] == 0
    assert run("rank", name, "--inputs", INPUTS, "-o", "run-" + ESCAPE.decode())[0] == 0
    assert run("report", b"run-" + ESCAPE, "--json")[0] == 0


def test_names_of_features(tmp_path):
    model = [MODELS / "weather-gru.pt", "--inputs", MODELS / "weather-gru-inputs.safetensors", "--parameters", "head*"]
    features = succeed("rank", *model, "-q", "-o", "plain", "--json").json
    assert features
    width = np.zeros(1)
    from safetensors.numpy import load_file

    (_, width), = load_file(MODELS / "weather-gru-inputs.safetensors").items()
    names = [ESCAPE + CSI + TURN + str(i).encode() for i in range(width.shape[-1])]
    (tmp_path / "names.txt").write_bytes(b"\n".join(names) + b"\n")
    code, said = run("rank", *model, "-o", "run", "--feature-names", "names.txt")
    assert code == 0, said
    for command in (["compare", "run", "--criteria", "magnitude"], ["compare", "run", "--criteria", "magnitude", "--json"], ["report", "run"],
                    ["verify", "run", "--sample", "2"]):
        assert run(*command)[0] == 0
    (tmp_path / "names.txt").write_bytes(b"\n".join([HOSTILE] * width.shape[-1]) + b"\n")
    run("rank", *model, "-o", "other", "--feature-names", "names.txt")
    run("compare", "run", "--criteria", "magnitude", "--feature-names", "names.txt", "--json")


def test_a_runs_own_text(tmp_path):
    assert run("rank", MODEL, "--inputs", INPUTS, "-o", "run")[0] == 0
    text = (tmp_path / "run" / "run.json").read_text()
    document = json.loads(text)
    name = document["structure"]["parameters"][0]["name"] if "structure" in document else None
    changed = re.sub(r'\n *"sha256": "[0-9a-f]{64}"(?=\n})', "", text)
    changed = re.sub(r',(?=\n})', "", changed)
    if name:
        changed = changed.replace(json.dumps(name), json.dumps(name + "\x1b[31m\u009b\u202e"))
    (tmp_path / "run" / "run.json").write_text(changed)
    for command in ("verify", "report", "export", "compare"):
        run(command, "run")
        run(command, "run", "--json")


def test_scores_of_ones_own(tmp_path):
    assert run("rank", MODEL, "--inputs", INPUTS, "-o", "run")[0] == 0
    shutil.copy(tmp_path / "run" / "impact.safetensors", b"sc" + ESCAPE + CSI + b"ores.safetensors")
    for json_too in ([], ["--json"]):
        assert run("compare", "run", "--criteria", "magnitude", "--scores", b"sc" + ESCAPE + CSI + b"ores.safetensors", *json_too)[0] == 0
