"""heft completion: what shells offer. bash is always exercised; zsh and fish where they are installed."""

import functools
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

from heft import USAGE, heft, refuse, succeed


@functools.cache
def help_of(*command) -> str:
    return succeed(*command, "--help").out


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    file = tmp_path_factory.mktemp("completion") / "heft.bash"
    file.write_text(succeed("completion", "bash").out)
    return file


@pytest.fixture
def offered(script):
    return functools.partial(offered_by, script)


def offered_by(script, *words, folder=None) -> set:
    """What bash offers for the last word, as it splits them: "--name=value" is three."""
    quoted = " ".join(f"'{word}'" for word in ("heft", *words))
    command = f"source '{script}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _heft heft; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "--norc", "--noprofile", "-u", "-c", command], capture_output=True, text=True, cwd=folder, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return set(done.stdout.split("\n")) - {""}


def commands() -> set:
    return set(re.findall(r"^  ([a-z]+) ", help_of().split("Subcommands:")[1], re.M))


def test_every_command_is_offered(offered):
    assert offered("") == commands()
    assert offered("re") == {"report"}
    assert offered("--log-level", "info", "ver") == {"verify"}


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_option_of_a_command_is_offered(offered, command):
    text = help_of(command)
    named = set(re.findall(r"^  (?:-[a-z],)?(--[a-z-]+)", text, re.M))
    assert "--help" in named
    everywhere = set(re.findall(r"^  (?:-[a-z],)?(--[a-z-]+)", help_of(), re.M))
    assert offered(command, "--") == named | everywhere


@pytest.mark.parametrize("words, expected", [
    (["rank", "--method", ""], {"auto", "response", "exhaustive", "reference"}),
    (["rank", "--method", "=", "re"], {"response", "reference"}),
    (["rank", "--method", "="], {"auto", "response", "exhaustive", "reference"}),
    (["rank", "--metric", "rms", "k"], {"kl"}),
    (["rank", "model.pt", "--components", "weight", "row", ""], {"weight", "row", "column", "unit", "gate", "matrix", "layer"}),
    (["rank", "--perturb", "n"], {"noise:"}),
    (["--progress", "j"], {"json"}),
    (["rank", "--progress", ""], {"auto", "none", "plain", "json"}),
    (["mask", "run", "--by", "w"], {"wanda"}),
    (["rank", "model.pt", "--by", "st"], {"step"}),
    (["mask", "run", "--scope", ""], {"global", "layer", "matrix"}),
    (["export", "--format", "n"], {"npz"}),
    (["completion", ""], {"bash", "fish", "zsh"}),
    (["help", "met"], {"methods", "metrics"}),
    (["help", "ra"], {"rank"}),
    (["rank", "--top", ""], set()),
])
def test_values_that_options_know_are_offered(offered, words, expected):
    assert offered(*words) == expected


@pytest.mark.parametrize("words, expected", [
    (["rank", ""], {"model one.pt", "runs"}),
    (["rank", "model one.pt", "--inputs", "mo"], {"model one.pt"}),
    (["report", ""], {"runs"}),
    (["rank", "model one.pt", "-o", ""], {"runs"}),
    (["rank", "--method", "auto", "mo"], {"model one.pt"}),
    (["--log-file", "mo"], {"model one.pt"}),
])
def test_files_and_folders_are_offered_where_they_belong(offered, words, expected, tmp_path):
    (tmp_path / "model one.pt").touch()
    (tmp_path / "runs").mkdir()
    assert offered(*words, folder=tmp_path) == expected


@pytest.mark.parametrize("command, option, value", [
    ("rank", "--method", "x"), ("rank", "--metric", "x"), ("rank", "--precision", "x"),
    ("rank", "--components", "x"), ("rank", "--perturb", "x"),
    ("rank", "--device", "x"), ("rank", "--progress", "x"), ("rank", "--log-level", "x"),
])
def test_what_is_offered_is_what_the_option_takes(offered, command, option, value, tmp_path):
    """The refusal of another value lists the same ones."""
    said = refuse(USAGE, value, of=heft(command, tmp_path / "no.pt", "--inputs", tmp_path / "no.npy", option, value))
    listed = re.split(r"there are: |[^ ]*: (?=[a-z]+[,:])", said.strip())[-1].removesuffix(" was expected")
    listed = {re.sub(r":.*", ":", word) for word in re.split(r", | or ", listed)}
    assert {re.sub(r"^cuda:$", "cuda", word) for word in listed} == offered(command, option, ""), said


def test_an_unknown_shell_is_refused():
    refuse(USAGE, "tcsh", "bash, fish, zsh", of=heft("completion", "tcsh"))
    refuse(USAGE, of=heft("completion"))


def typed_in_zsh(zsh: str, setup: str, keys: str, mark: str) -> str:
    """What a terminal shows of zsh after `keys`, until `mark` appears on it."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvp(zsh, [zsh, "-f", "-i"])
    shown = ""

    def wait_for(text):
        nonlocal shown
        until = time.monotonic() + 30
        while text not in shown and time.monotonic() < until:
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 4096).decode(errors="replace")
        return text in shown

    try:
        os.write(terminal, f"{setup}; print rea''dy\n".encode())
        assert wait_for("ready"), shown
        shown = ""
        os.write(terminal, keys.encode())
        wait_for(mark)
        return shown
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


@pytest.mark.parametrize("keys, mark", [
    ("heft ver\t", "verify"),
    ("heft mask run --scope mat\t", "--scope matrix"),
    ("heft rank --method resp\t", "response"),
    ("heft rank model.pt --metric rms fl\t", "flips"),
    ("heft help unt\t", "untrusted-models"),
])
def test_zsh_completes(keys, mark, tmp_path):
    zsh = shutil.which("zsh") or pytest.skip("there is no zsh here")
    (tmp_path / "_heft").write_text(succeed("completion", "zsh").out)
    setup = f"PS1='> '; fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u -D"
    assert mark in typed_in_zsh(zsh, setup, keys, mark)


def test_fish_offers_commands_and_values(tmp_path):
    fish = shutil.which("fish") or pytest.skip("there is no fish here")
    (tmp_path / "heft.fish").write_text(succeed("completion", "fish").out)

    def said(line):
        done = subprocess.run([fish, "--private", "-c", f"source {tmp_path}/heft.fish; complete -C '{line}'"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return {line.split("\t")[0] for line in done.stdout.splitlines()}

    assert said("heft ") == commands()
    assert said("heft rank --method re") == {"response", "reference"}
    assert "--resume" in said("heft rank --")
    assert "--resume" not in said("heft mask --")
