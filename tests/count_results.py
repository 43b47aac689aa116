"""Counts the tests of a run of ctest, each on its own: many of ctest's entries are programs that run hundreds.

Such a program leaves a JUnit file that has its entry's name. Prints how many passed and failed, in ctest's words.

    count_results.py CTEST.xml FOLDER
"""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def cases_of(file):
    """Whether each test passed, failed or was skipped."""
    for case in xml.parse(file).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            yield "failed"
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled") or case.get("result") == "skipped":
            yield "skipped"
        else:
            yield "passed"


def main(ctest, folder):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for entry in xml.parse(ctest).getroot().iter("testcase"):
        file = Path(folder) / f"{entry.get('name')}.xml"
        found = list(cases_of(file)) if file.exists() else []
        failed = entry.get("status") == "fail"
        if failed and "failed" not in found:
            found.append("failed")  # it ended before it could say what failed
        if not found:
            found.append("failed" if failed else "passed" if entry.get("status") == "run" else "skipped")
        for outcome in found:
            counts[outcome] += 1
    run = counts["passed"] + counts["failed"]
    share = 100 * counts["passed"] // max(1, run)
    print(f"{counts['skipped']} tests were skipped")
    print(f"{share}% tests passed, {counts['failed']} tests failed out of {run}")


if __name__ == "__main__":
    main(*sys.argv[1:])
