"""cmake --install: the program runs from its prefix, and a C++ program of one's own finds the library there, by find_package."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from heft import HEFT, MODELS, bundled, heft

BUILD = Path(os.environ["HEFT_BUILD"])
EXAMPLE = Path(os.environ["HEFT_EXAMPLES"]) / "cpp"
RANKED = "rnn.weight_hh_l0[0:4,:]"


def run(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def plain_environment() -> dict:
    """Without what would help to find things that an installed Heft must find by itself."""
    return {name: value for name, value in os.environ.items() if name not in ("LD_LIBRARY_PATH", "HEFT_LIBTORCH", "CMAKE_PREFIX_PATH")}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed") / "prefix"
    run("cmake", "--install", BUILD, "--prefix", folder)
    return folder


@pytest.fixture(scope="module")
def example(prefix, tmp_path_factory):
    """The example, built against the prefix alone: its sources and build folder lie outside the clone."""
    if re.search(r"^HEFT_SANITIZE:\w+=.", (BUILD / "CMakeCache.txt").read_text(), re.M):
        pytest.skip("a library with sanitizers needs them in every program")
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder / "source")
    run("cmake", "-S", folder / "source", "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}", env=plain_environment())
    run("cmake", "--build", folder / "build", env=plain_environment())
    return folder / "build" / "top_weights"


def test_the_installed_program_runs_from_its_prefix(prefix):
    said = run(prefix / "bin" / "heft", "--version", env=plain_environment(), cwd="/")
    assert said == run(HEFT, "--version")


def test_nothing_is_installed_that_people_have_no_use_for(prefix):
    found = {str(file.relative_to(prefix)) for file in prefix.rglob("*") if file.is_file()}
    archives = {name for name in found if name.endswith(".a")}
    assert {Path(name).name for name in archives} == {"libheft_core.a", "libheft_plain.a"}
    [package] = {str(Path(name).parent) for name in found if name.endswith("heftConfig.cmake")}
    rest = {name for name in found - archives if not name.startswith((package, "include/heft/"))}
    assert rest == {"bin/heft", "share/man/man1/heft.1", "share/bash-completion/completions/heft", "share/zsh/site-functions/_heft",
                    "share/fish/vendor_completions.d/heft.fish", "share/doc/heft/LICENSE", "share/heft/slurm/submit", "share/heft/slurm/job"}
    assert "Examples:" in run(prefix / "share" / "heft" / "slurm" / "submit", "--help", env=plain_environment())


def test_public_headers_stand_alone(prefix):
    headers = sorted((prefix / "include" / "heft").glob("*.hpp"))
    assert {"error.hpp", "rank.hpp", "version.hpp"} <= {header.name for header in headers}
    for header in headers:
        text = header.read_text()
        assert "#if" not in text, header
        for included in re.findall(r'#include ["<](\S+)[">]', text):
            assert "/" not in included or included.startswith("heft/"), f"{header.name} includes {included}"
        run("c++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", prefix / "include", "-include", header, "-x", "c++", "/dev/null")


def test_a_program_of_ones_own_ranks_as_heft_rank_does(example, tmp_path):
    model, inputs = bundled("weather-gru")[0], MODELS / "weather-gru-inputs.safetensors"
    said = run(example, model, inputs, RANKED, env={**plain_environment(), "OMP_NUM_THREADS": "1"}, cwd=tmp_path)
    ranked = heft("rank", *bundled("weather-gru"), "--parameters", RANKED, "--top", 5, "--json", "-o", tmp_path / "run").json
    lines = re.findall(r"^(\S+) +weight +(\S+)  impact (\S+)  (executed|estimated), (\d+)\. by magnitude$", said, re.M)
    assert [line[0] for line in lines] == [one["name"] for one in ranked["top"]]
    for line, one in zip(lines, ranked["top"]):
        assert float(line[1]) == pytest.approx(one["weight"], abs=1e-5)
        assert float(line[2]) == pytest.approx(one["impact"], abs=1e-6)
        assert (line[3] == "executed") == one["executed"]
    assert f"correlation of {ranked['comparison']['overall']['spearman']:.2f}" in said
    assert sorted(os.listdir(tmp_path)) == ["run"], "the ranking left something behind"


def test_its_errors_are_hefts(example, tmp_path):
    (tmp_path / "model.pt").write_text("no model")
    done = subprocess.run([example, tmp_path / "model.pt", MODELS / "weather-gru-inputs.safetensors"], capture_output=True, text=True)
    assert done.returncode == 3 and done.stdout == "" and done.stderr.count("\n") == 1 and "model.pt" in done.stderr
