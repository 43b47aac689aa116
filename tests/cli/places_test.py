"""Where a run is written to, and what happens where it can't be."""

import json
import os
import shutil
import subprocess

import pytest

from heft import MODEL, OUTPUT, heft, mounted, rank, refuse, succeed


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places") / "run"
    assert rank("gru_1_layer", folder, "--top", 3).code == 0
    return folder


def test_a_folder_that_holds_a_run(run):
    refuse(OUTPUT, "holds a run already", "choose another -o", of=rank("gru_1_layer", run))


def test_a_folder_that_holds_something_else(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    refuse(OUTPUT, "not empty", "notes.txt", of=rank("gru_1_layer", tmp_path))
    refuse(OUTPUT, "no run to resume", "notes.txt", of=rank("gru_1_layer", tmp_path, "--resume"))
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_for_a_folder(tmp_path):
    (tmp_path / "run").write_text("")
    refuse(OUTPUT, "is a file", of=rank("gru_1_layer", tmp_path / "run"))
    refuse(OUTPUT, "can't be created", of=rank("gru_1_layer", tmp_path / "run" / "below"))


def test_an_empty_folder_and_missing_parents_are_fine(tmp_path):
    for folder in (tmp_path / "empty", tmp_path / "a" / "b" / "c"):
        if folder.name == "empty":
            folder.mkdir()
        assert rank("gru_1_layer", folder, "--top", 3).code == 0


def test_a_failure_after_the_folder_was_made_takes_it_back(tmp_path):
    (tmp_path / "mine").mkdir()
    for folder in (tmp_path / "new", tmp_path / "mine"):
        assert rank("no_recurrent_site", folder, "--components", "unit").code != 0
    assert [one.name for one in tmp_path.iterdir()] == ["mine"] and not any((tmp_path / "mine").iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    refuse(OUTPUT, "may write to", of=rank("gru_1_layer", tmp_path / "locked" / "run"))
    refuse(OUTPUT, "may write to", of=rank("gru_1_layer", tmp_path / "locked"))


def test_a_read_only_file_system(tmp_path):
    with mounted(tmp_path / "ro", "ro,size=1m") as folder:
        refuse(OUTPUT, "Read-only", "may write to", of=rank("gru_1_layer", folder / "run"))
        refuse(OUTPUT, "Read-only", "may write to", of=rank("gru_1_layer", folder))


@pytest.mark.parametrize("kilobytes", [4, 8, 16, 24, 40, 60])
def test_a_full_disk(kilobytes, tmp_path):
    with mounted(tmp_path / "small", f"size={kilobytes}k") as folder:
        result = rank("lstm_3_layers_bidirectional", folder / "run", "--top", 3)
        refuse(OUTPUT, "No space left", "free some space", of=result)
        assert not (folder / "run" / "run.json").exists()
        assert not list(folder.glob("run/.heft-partial-*"))


def test_a_run_goes_on_once_a_full_disk_has_room(tmp_path):
    with mounted(tmp_path / "small", "size=60k") as folder:
        assert rank("lstm_3_layers_bidirectional", folder / "run", "--top", 3).code == OUTPUT
        subprocess.run(["mount", "-o", "remount,size=4m", folder], check=True)
        assert rank("lstm_3_layers_bidirectional", folder / "run", "--top", 3, "--resume").code == 0
        assert json.loads((folder / "run" / "run.json").read_text())["complete"]


def test_export_and_verify_want_a_run(run, tmp_path):
    (tmp_path / "file").write_text("")
    for command in ("verify", "export"):
        refuse(OUTPUT, "no such run folder", of=heft(command, tmp_path / "nowhere", "-q"))
        refuse(OUTPUT, "is no run folder", of=heft(command, tmp_path, "-q"))
        refuse(OUTPUT, "a file", of=heft(command, tmp_path / "file", "-q"))


@pytest.mark.parametrize("file", ["run.json", "impact.safetensors", "measured.safetensors", "lower.safetensors"])
def test_a_damaged_run_names_the_damaged_file(run, file, tmp_path):
    for damage in ("missing", "cut", "other"):
        shutil.copytree(run, tmp_path / damage)
        content = (run / file).read_bytes()
        if damage == "missing":
            (tmp_path / damage / file).unlink()
        else:
            (tmp_path / damage / file).write_bytes(content[: len(content) // 2] if damage == "cut" else b"\x93NUMPY")
        for command in ("verify", "export"):
            refuse(OUTPUT, file, of=heft(command, tmp_path / damage, "-q"))


def test_a_mask_and_a_masked_model_appear_whole_or_not_at_all(run, tmp_path):
    with mounted(tmp_path / "small", "size=4k") as folder:
        refuse(OUTPUT, "No space left", of=heft("mask", run, "--keep", 0.5, "-q", "-o", tmp_path / "m.safetensors", "--apply", folder / "m.pt"))
        assert not list(folder.iterdir()) and not (tmp_path / "m.safetensors").exists()
        for name in ("weights.npz", "weights.safetensors"):
            refuse(OUTPUT, "No space left", of=heft("export", run, "-o", folder / name))
            assert not list(folder.iterdir())


def test_export_replaces_its_table_whole_or_not_at_all(run, tmp_path):
    table = tmp_path / "weights.csv"
    succeed("export", run, "-o", table)
    whole = table.read_bytes()
    table.write_text("old")
    with mounted(tmp_path / "small", "size=4k") as folder:
        refuse(OUTPUT, "No space left", of=heft("export", run, "-o", folder / "weights.csv"))
        assert not list(folder.iterdir())
    succeed("export", run, "-o", table)
    assert table.read_bytes() == whole
    refuse(OUTPUT, "weights.csv", of=heft("export", run, "-o", tmp_path / "nowhere" / "weights.csv"))
    refuse(2, "xls", of=heft("export", run, "--format", "xls"))
    for name in ("impact.safetensors", "run.json"):
        before = (run / name).read_bytes()
        refuse(OUTPUT, "a file of the run", of=heft("export", run, "-o", run / name))
        assert (run / name).read_bytes() == before
    refuse(2, "did you mean", of=heft("export", run, "--parameters", "rnn.weight_hh_l9"))


NOWHERE = "/proc/nowhere"


@pytest.mark.parametrize("command", [
    ["rank", "no-model.pt", "--inputs", "no-inputs.npy", "-o", f"{NOWHERE}/run"],
    ["rank", "no-model.pt", "--inputs", "no-inputs.npy", "--method", "exhaustive", "--shard", "1/2", "-o", f"{NOWHERE}/run"],
    ["report", "no-run", "-o", f"{NOWHERE}/page.html"],
    ["export", "no-run", "-o", f"{NOWHERE}/rows.csv"],
    ["mask", "no-run", "--keep", "0.5", "-o", f"{NOWHERE}/mask.safetensors"],
    ["mask", "no-run", "--keep", "0.5", "-o", "mask.safetensors", "--apply", f"{NOWHERE}/masked.pt"],
], ids=lambda command: " ".join(command[:1] + command[-1:]))
def test_what_cant_be_written_is_refused_before_anything_is_read(command, tmp_path):
    refuse(OUTPUT, NOWHERE, "can't be created", of=heft(*command, cwd=tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_merge_that_cant_be_written_is_refused_before_the_model_is_loaded(tmp_path):
    for part in (1, 2):
        assert rank("gru_1_layer", tmp_path / str(part), "--method", "exhaustive", "--shard", f"{part}/2").code == 0
    refuse(OUTPUT, NOWHERE, "can't be created",
           of=heft("merge", tmp_path / "1", tmp_path / "2", "-o", f"{NOWHERE}/run", "--model", "no-model.pt"))


def test_a_folder_that_a_refused_ranking_would_have_made_is_not_left(tmp_path):
    assert heft("rank", "no-model.pt", "--inputs", "x.npy", cwd=tmp_path).code == MODEL
    assert heft("rank", "no-model.pt", "--inputs", "x.npy", "-o", "run", cwd=tmp_path).code == MODEL
    assert not list(tmp_path.iterdir())
