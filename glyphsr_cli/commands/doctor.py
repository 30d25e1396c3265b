"""``glyphsr doctor``: what this installation has, what it lacks, and how that is mended."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from glyphsr_cli import console
from glyphsr_cli.options import JsonOpt

if TYPE_CHECKING:
    from glyphsr.doctor import Check

GATE_FAILED = 5


def doctor(json_: JsonOpt = False) -> None:
    """Look at versions, devices, packages, weights, cache and disks, and say how to mend what is wrong.

    Exit with 5 if something stops the work. Its output belongs into a report of a problem.
    """
    from glyphsr.doctor import doctor as examine

    found = examine()
    if json_:
        console.echo(console.as_json(found.as_dict()))
    else:
        from glyphsr_cli import tables

        rows = tuple((check.status, check.name, check.found) for check in found.checks)
        tables.show([tables.Table("glyphsr doctor", ("", "what", "found"), rows, wide=True, firm=2)])
        # Remedies go to stderr: the table on stdout stays a table.
        for line in _mends(found.checks):
            console.say(line)
    if not found.is_sound:
        raise typer.Exit(GATE_FAILED)


def _mends(checks: "Sequence[Check]") -> Iterator[str]:
    """A line for each thing that is to be mended; extras that are not installed share one."""
    from glyphsr.doctor import WANTED

    extras = [check.name.removeprefix("extra ") for check in checks if check.mend and check.mend.startswith(WANTED)]
    for check in checks:
        if check.mend and not check.mend.startswith(WANTED):
            yield f"{check.status}: {check.name}: {check.mend}"
    if extras:
        yield f"note: extras that are not installed: {', '.join(extras)}; pip install 'glyphsr[NAME]' for one you want"
