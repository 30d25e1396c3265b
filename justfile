# What CI runs, quick and in place (needs the dev extra installed).
check:
    ruff check .
    ruff format --check .
    mypy
    pytest -q -n 2 --dist worksteal
