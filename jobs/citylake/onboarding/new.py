"""`citylake new`: a sample file becomes the draft of a contract, with its suites and a golden case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from citylake.compile.suite import write_suites
from citylake.contract.lint import problems
from citylake.contract.load import load_contracts, load_types
from citylake.contract.model import Bilingual, Column, Contract, SemanticType
from citylake.contract.problems import Problem
from citylake.contract.source import read_yaml
from citylake.core.errors import ContractError, LakeError
from citylake.core.settings import Settings
from citylake.ingest.decode import open_file
from citylake.onboarding.draft import contract_path, contract_text, write_case
from citylake.onboarding.evidence import chances, judge, sampled
from citylake.onboarding.form import Form, read_form
from citylake.onboarding.proposal import GENERAL, Known, Proposal, propose
from citylake.refine.trial import session_of_its_own
from citylake.storage.spark import SMALL

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ROWS = 50_000


@dataclass(frozen=True)
class Draft:
    """What was written, below the root, and what stands in it."""

    contract: str
    case: str  # "" where the sample speaks of persons, or is large and cannot be cut
    form: Form
    proposal: Proposal
    records: int


@dataclass(frozen=True)
class Sample:
    """A file's form and its first records: header -> texts in their order, blank where there is none."""

    form: Form
    cells: dict[str, list[str]]


def read_sample(path: Path, like: Contract, text: SemanticType) -> Sample:
    """The first records of a file, by the reader that the lake would use.

    `like`: any contract, whose columns do not matter; `text`: the type of a column of which nothing is known.
    LakeError `sample.form` when the bytes tell no form, Unreadable when a file of that form is damaged.
    """
    form = read_form(path, like)
    blank = replace(
        like,
        columns=tuple(_column(i, header, text) for i, header in enumerate(form.headers)),
        **{k: v for k, v in vars(form).items() if k != "headers"},
        layouts={},
        unpivot=None,
        table=None,
        footer="",
        record_bytes=None,
        ignored=(),
    )
    with open_file(path, blank) as decoder:
        rows = [r.values for r in islice(decoder, _ROWS) if r.error is None]
        names = decoder.columns
    if not rows:
        raise LakeError(
            "sample.form", "the file holds no record", where=path.name, now="send one with records"
        )
    texts = dict(zip(names, zip(*rows, strict=True), strict=True))
    columns = zip(form.headers, blank.columns, strict=True)
    return Sample(form, {h: [t or "" for t in texts[c.name]] for h, c in columns})


def _column(i: int, header: str, text: SemanticType) -> Column:
    return Column(f"c{i}", Bilingual(header, header), text, {"": header}, bronze_only=True)


def look(spark: SparkSession, sample: Sample, contracts: Mapping[str, Contract], root: Path) -> Proposal:
    """What the columns of a sample could be, in the words of the types that departments' contracts use."""
    types = load_types(root)
    known = Known.of(contracts.values())
    kinds = {k: types[k] for k in (*known.types, *GENERAL) if types[k].personal == "none"}
    counted = [sampled(texts) for texts in sample.cells.values()]
    pool = {t for c in counted for t in (*c, *chances(c))}
    judged = judge(spark, kinds.values(), pool, next(iter(contracts.values())), root)
    return propose(sample.cells, judged, types, known, named=sample.form.format != "spaced")


def draft(settings: Settings, dataset: str, path: Path, period: str) -> Draft:
    """Write contract, suites and golden case for a dataset, from a sample of its files."""
    root = settings.root
    contracts, types = load_contracts(root), load_types(root)
    file = contract_path(dataset, root)
    sample = read_sample(path, next(iter(contracts.values())), types["raw_text"])
    with session_of_its_own(settings) as spark:
        for name, value in SMALL.items():
            spark.conf.set(name, value)
        proposal = look(spark, sample, contracts, root)
    owner = next((c.owner for c in contracts.values() if c.department == dataset.split("/")[0]), None)
    file.parent.mkdir(parents=True, exist_ok=True)
    proposal = _write(
        file,
        root,
        types,
        proposal,
        lambda p: contract_text(dataset, sample.form, p, owner, types["code_text"]),
    )
    contracts = load_contracts(root)
    write_suites(contracts, root)
    persons = bool(proposal.ignored) or any(c.personal for c in proposal.columns)
    case = "" if persons else write_case(dataset, path, contracts[dataset], period, root)
    records = len(next(iter(sample.cells.values())))
    return Draft(str(file.relative_to(root)), case, sample.form, proposal, records)


def _write(
    file: Path,
    root: Path,
    types: Mapping[str, SemanticType],
    proposal: Proposal,
    text: Callable[[Proposal], str],
) -> Proposal:
    """Write a contract that the lint takes, without the columns that it refuses, such as those of persons;
    the proposal that stands in it. ContractError with the fault, and no file, where nothing is left.
    """

    def faults(tried: Proposal) -> list[Problem]:
        file.write_text(text(tried), "utf-8")
        return problems(read_yaml(file, root), types)

    while told := faults(proposal):
        fewer = [proposal.without(c) for c in proposal.columns] if len(proposal.columns) > 1 else []
        best = min(fewer, key=lambda p: len(faults(p)), default=proposal)
        if len(faults(best)) >= len(told):
            file.unlink()
            raise ContractError(told[0].rule, told[0].text, where=file.name, now="write the contract by hand")
        proposal = best
    return proposal
