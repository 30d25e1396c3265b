"""``glyphsr doctor``: what this installation has, what it lacks, and how that is mended."""

import typer

from glyphsr_cli import console
from glyphsr_cli.options import JsonOpt

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
        for check in found.checks:
            if check.mend:
                console.say(f"{check.status}: {check.name}: {check.mend}")
    if not found.is_sound:
        raise typer.Exit(GATE_FAILED)
