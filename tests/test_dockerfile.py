"""The image is built from what a build of the package needs, and .dockerignore lets it through."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_what_a_build_reads_is_copied_and_not_ignored():
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        for source in line.split()[:-1]
    }
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == let_through

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {"pyproject.toml", "setup.py", "configs", "glyphsr", "glyphsr_cli", project["readme"]}
    needed.update(project["license-files"])
    assert needed <= copied
    assert all((ROOT / source).exists() for source in copied)
