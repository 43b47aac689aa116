"""What is said beside results: log, progress, colours, and where each goes."""

import json
import os
import re
import signal
import subprocess

import pytest

from heft import HEFT, MODELS, OUTPUT, STOPPED, USAGE, bundled, environment, few_inputs, heft, model_arguments, refuse, succeed

COLOUR = "\x1b["
JOB = ("rank", *model_arguments("gru_1_layer"), "--method", "response")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logging") / "run"
    succeed(*JOB, "-q", "-o", folder)
    return folder


def coloured(**variables) -> bool:
    """Whether the log of a command without a terminal has colours."""
    env = {name: value for name, value in environment().items() if name not in ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE")}
    command = [HEFT, "ablate", *map(str, model_arguments("gru_1_layer")), "--component", "rnn.weight_hh_l0"]
    done = subprocess.run(command, capture_output=True, text=True, env={**env, **variables}, timeout=300)
    assert done.returncode == 0 and "model " in done.stderr, done
    assert COLOUR not in done.stdout
    return COLOUR in done.stderr


def commands(run, folder) -> dict:
    model = model_arguments("gru_1_layer")
    part = folder / "part"
    if not part.exists():
        succeed("rank", *model, "--method", "response", "--shard", "1/1", "-o", part)
    return {
        "inspect": model,
        "rank": [*model, "--method", "response", "-o", folder / "another"],
        "plan": [*model, "--seconds", 0.1],
        "ablate": [*model, "--component", "rnn.weight_hh_l0"],
        "verify": [run, "--sample", 5],
        "compare": [run, "--criteria", "magnitude"],
        "mask": [run, "--keep", 0.5, "-o", folder / "mask.safetensors"],
        "export": [run, "-o", folder / "weights.csv"],
        "report": [run, "-o", folder / "page.html"],
        "merge": [part, "-o", folder / "merged"],
        "status": [part],
    }


@pytest.mark.parametrize("command", ["inspect", "plan", "rank", "ablate", "verify", "compare", "mask", "export", "report", "merge", "status"])
def test_results_alone_go_to_standard_output(run, tmp_path, command):
    arguments = commands(run, tmp_path)[command]
    said = succeed(command, *arguments, "--json", "--quiet")
    assert said.json and said.err == ""
    if command in ("rank", "mask", "merge"):
        for name in ("another", "mask.safetensors", "merged"):
            (tmp_path / name).exists() and (tmp_path / name).rename(tmp_path / f"{name}.before")
    said = succeed(command, *arguments, "--json", "--log-level", "debug", "--progress", "json")
    assert said.json


def test_every_command_is_held_to_that(run, tmp_path):
    known = set(re.findall(r"^  ([a-z]+) ", succeed("--help").out.split("Subcommands:")[1], re.M))
    speak_to_people = {"help", "completion"}
    assert set(commands(run, tmp_path)) <= known
    unheld = known - set(commands(run, tmp_path)) - speak_to_people
    assert not unheld, unheld


def test_full_standard_output_is_an_error():
    with open("/dev/full", "w") as full:
        done = subprocess.run([HEFT, "help", "metrics"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == OUTPUT and done.stderr.count("\n") == 1 and "standard output" in done.stderr


def test_levels_let_less_or_more_through():
    ablate = ("ablate", *model_arguments("gru_1_layer"), "--component", "rnn.weight_hh_l0")
    info, debug = succeed(*ablate).err, succeed(*ablate, "--log-level", "debug").err
    assert "model " in info and "stage " not in info
    assert "model " in debug and re.search(r"^stage   executing components: 100 % in \d+\.\d\d s$", debug, re.M)
    assert succeed(*ablate, "--log-level", "error").err == ""


def test_a_log_file_has_times_and_is_appended_to_even_where_the_terminal_is_quiet(tmp_path):
    file = tmp_path / "heft.log"
    ablate = ("ablate", *model_arguments("gru_1_layer"), "--component")
    assert succeed(*ablate, "rnn.weight_hh_l0", "-q", "--log-file", file).err == ""
    first = file.read_text()
    assert heft(*ablate, "nonsense", "-q", "--log-file", file).code == USAGE
    lines = file.read_text().splitlines()
    assert file.read_text().startswith(first) and first
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (debug|info|warning|error) ", line) for line in lines), lines
    assert " info model " in first and " error " in lines[-1] and "nonsense" in lines[-1]


@pytest.mark.parametrize("option, value, texts", [
    ("--log-level", "loud", ["loud", "debug, info, warning or error"]),
    ("--progress", "bar", ["bar", "auto, none, plain or json"]),
])
def test_unknown_values_are_refused_in_one_line(option, value, texts, tmp_path):
    refuse(USAGE, option, *texts, of=heft(*JOB, "-o", tmp_path / "run", option, value))
    assert not (tmp_path / "run").exists()


def test_a_log_file_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for file in (tmp_path, tmp_path / "file" / "heft.log"):
        refuse(OUTPUT, "--log-file", str(file), of=heft(*JOB, "-o", tmp_path / "run", "--log-file", file))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("variables, expected", [
    ({}, False),
    ({"CLICOLOR_FORCE": "1"}, True),
    ({"CLICOLOR_FORCE": "0"}, False),
    ({"CLICOLOR_FORCE": ""}, False),
    ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
    ({"CLICOLOR_FORCE": "1", "NO_COLOR": ""}, True),
])
def test_colours_follow_the_conventions_of_the_environment(variables, expected):
    assert coloured(**variables) == expected


def terminal(*arguments, **variables) -> str:
    """What a command writes where standard error is a terminal."""
    import pty

    outer, inner = pty.openpty()
    env = {name: value for name, value in environment().items() if name not in ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE")}
    process = subprocess.Popen([HEFT, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=inner,
                               env={**env, "TERM": "xterm-256color", **variables})
    os.close(inner)
    text = b""
    while True:
        try:
            piece = os.read(outer, 4096)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(outer)
    assert process.wait(timeout=60) == 0
    return text.decode()


def test_a_terminal_has_colours_unless_they_are_forbidden():
    ablate = ("ablate", *model_arguments("gru_1_layer"), "--component", "rnn.weight_hh_l0")
    assert COLOUR in terminal(*ablate)
    assert COLOUR not in terminal(*ablate, NO_COLOR="1")
    assert COLOUR not in terminal(*ablate, CLICOLOR="0")


@pytest.fixture(scope="module")
def long_job(tmp_path_factory):
    """About six seconds of executing on this machine, of which progress is told from two on; its arguments but for -o."""
    folder = tmp_path_factory.mktemp("long")
    for samples in (8, 16, 32, 64):
        job = ["rank", MODELS / "digits-lstm.pt", "--inputs", few_inputs("digits-lstm", folder, samples), "--method", "exhaustive", "--parameters"]
        few = 40
        tried = succeed(*job, f"rnn.weight_hh_l1[0:{few},:]", "-o", folder / f"tried-{samples}", "--json", "-q").json
        rows = int(6 * few / tried["cost"]["execute_seconds"])
        if rows <= 512:
            break
    return [*job, f"rnn.weight_hh_l1[0:{min(rows, 512)},:]"]


def test_progress_for_schedulers_is_json_lines(long_job, tmp_path):
    said = succeed(*long_job, "-o", tmp_path / "run", "-q", "--progress", "json")
    lines = [json.loads(line) for line in said.err.splitlines()]
    assert all(list(line) == ["stage", "share", "seconds_elapsed", "seconds_left"] for line in lines)
    stages = list(dict.fromkeys(line["stage"] for line in lines))
    for stage in stages:
        of_stage = [line for line in lines if line["stage"] == stage]
        shares, times = [line["share"] for line in of_stage], [line["seconds_elapsed"] for line in of_stage]
        assert shares == sorted(shares) and times == sorted(times) and 0 <= shares[0] and shares[-1] <= 1
        for line in of_stage:
            if line["seconds_left"] is None:
                assert line["share"] < 0.02
            else:
                expected = line["seconds_elapsed"] * (1 - line["share"]) / line["share"]
                assert line["seconds_left"] == pytest.approx(expected, rel=0.01, abs=0.01)
    assert lines[-1]["share"] == 1 and lines[-1]["seconds_left"] == 0
    longest = max(line["seconds_elapsed"] for line in lines)
    assert len(lines) <= 2 * len(stages) + longest + 2, "more than a line a second"
    assert len(lines) > len(stages)


def test_progress_is_rewritten_on_a_terminal_alone_unless_it_is_to_be_plain(long_job, tmp_path):
    said = {style: terminal(*long_job, "-o", tmp_path / style, "--progress", style) for style in ("auto", "plain", "none")}
    shown = r"executing[^\r\n]*: \d+ %, \d+ s left"
    assert re.search(rf"\r{shown}", said["auto"])
    assert re.search(shown, said["plain"]) and not re.search(r"\r[^\n]", said["plain"])
    assert not re.search(shown, said["none"])


def test_a_stage_that_an_error_ends_is_not_told_as_done(long_job, tmp_path):
    run = tmp_path / "run"
    process = subprocess.Popen([HEFT, *map(str, long_job), "-o", str(run), "-q", "--progress", "json"], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, env=environment())
    said = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    said += process.communicate(timeout=60)[1]
    assert process.returncode == STOPPED
    *lines, refusal = said.splitlines()
    assert json.loads(lines[-1])["share"] < 1 and "--resume" in refusal
