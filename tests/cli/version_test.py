"""heft --version: what is in this program."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from heft import succeed

BUILD = Path(os.environ["HEFT_BUILD"])
CACHE = (BUILD / "CMakeCache.txt").read_text()
SOURCE = Path(re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.+)$", CACHE, re.M).group(1))


def facts() -> dict:
    said = succeed("--version").out
    assert re.match(r"heft \d+\.\d+\.\d+\n", said)
    return dict(line.split(maxsplit=1) for line in said.splitlines())


def describe(folder: Path, repository: Path, file: Path) -> str:
    """What a build of `folder` would write about its commit."""
    subprocess.run(["cmake", f"-DSOURCE={folder}", f"-DTEMPLATE={SOURCE}/src/cli/commit.cpp.in", f"-DOUTPUT={file}", "-P", SOURCE / "cmake" / "Commit.cmake"],
                   check=True, cwd=repository)
    return re.search(r'return "(.*)"', file.read_text()).group(1)


def git(folder: Path, *arguments):
    names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": "/dev/null"}
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, **names})
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "file").write_text("1")
    git(folder, "add", "file")
    git(folder, "commit", "-qm", "one")
    return folder


def test_it_names_versions_of_heft_libtorch_cuda_and_the_commit():
    found = facts()
    assert found["LibTorch"].startswith("2.11.")
    assert re.fullmatch(r"none|unknown|\d+\.\d+", found["CUDA"])
    assert re.fullmatch(r"none|[\d a-z-]+", found["kernels"])
    assert re.fullmatch(r"unknown|[\w.+/-]+", found["commit"])


def test_kernels_are_told_of_where_there_was_a_compiler_for_them():
    with_compiler = re.search(r"^CMAKE_CUDA_COMPILER:\w+=(?!.*NOTFOUND).+$", CACHE, re.M) and not re.search(r"^HEFT_CUDA:STRING=OFF$", CACHE, re.M)
    assert (facts()["kernels"] != "none") == bool(with_compiler)


def test_the_commit_is_the_clones(clone, tmp_path):
    file = tmp_path / "commit.cpp"
    short = git(clone, "rev-parse", "--short", "HEAD")
    assert describe(clone, tmp_path, file) == short
    (clone / "file").write_text("2")
    assert describe(clone, tmp_path, file) == f"{short}-dirty"
    git(clone, "commit", "-qam", "two")
    git(clone, "tag", "v1.2.3")
    assert describe(clone, tmp_path, file) == "v1.2.3"


def test_nothing_is_written_where_the_commit_is_the_same(clone, tmp_path):
    file = tmp_path / "commit.cpp"
    describe(clone, tmp_path, file)
    os.utime(file, (1, 1))
    describe(clone, tmp_path, file)
    assert file.stat().st_mtime == 1


def test_unpacked_inside_another_clone_the_commit_is_unknown(clone, tmp_path):
    inside = clone / "heft-0.1.0"
    inside.mkdir()
    assert describe(inside, tmp_path, tmp_path / "commit.cpp") == "unknown"
