"""Runs a command as a process of its own and says how it went."""
import json
import subprocess
import sys
from pathlib import Path


def measured(command: list, about: Path) -> tuple[subprocess.CompletedProcess, dict]:
    """What it wrote, and measured_child.py's object: status, seconds, peak_bytes. `about` is a file to write that to."""
    done = subprocess.run([sys.executable, "-S", Path(__file__).with_name("measured_child.py"), about, *map(str, command)],
                          capture_output=True, text=True, check=False)
    return done, json.loads(about.read_text()) if done.returncode == 0 else {"status": done.returncode}
