"""Saved questions: SQL files under `docs/analysts/<theme>/`, found by the beginning of their name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from citylake.core.errors import LakeError, did_you_mean
from citylake.release.parameters import named


@dataclass(frozen=True)
class Question:
    """One saved question."""

    name: str  # "<theme>/<number>-<words>"
    title: str  # its first comment
    sql: str

    @property
    def parameters(self) -> set[str]:
        """Names that the SQL leaves open, `:name`."""
        return named(self.sql)


def questions(root: Path) -> dict[str, Question]:
    """All saved questions of a project by name."""
    folder = root / "docs" / "analysts"
    found = (_question(path, folder) for path in sorted(folder.glob("*/[0-9]*.sql")))
    return {q.name: q for q in found}


def _question(path: Path, folder: Path) -> Question:
    sql = path.read_text("utf-8").strip().rstrip(";")
    title = next((line[2:].strip() for line in sql.splitlines() if line.startswith("--")), path.stem)
    return Question(str(path.relative_to(folder).with_suffix("")), title, sql)


def find_question(root: Path, name: str) -> Question:
    """The one question whose name begins so; LakeError `question.unknown`."""
    known = questions(root)
    found = [q for n, q in known.items() if n == name or n.startswith(f"{name}-")]
    if len(found) != 1:
        raise LakeError(
            "question.unknown",
            f"there is no question {name}{did_you_mean(name, known)}",
            now="citylake questions",
        )
    return found[0]


def narrowed(question: Question, given: dict[str, str], columns: list[str]) -> str:
    """The SQL with what was given: a parameter of the question stays open for Spark to fill, any other name
    keeps the rows of the answer whose column (`name` or `name_code`) holds that value.

    `columns`: those of the answer. LakeError `question.parameter` where a name is neither.
    """
    kept: list[str] = []
    for name in given.keys() - question.parameters:
        column = next((c for c in (name, f"{name}_code") if c in columns), None)
        if column is None:
            known = sorted({*question.parameters, *columns})
            raise LakeError(
                "question.parameter",
                f"{question.name} has neither a parameter nor a column {name}{did_you_mean(name, known)}",
                now=f"one of {', '.join(known)}",
            )
        kept.append(f"CAST({column} AS STRING) = :{name}")
    if missing := question.parameters - given.keys():
        raise LakeError(
            "question.parameter",
            f"{question.name} asks for {', '.join(sorted(missing))}",
            now=" ".join(f"--param {n}=..." for n in sorted(missing)),
        )
    return f"SELECT * FROM ({question.sql}\n) WHERE {' AND '.join(sorted(kept))}" if kept else question.sql
