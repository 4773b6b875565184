"""Tables of the ledger. Records have versions, decisions and deal events are append-only; states are derived.

The columns of `demand` and `achievement` are those of `schema`; moments are UTC, as ISO texts that sort.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from matching.schema import ACHIEVEMENT, CORRECTED, DEAL_ENDED, DEAL_STATES, DEMAND, KINDS, VERDICTS, Kind

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

UNDONE: Final = "undone"
# A correction taken back, and what the program assigns since it learned from corrections.
RELEASED: Final = "released"
LEARNED: Final = "learned"


def _type(dtype: pl.DataType) -> TypeEngine[Any]:
    match dtype:
        case pl.List():
            return JSON()
        case pl.Int64():
            return BigInteger()
        case pl.Date():
            return Date()
        case pl.Boolean():
            return Boolean()
        case _:
            return Text()


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _record_table(name: str, schema: dict[str, pl.DataType], identity: str) -> Table:
    return Table(
        name,
        metadata,
        Column(identity, String(200), primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("upload_id", ForeignKey("upload.upload_id"), nullable=False, index=True),
        Column("source_row", Integer, nullable=False),
        Column("content_hash", String(64), nullable=False),
        *(
            Column(column, _type(dtype), nullable=isinstance(dtype, pl.Date | pl.Int64))
            for column, dtype in schema.items()
            if column != identity
        ),
    )


upload: Final = Table(
    "upload",
    metadata,
    Column("upload_id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
    _one_of("kind", KINDS),
)

demand: Final = _record_table("demand", DEMAND, "demand_id")
achievement: Final = _record_table("achievement", ACHIEVEMENT, "achievement_id")
RECORD_TABLE: Final[dict[Kind, Table]] = {"demands": demand, "achievements": achievement}

record_field: Final = Table(
    "record_field",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("record_id", String(200), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("taxonomy", String(60), primary_key=True),
    Column("code", String(60), primary_key=True),
    Column("confidence", Float, nullable=False),
    Column("basis", String(20), nullable=False),
    Column("terms", JSON, nullable=False),
    _one_of("kind", KINDS),
)

field_change: Final = Table(
    "field_change",
    metadata,
    Column("change_id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("record_id", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("taxonomy", String(60), nullable=False),
    Column("basis", String(20), nullable=False),
    Column("codes", JSON, nullable=False),
    Column("confidences", JSON, nullable=False),
    Column("terms", JSON, nullable=False),
    Column("agent", String(200), nullable=False),
    Column("nonce", String(64)),
    Column("at", String(32), nullable=False),
    UniqueConstraint("agent", "nonce"),
    _one_of("kind", KINDS),
    _one_of("basis", (CORRECTED, RELEASED, LEARNED)),
    Index("ix_field_change_record", "kind", "record_id", "taxonomy", "change_id"),
)

run: Final = Table(
    "run",
    metadata,
    Column("run_id", Integer, primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("top", Integer, nullable=False),
    Column("demands", Integer, nullable=False),
    Column("achievements", Integer, nullable=False),
    Column("candidates", Integer, nullable=False),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
)

candidate: Final = Table(
    "candidate",
    metadata,
    Column("run_id", ForeignKey("run.run_id"), primary_key=True),
    Column("demand_id", String(200), primary_key=True),
    Column("rank", Integer, primary_key=True),
    Column("achievement_id", String(200), nullable=False),
    Column("score", Float, nullable=False),
    # Null in candidates of runs that knew no levels.
    Column("level", Integer),
    *(Column(name, Float) for name in ("certainty", "reach_two", "reach_three", "reach_four", "base")),
    Column("feature_parts", JSON),
    Column("learned", JSON),
    Column("other_parts", Float),
    Column("unlimited", JSON),
    Column("covariances", JSON),
    Column("similarity", Float),
    Column("character_part", Float, nullable=False),
    Column("word_part", Float, nullable=False),
    Column("concept_part", Float, nullable=False, server_default="0"),
    Column("field_part", Float, nullable=False),
    Column("text_score", Float, nullable=False),
    Column("field_score", Float, nullable=False),
    Column("shared_terms", JSON, nullable=False),
    Column("other_terms", Float, nullable=False),
    Column("shared_fields", JSON, nullable=False),
    UniqueConstraint("run_id", "demand_id", "achievement_id"),
)

decision: Final = Table(
    "decision",
    metadata,
    Column("decision_id", Integer, primary_key=True),
    Column("demand_id", String(200), nullable=False),
    Column("achievement_id", String(200), nullable=False),
    Column("run_id", ForeignKey("run.run_id"), nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("note", Text, nullable=False),
    Column("corrects", ForeignKey("decision.decision_id"), unique=True),
    Column("agent", String(200), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    UniqueConstraint("demand_id", "achievement_id", "agent", "nonce"),
    _one_of("verdict", (*VERDICTS, UNDONE)),
    Index("ix_decision_pair", "demand_id", "achievement_id", "decision_id"),
)

pair_level: Final = Table(
    "pair_level",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("demand_id", String(200), nullable=False),
    Column("achievement_id", String(200), nullable=False),
    Column("level", Integer),
    Column("agent", String(200), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    UniqueConstraint("agent", "nonce"),
    CheckConstraint("level IN (1, 2, 3, 4)", name="level"),
    Index("ix_pair_level_pair", "demand_id", "achievement_id", "entry_id"),
)

level_model: Final = Table(
    "level_model",
    metadata,
    Column("model_id", Integer, primary_key=True),
    Column("model", JSON, nullable=False),
    Column("pairs", Integer, nullable=False),
    Column("ndcg_before", Float, nullable=False),
    Column("ndcg_after", Float, nullable=False),
    Column("forced", Boolean, nullable=False),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
)

deal: Final = Table(
    "deal",
    metadata,
    Column("deal_id", Integer, primary_key=True),
    Column("demand_id", String(200), nullable=False),
    Column("achievement_id", String(200), nullable=False),
    Column("at", String(32), nullable=False),
    UniqueConstraint("demand_id", "achievement_id"),
)

deal_event: Final = Table(
    "deal_event",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("deal_id", ForeignKey("deal.deal_id"), nullable=False, index=True),
    Column("state", String(20), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("note", Text, nullable=False),
    Column("decision_id", ForeignKey("decision.decision_id")),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
    _one_of("state", (*DEAL_STATES, DEAL_ENDED)),
)
