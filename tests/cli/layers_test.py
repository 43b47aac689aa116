"""The folders of src/ stand on one another as CONTRIBUTING's table says: no file includes what lies above it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [file for file in (ROOT / "src").rglob("*") if file.suffix in {".cpp", ".hpp", ".inc", ".cu"}]


def floors():
    """Folders of src/, the ground first."""
    return re.findall(r"^\| `([\w/]+)/` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)


def folder_of(path, folders):
    """The innermost folder of the table that holds the path."""
    return max((folder for folder in folders if path.startswith(f"{folder}/")), key=len, default=None)


def included(file):
    return re.findall(r'^\s*#include "([^"]+)"', file.read_text(), re.MULTILINE)


def test_every_source_stands_in_a_folder_of_the_table():
    folders = floors()
    assert len(folders) > 20 and len(set(folders)) == len(folders)
    names = {str(file.relative_to(ROOT / "src")) for file in SOURCES}
    assert [name for name in names if "/" in name and folder_of(name, folders) is None] == []
    assert [folder for folder in folders if not any(folder_of(name, folders) == folder for name in names)] == []


def test_no_file_includes_what_lies_above_it():
    folders = floors()
    height = {folder: floor for floor, folder in enumerate(folders)}
    back = []
    for file in SOURCES:
        name = str(file.relative_to(ROOT / "src"))
        for other in included(file):
            here, there = folder_of(name, folders), folder_of(other, folders)
            if here is not None and there is not None and height[there] > height[here]:
                back.append(f"{name} includes {other}")
    assert back == []
