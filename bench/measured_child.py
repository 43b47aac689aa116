"""Runs a command and writes a JSON object about it to a file: its exit status, wall-clock seconds and peak memory.

    python measured_child.py FILE COMMAND...

A program of its own, and a small one: Linux counts what a process held before it became the command, so a child of a Python that
has loaded torch would never seem smaller than that.
"""
import json
import os
import sys
import time


def main():
    file, *command = sys.argv[1:]
    begin = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - begin
    with open(file, "w", encoding="utf-8") as out:
        json.dump({"status": os.waitstatus_to_exitcode(status), "seconds": seconds, "peak_bytes": 1024 * usage.ru_maxrss}, out)


if __name__ == "__main__":
    main()
