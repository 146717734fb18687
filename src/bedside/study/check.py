"""`bedside check`: study.toml first, then the data when they have been read."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bedside.study import config
from bedside.study.config import Problem


class Checked(msgspec.Struct, frozen=True):
    """Problems of study.toml, and the data-quality record when the lake is there."""

    study: str
    problems: list[Problem]
    quality: object | None = None
    quality_text: str = ""
    page: str | None = None

    @property
    def exit_code(self) -> int:
        """That of the worst problem: 3 refused, 2 misconfigured."""
        return 3 if any(problem.refused for problem in self.problems) else 2 if self.problems else 0

    def text(self) -> str:
        if self.problems:
            return "\n".join(problem.text() for problem in self.problems)
        if self.quality is None:
            return "study.toml is in order; the data have not been read yet"
        return f"study.toml is in order\n{self.quality_text}\n\npage  {self.page}"


def check(root: Path) -> Checked:
    """Everything that can be said before, or after, the data are read."""
    text = config.read(root / "study.toml")
    problems = config.problems(text, root)
    if problems or not (root / "lake").exists():
        return Checked(str(root), problems)
    return _data(root)


def _data(root: Path) -> Checked:
    from bedside.lake.quality import Quality
    from bedside.study.study import Study

    study = Study(root)
    study.run(["check"], quiet=True)
    found = msgspec.json.decode((study.root / "reports" / "quality.json").read_bytes(), type=Quality)
    return Checked(str(root), [], found, found.to_text(), str(study.root / "reports" / "quality.html"))
