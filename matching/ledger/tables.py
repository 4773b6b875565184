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
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from matching.schema import (
    ACHIEVEMENT,
    CONTRACT_KINDS,
    CORRECTED,
    DEAL_ENDED,
    DEAL_STATES,
    DEMAND,
    EXTRAS,
    KINDS,
    ROLES,
    VERDICTS,
    Kind,
)

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
# What is said of a record beside what its files say: that the institute's latest file lacks it, that it is there again,
# that it is gone or holds all the same; that it is another record (`other`) entered twice, that it is not after all, or
# that the two only look alike.
MISSING: Final = "missing"
PRESENT: Final = "present"
GONE: Final = "gone"
KEPT: Final = "kept"
PRESENCE: Final = (MISSING, PRESENT, GONE, KEPT)
MERGED: Final = "merged"
SPLIT: Final = "split"
DISTINCT: Final = "distinct"


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
        Column("source_sheet", Text, nullable=False, server_default=""),
        Column("source_row", Integer, nullable=False),
        Column("content_hash", String(64), nullable=False),
        *(
            Column(
                column,
                _type(dtype),
                nullable=isinstance(dtype, pl.Date | pl.Int64),
                server_default="[]" if dtype == EXTRAS else None,
            )
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
    Column("refused", Integer, nullable=False, server_default="0"),
    Column("missing", Integer, nullable=False, server_default="0"),
    # Whose file it is; "" where nobody said so.
    Column("institute", Text, nullable=False, server_default=""),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
    _one_of("kind", KINDS),
)

# Uploaded files as they came, compressed with zlib.
original: Final = Table(
    "original",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# Uploads taken back as a whole.
upload_reversal: Final = Table(
    "upload_reversal",
    metadata,
    Column("upload_id", ForeignKey("upload.upload_id"), primary_key=True),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
)

# Records that an upload repeated without a change, with the version that it repeated.
upload_repeat: Final = Table(
    "upload_repeat",
    metadata,
    Column("upload_id", ForeignKey("upload.upload_id"), primary_key=True),
    Column("record_id", String(200), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    _one_of("kind", KINDS),
    Index("ix_upload_repeat_record", "kind", "record_id", "version"),
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

record_quality: Final = Table(
    "record_quality",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("record_id", String(200), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("rules", String(16), primary_key=True),
    Column("quality", Integer, nullable=False),
    Column("vague", Boolean, nullable=False),
    Column("lacks", JSON, nullable=False),
    _one_of("kind", KINDS),
)

record_mark: Final = Table(
    "record_mark",
    metadata,
    Column("mark_id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("record_id", String(200), nullable=False),
    Column("mark", String(20), nullable=False),
    Column("other", String(200)),
    # The upload that said so; null where a person did.
    Column("upload_id", ForeignKey("upload.upload_id"), index=True),
    Column("why", Text, nullable=False, server_default=""),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
    _one_of("kind", KINDS),
    _one_of("mark", (*PRESENCE, MERGED, SPLIT, DISTINCT)),
    Index("ix_record_mark_record", "kind", "record_id", "mark_id"),
)

near_pair: Final = Table(
    "near_pair",
    metadata,
    Column("pair_id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("upload_id", ForeignKey("upload.upload_id"), nullable=False, index=True),
    Column("first_id", String(200), nullable=False),
    Column("second_id", String(200), nullable=False),
    Column("likeness", Float, nullable=False),
    Column("title_likeness", Float, nullable=False),
    Column("text_likeness", Float),
    Column("same_organisation", Boolean, nullable=False),
    Column("exact", Boolean, nullable=False),
    _one_of("kind", KINDS),
    Index("ix_near_pair_pair", "kind", "first_id", "second_id"),
)

column_choice: Final = Table(
    "column_choice",
    metadata,
    Column("choice_id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("institute", Text, nullable=False),
    # Normalised, as `intake.columns` compares it.
    Column("heading", Text, nullable=False),
    # "" for a heading whose column is kept as it is.
    Column("column_name", String(60), nullable=False),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
    _one_of("kind", KINDS),
)

organisation_name: Final = Table(
    "organisation_name",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("written", Text, nullable=False),
    # The name it stands for; itself, where a person said that it stands for no other; null to take back what was said.
    Column("name", Text),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
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
    # All that the queue reads of a candidate: its row is long.
    Index("ix_candidate_achievement", "run_id", "achievement_id", "demand_id", "rank", "score", "level"),
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
    Index("ix_decision_agent", "agent", "decision_id"),
)

# Whose work a demand is; null gives it back.
assignment: Final = Table(
    "assignment",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("demand_id", String(200), nullable=False),
    Column("holder", String(200)),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
    Index("ix_assignment_demand", "demand_id", "entry_id"),
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

# What a deal is about: all of it anew at each change, the newest entry counts. Amounts are in fen.
deal_terms: Final = Table(
    "deal_terms",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("deal_id", ForeignKey("deal.deal_id"), nullable=False),
    Column("contract_kind", String(20)),
    Column("total_fen", BigInteger),
    Column("technical_fen", BigInteger),
    Column("signed_on", Date),
    Column("registered_on", Date),
    Column("industrialised_on", Date),
    Column("registration_number", String(100)),
    Column("buyer", Text, nullable=False),
    Column("seller", Text, nullable=False),
    Column("transfer_institution", Text, nullable=False),
    Column("responsible", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("agent", String(200), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    UniqueConstraint("agent", "nonce"),
    _one_of("contract_kind", CONTRACT_KINDS),
    CheckConstraint("technical_fen <= total_fen", name="amounts"),
    Index("ix_deal_terms_deal", "deal_id", "entry_id"),
    Index("ix_deal_terms_registration_number", "registration_number"),
)

# Payments actually made; one taken back is followed by an entry that corrects it, of the same amount below zero.
deal_payment: Final = Table(
    "deal_payment",
    metadata,
    Column("payment_id", Integer, primary_key=True),
    Column("deal_id", ForeignKey("deal.deal_id"), nullable=False, index=True),
    Column("amount_fen", BigInteger, nullable=False),
    Column("paid_on", Date, nullable=False),
    Column("corrects", ForeignKey("deal_payment.payment_id"), unique=True),
    Column("why", Text, nullable=False),
    Column("agent", String(200), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    UniqueConstraint("agent", "nonce"),
)

# Names and links of documents; an entry that corrects another takes it from the list.
deal_document: Final = Table(
    "deal_document",
    metadata,
    Column("document_id", Integer, primary_key=True),
    Column("deal_id", ForeignKey("deal.deal_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("link", Text, nullable=False),
    Column("corrects", ForeignKey("deal_document.document_id"), unique=True),
    Column("why", Text, nullable=False),
    Column("agent", String(200), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    UniqueConstraint("agent", "nonce"),
)

# What people state of a deal beside its terms; the newest entry of a name counts, "" takes it back.
deal_statement: Final = Table(
    "deal_statement",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("deal_id", ForeignKey("deal.deal_id"), nullable=False),
    Column("name", String(60), nullable=False),
    Column("value", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("agent", String(200), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    UniqueConstraint("agent", "nonce"),
    Index("ix_deal_statement_deal", "deal_id", "name", "entry_id"),
)

# Accounts: all of one anew at each change, the newest entry of a name counts.
account: Final = Table(
    "account",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, index=True),
    Column("role", String(20), nullable=False),
    # Of an institute's account: the name of the institute.
    Column("organisation", Text, nullable=False),
    # What an identity provider says of the person; "" where only the password counts.
    Column("email", String(320), nullable=False, index=True),
    # "" for an account that has no password.
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("agent", String(200), nullable=False),
    Column("at", String(32), nullable=False),
    _one_of("role", ROLES),
)

login_attempt: Final = Table(
    "login_attempt",
    metadata,
    Column("attempt_id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("succeeded", Boolean, nullable=False),
    Column("at", String(32), nullable=False),
    Index("ix_login_attempt_name", "name", "attempt_id"),
)

login_session: Final = Table(
    "login_session",
    metadata,
    Column("session_id", Integer, primary_key=True),
    # The browser holds the token, the ledger its SHA-256.
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("at", String(32), nullable=False),
)

login_session_end: Final = Table(
    "login_session_end",
    metadata,
    Column("session_id", ForeignKey("login_session.session_id"), primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
)

# A link of the chain for every transaction and table: what was added, sealed with all that was there before.
link: Final = Table(
    "link",
    metadata,
    Column("link_id", Integer, primary_key=True),
    Column("table_name", String(60), nullable=False),
    Column("rows", Integer, nullable=False),
    # Where the table's last sealed row stands; see `chain`.
    Column("last_place", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index("ix_link_table", "table_name", "link_id"),
)
