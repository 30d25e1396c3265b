"""``python -m glyphsr_cli``."""

from glyphsr_cli.app import main

if __name__ == "__main__":
    main()
