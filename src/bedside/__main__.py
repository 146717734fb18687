"""`python -m bedside`."""

from __future__ import annotations

from bedside.cli import main

if __name__ == "__main__":
    main()
