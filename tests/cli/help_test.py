"""heft help: topics, commands, and the manual page."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from heft import USAGE, heft, refuse, succeed

SUBMIT = Path(__file__).resolve().parents[2] / "scripts" / "slurm" / "submit"
TOPICS = ("impact", "methods", "metrics", "components", "perturbations", "inputs", "run-folder", "cluster", "exit-codes", "untrusted-models")


@functools.cache
def help_of(*command) -> str:
    return succeed(*command, "--help").out


@functools.cache
def manual_page() -> str:
    return succeed("help", "--man").out


def commands() -> list:
    return re.findall(r"^  ([a-z]+) ", help_of().split("Subcommands:")[1], re.M)


def long_options(text) -> set:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def test_help_lists_commands_and_topics():
    said = succeed("help").out
    for name in (*commands(), *TOPICS):
        assert re.search(rf"^  {name} ", said, re.M), name


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_short_and_names_nothing_that_is_not_there(topic):
    said = succeed("help", topic).out
    assert 8 <= said.count("\n") <= 40 and all(len(line) <= 100 for line in said.splitlines())
    known = long_options(help_of()).union(*(long_options(help_of(command)) for command in commands()))
    if "scripts/slurm/submit" in said:
        known |= long_options(subprocess.run([SUBMIT, "--help"], capture_output=True, text=True, check=True).stdout)
    assert long_options(said) <= known, long_options(said) - known
    named = set(re.findall(r'heft ([a-z]+)\b(?= |"|$)', " ".join(re.findall(r'"(heft [^"]+)"', said))))
    assert named <= {*commands(), "help"}
    referred = set(re.findall(r"heft help ([a-z-]+)", said))
    assert referred <= {*TOPICS, *commands()}


@pytest.mark.parametrize("command", commands())
def test_help_on_a_command_is_its_own_help(command):
    assert succeed("help", command).out == help_of(command)


def test_help_on_something_else_says_what_there_is():
    refuse(USAGE, "'magnitudes'", *TOPICS, of=heft("help", "magnitudes"))


def test_exit_codes_are_those_of_the_footer_and_of_the_refusals():
    topic = dict(re.findall(r"^ +(\d+)  (.+)$", succeed("help", "exit-codes").out, re.M))
    footer = help_of().split("Exit status: ")[1].split("\n\n")[0]
    assert list(topic) == re.findall(r"\b(\d+) ", footer)
    assert heft("help", "nothing").code == USAGE and "argument" in topic[str(USAGE)]


def test_the_run_folder_topic_names_every_file(tmp_path):
    from heft import rank

    assert rank("gru_1_layer", tmp_path / "run", "--method", "response", "--metric", "rms", "kl").code == 0
    succeed("compare", tmp_path / "run", "--criteria", "magnitude")
    succeed("report", tmp_path / "run")
    said = succeed("help", "run-folder").out
    succeed("mask", tmp_path / "run", "--keep", "0.5")
    for format in ("csv", "npz", "safetensors"):
        succeed("export", tmp_path / "run", "--format", format)
    for part in (1, 2):
        assert rank("gru_1_layer", tmp_path / str(part), "--method", "exhaustive", "--shard", f"{part}/2").code == 0
    succeed("merge", tmp_path / "1", tmp_path / "2", "-o", tmp_path / "merged")
    assert rank("gru_1_layer", tmp_path / "groups", "--components", "unit", "--by", "class").code == 0
    folders = [tmp_path / "run", tmp_path / "merged", tmp_path / "groups"]
    files = {file.name for folder in folders for file in folder.iterdir() if not file.name.startswith(".")}
    named = set(re.findall(r"[a-z_]+\.(?:safetensors|json|csv|npz|html)\b", said))
    assert files == named, files ^ named


def test_the_manual_page_has_every_command_and_option():
    page = re.sub(r"\\f[BIR]", "", manual_page().replace("\\-", "-"))
    sections = re.split(r'^\.S[SH] "?(?:heft )?([^"\n]+)"?$', page, flags=re.M)
    text = dict(zip(sections[1::2], sections[2::2]))
    for command in commands():
        missing = long_options(help_of(command)) - long_options(text[command]) - {"--help"}
        assert not missing, (command, missing)
    assert long_options(text["OPTIONS OF EVERY COMMAND"]) >= {"--version", "--json", "--quiet", "--log-level", "--log-file", "--progress"}
    for topic in TOPICS:
        assert succeed("help", topic).out.split("\n")[0] in text[topic.upper()], topic


def test_troff_takes_the_manual_page():
    groff = shutil.which("groff") or pytest.skip("there is no groff here")
    done = subprocess.run([groff, "-man", "-Kutf8", "-Tutf8", "-ww"], input=manual_page(), capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    plain = re.sub("\x1b\\[[0-9;]*m|.\b", "", done.stdout)
    assert "lstm.weight_hh_l0[12,7]" in plain and "heft rank model.pt --inputs inputs.pt" in plain
