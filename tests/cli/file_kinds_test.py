"""Files that are no TorchScript: what each is, and how one comes to TorchScript from there."""

import gzip
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from heft import FIXTURES, MODEL, heft, model_arguments, refuse


def zipped(file, **members):
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def said(file, *texts):
    line = refuse(MODEL, *texts, of=heft("inspect", file))
    assert line.startswith(f"heft: {file}: ") or str(file) in line
    return line


HOW = "torch.jit.script(model.eval()).save('model.pt')"


@pytest.mark.parametrize("name, content, texts", [
    ("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), ["HDF5", "Keras"]),
    ("x.npy", b"\x93NUMPY\x01\x00" + bytes(100), ["NumPy", "--inputs"]),
    ("model.pt.gz", gzip.compress(b"anything"), ["gzip", "gunzip"]),
    ("model.bz2", b"BZh9" + bytes(30), ["bzip2", "unpack"]),
    ("model.zst", b"\x28\xb5\x2f\xfd" + bytes(30), ["zstd", "unpack"]),
    ("model.gguf", b"GGUF" + bytes(30), ["GGUF"]),
    ("model.tflite", b"\x1c\0\0\0TFL3" + bytes(30), ["TensorFlow Lite"]),
    ("model.ptl", b"\x1c\0\0\0PTMF" + bytes(30), ["lite interpreter", HOW]),
    ("model.pte", b"\x1c\0\0\0ET12" + bytes(30), ["ExecuTorch", HOW]),
    ("model.pt", b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", ["Git LFS pointer", "git lfs pull"]),
    ("model.pt", b"<!DOCTYPE html><html>Not found</html>", ["web page", "download"]),
    ("model.py", b"import torch\n", ["Python source", HOW]),
    ("model.onnx", b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x10" + bytes(30), ["ONNX", "onnx2torch", HOW]),
    ("model.bin", b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:\x10" + bytes(30), ["ONNX"]),
    ("frozen.pb", b"\x0a\x12\x0a\x05input\x12\x0bPlaceholder" + bytes(30), ["TensorFlow"]),
    ("model.pt", b"this is no model\n", ["a text file", "TorchScript", HOW]),
    ("model.pt", bytes(range(1, 200)), ["not a TorchScript file", HOW]),
    ("model.pt", b"", ["is empty"]),
])
def test_by_its_first_bytes(name, content, texts, tmp_path):
    (tmp_path / name).write_bytes(content)
    said(tmp_path / name, *texts)


def test_safetensors(tmp_path):
    save_file({"rnn.weight_ih_l0": np.zeros((4, 4), np.float32)}, tmp_path / "model.safetensors")
    said(tmp_path / "model.safetensors", "weights without a model (safetensors)", "load_state_dict(safetensors.torch.load_file(", HOW)


def test_a_python_pickle(tmp_path):
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"weights": [1, 2]}))
    said(tmp_path / "model.pkl", "Python pickle", HOW)


@pytest.mark.parametrize("name, texts", [
    ("pickled_module", ["a module of class ", "LastStep", "weights_only=False", HOW]),
    ("state_dict", ["weights without a model", "state_dict", "load_state_dict(torch.load(", HOW]),
    ("state_dict_legacy", ["old format", "weights without a model", HOW]),
])
def test_what_torch_save_wrote(name, texts):
    said(FIXTURES / "bad" / f"{name}.pt", *texts)


@pytest.mark.parametrize("members, texts", [
    ({"m/data.pkl": b"\x80\x02.", "m/bytecode.pkl": b"\x80\x02.", "m/version": b"8"}, ["lite (mobile) interpreter", "bytecode.pkl", HOW]),
    ({"m/models/model.json": b"{}", "m/archive_format": b"pt2", "m/data/weights/weight_0": b"1234"}, ["torch.export.save", "torch.jit.trace(torch.export.load("]),
    ({"serialized_exported_program.json": b"{}", "version": b"8.8"}, ["torch.export.save"]),
    ({"m/archive_format": b"pt2", "m/data/aotinductor/model/x.so": b"\x7fELF"}, ["AOTInductor", HOW]),
    ({"config.json": b"{}", "metadata.json": b"{}", "model.weights.h5": b"\x89HDF"}, ["Keras"]),
    ({"x.npy": b"\x93NUMPY", "y.npy": b"\x93NUMPY"}, ["NumPy arrays", "--inputs"]),
    ({"MAR-INF/MANIFEST.json": b"{}", "model.pt": b"PK"}, ["TorchServe", "unzip"]),
    ({"readme.txt": b"hello", "weights/model.pt": b"PK"}, ["holds model.pt", "unzip"]),
    ({"hello.json": b"{}"}, ["zip archive without a TorchScript model"]),
])
def test_zip_archives(members, texts, tmp_path):
    zipped(tmp_path / "model.pt", **members)
    said(tmp_path / "model.pt", *texts)


def test_what_a_file_says_of_itself_is_printed_as_text(tmp_path):
    zipped(tmp_path / "model.pt", **{"a/\x1b[31mred.pt": b"x"})
    assert "\x1b" not in said(tmp_path / "model.pt", "unzip")


@pytest.mark.parametrize("files, texts", [
    (["saved_model.pb"], ["TensorFlow SavedModel"]),
    (["config.json"], ["Hugging Face", HOW]),
    (["data.pkl"], ["unpacked archive"]),
    (["net.pt"], ["is a folder", "net.pt"]),
    ([], ["is a folder"]),
])
def test_folders(files, texts, tmp_path):
    for file in files:
        (tmp_path / file).write_bytes(b"x")
    said(tmp_path, *texts)


def test_a_cut_file(tmp_path):
    content = (FIXTURES / "gru_1_layer.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(content[: len(content) // 2])
    said(tmp_path / "cut.pt", "cut off or damaged")


def test_a_torchscript_file_is_none_of_them():
    assert heft("inspect", model_arguments("gru_1_layer")[0]).code == 0
