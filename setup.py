"""The configurations beside the package become a part of it when it is installed; all else is in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

CONFIGS = Path("configs")

folders = [CONFIGS, *(path for path in CONFIGS.rglob("*") if path.is_dir())]
packages = {".".join(["glyphsr", *folder.parts]): str(folder) for folder in sorted(folders)}

setup(
    packages=[*find_packages(include=["glyphsr*", "glyphsr_cli*"]), *packages],
    package_dir=packages,
)
