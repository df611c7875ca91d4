"""Names and paths of everything in the lake; the only place that spells a key or a table address."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A Delta table by its layer (`bronze silver quarantine stage kept marts audit`) and its name below
    it.
    """

    layer: str
    name: str  # "<department>/<dataset>" or "<mart>/<table>"

    @property
    def key(self) -> str:
        """The key prefix inside the lake's bucket."""
        return f"{self.layer}/{self.name}"

    @property
    def title(self) -> str:
        """How people and SQL call it: `credit.entity_file`, `silver.weather_station_hourly`."""
        if self.layer == "marts":
            return self.name.replace("/", ".")
        return f"{self.layer}.{self.name.replace('/', '_')}"

    def spark_uri(self, lake: str) -> str:
        """The address Spark uses (S3A)."""
        return f"s3a://{lake}/{self.key}"

    def rust_uri(self, lake: str) -> str:
        """The address delta-rs and DuckDB use."""
        return f"s3://{lake}/{self.key}"

    def sql(self, lake: str) -> str:
        """The table as Spark SQL text."""
        return f"delta.`{self.spark_uri(lake)}`"


def bronze(dataset: str) -> Table:
    """Text as delivered, written by delta-rs."""
    return Table("bronze", dataset)


def stage(dataset: str) -> Table:
    """Where the stages of a dataset's batches lie, before their gates."""
    return Table("stage", dataset)


def silver(dataset: str) -> Table:
    """Typed, judged, deduplicated rows with history."""
    return Table("silver", dataset)


def quarantine(dataset: str) -> Table:
    """Refused rows with their reasons and positions."""
    return Table("quarantine", dataset)


def mart(name: str) -> Table:
    """A thematic product, `<mart>/<table>`."""
    return Table("marts", name)


def kept(name: str) -> Table:
    """What a mart keeps of its last build, to build only what changed; nobody else reads it, and it may be
    deleted at any time.
    """
    return Table("kept", name)


FOLDERS = (
    *("inbox", "landing", "receipts", "letters", "notices", "evidence", "contracts", "rules", "releases"),
    *(
        "tokens",
        "seals",
        "bronze",
        "stage",
        "silver",
        "quarantine",
        "kept",
        "marts",
        "audit",
        "open",
        "doctor",
    ),
)
"""Every folder of the bucket that some part of the lake writes; no object lies elsewhere."""


def inbox_prefix(dataset: str) -> str:
    """Where a department puts its deliveries: `<prefix><delivery>/manifest.json` is written last."""
    return f"inbox/{dataset}/"


def landing_key(dataset: str, sha256: str) -> str:
    """Where the unchanged bytes of a delivered file lie for good."""
    return f"landing/{dataset}/{sha256}"


def receipt_key(department: str, number: int) -> str:
    """The numbered answer to a delivery; numbers of a department have no gap."""
    return f"receipts/{department}/{number:08d}.json"


def letter_key(department: str, number: int, form: str) -> str:
    """The letter of a receipt: `form` is `json`, `zh.html` or `en.html`."""
    return f"letters/{department}/{number:08d}.{form}"


def notice_key(department: str, number: int, form: str) -> str:
    """The notice of a batch's quarantined records: `form` is `json`, `zh.html` or `en.html`."""
    return f"notices/{department}/{number:08d}.{form}"


def case_chain(dataset: str) -> str:
    """The chain of what happened to a dataset's cases."""
    return f"cases/{dataset}"


def rules_key(dataset: str, fingerprint: str) -> str:
    """The rules behind the ids of verdicts and flags, as they stood when a batch was judged."""
    return f"rules/{dataset}/{fingerprint}.json"


def contract_key(dataset: str, sha256: str) -> str:
    """A contract as it stood when a delivery was received under it."""
    return f"contracts/{dataset}/{sha256}.json"


def evidence_key(chain: str, number: int) -> str:
    """One event of a chain; a chain is a dataset, a mart table or `release`."""
    return f"evidence/{chain}/{number:08d}.json"


def release_key(number: int) -> str:
    """One create-only release manifest."""
    return f"releases/{number:08d}.json"


_JUNK = re.compile(r"(?i)(\..*|.*~|~\$.*|thumbs\.db|ehthumbs\.db|desktop\.ini|icon\r)")


def is_junk(path: str) -> bool:
    """Whether a file or a member of an archive is what an operating system or a program leaves behind: hidden
    by a dot in front, a copy with `~`, or one of their own names; no department sends it.
    """
    parts = path.replace("\\", "/").split("/")
    hidden = any(p == "__MACOSX" or (p.startswith(".") and p.strip(".")) for p in parts[:-1])
    return hidden or bool(_JUNK.fullmatch(parts[-1]))


def seal_key(number: int) -> str:
    """One create-only block of the seal: the objects that are new since the block before, and a
    checkpoint.
    """
    return f"seals/{number:08d}.json"


TOKEN_KEY = "tokens/key.json"  # the key behind tokens, closed by the key file outside the lake
VERIFIER_KEY = "seals/verifier"  # the public key of the checkpoints
