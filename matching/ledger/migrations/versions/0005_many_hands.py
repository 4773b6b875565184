"""Accounts and sessions, whose work a demand is, what deals are about, and the chain that seals every row."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NEW_TABLES = (
    "assignment",
    "deal_terms",
    "deal_payment",
    "deal_document",
    "account",
    "login_attempt",
    "login_session",
    "login_session_end",
    "link",
)
_OLD_TABLES = (
    "upload",
    "original",
    "upload_reversal",
    "upload_repeat",
    "demand",
    "achievement",
    "record_field",
    "record_quality",
    "record_mark",
    "near_pair",
    "column_choice",
    "organisation_name",
    "field_change",
    "run",
    "candidate",
    "decision",
    "pair_level",
    "level_model",
    "deal",
    "deal_event",
)
# Tables without a number of their own that tells the order in which rows came.
_WITHOUT_NUMBER = (
    "original",
    "upload_reversal",
    "upload_repeat",
    "demand",
    "achievement",
    "record_field",
    "record_quality",
    "candidate",
    "login_session_end",
)


class _PlainInteger(sa.types.UserDefinedType[int]):
    """A whole number that SQLite, other than INTEGER, does not take for the number of the row when it is the key."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        return "INT"


_PLAIN_INTEGER = sa.Integer().with_variant(_PlainInteger(), "sqlite")


def upgrade() -> None:
    """Add the tables, and the indexes that the review asks for."""
    op.create_table(
        "account",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("role IN ('agent', 'institute', 'official', 'admin')", name=op.f("ck_account_role")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_account")),
    )
    op.create_index(op.f("ix_account_email"), "account", ["email"], unique=False)
    op.create_index(op.f("ix_account_name"), "account", ["name"], unique=False)
    op.create_table(
        "assignment",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("demand_id", sa.String(length=200), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_assignment")),
    )
    op.create_index("ix_assignment_demand", "assignment", ["demand_id", "entry_id"], unique=False)
    op.create_table(
        "link",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=60), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("last_place", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_link")),
        sa.UniqueConstraint("hash", name=op.f("uq_link_hash")),
    )
    op.create_index("ix_link_table", "link", ["table_name", "link_id"], unique=False)
    op.create_table(
        "login_attempt",
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_login_attempt")),
    )
    op.create_index("ix_login_attempt_name", "login_attempt", ["name", "attempt_id"], unique=False)
    op.create_table(
        "login_session",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_login_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_session_token_hash")),
    )
    op.create_table(
        "deal_document",
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("deal_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Integer(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["corrects"], ["deal_document.document_id"], name=op.f("fk_deal_document_corrects")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.deal_id"], name=op.f("fk_deal_document_deal_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_deal_document")),
        sa.UniqueConstraint("agent", "nonce", name=op.f("uq_deal_document_agent_nonce")),
        sa.UniqueConstraint("corrects", name=op.f("uq_deal_document_corrects")),
    )
    op.create_index(op.f("ix_deal_document_deal_id"), "deal_document", ["deal_id"], unique=False)
    op.create_table(
        "deal_payment",
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("deal_id", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("corrects", sa.Integer(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["corrects"], ["deal_payment.payment_id"], name=op.f("fk_deal_payment_corrects")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.deal_id"], name=op.f("fk_deal_payment_deal_id")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_deal_payment")),
        sa.UniqueConstraint("agent", "nonce", name=op.f("uq_deal_payment_agent_nonce")),
        sa.UniqueConstraint("corrects", name=op.f("uq_deal_payment_corrects")),
    )
    op.create_index(op.f("ix_deal_payment_deal_id"), "deal_payment", ["deal_id"], unique=False)
    op.create_table(
        "deal_terms",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("deal_id", sa.Integer(), nullable=False),
        sa.Column("contract_kind", sa.String(length=20), nullable=True),
        sa.Column("total_fen", sa.BigInteger(), nullable=True),
        sa.Column("technical_fen", sa.BigInteger(), nullable=True),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("registered_on", sa.Date(), nullable=True),
        sa.Column("industrialised_on", sa.Date(), nullable=True),
        sa.Column("registration_number", sa.String(length=100), nullable=True),
        sa.Column("buyer", sa.Text(), nullable=False),
        sa.Column("seller", sa.Text(), nullable=False),
        sa.Column("transfer_institution", sa.Text(), nullable=False),
        sa.Column("responsible", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "contract_kind IN ('development', 'transfer', 'licence', 'consulting', 'service', 'investment')",
            name=op.f("ck_deal_terms_contract_kind"),
        ),
        sa.CheckConstraint("technical_fen <= total_fen", name=op.f("ck_deal_terms_amounts")),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.deal_id"], name=op.f("fk_deal_terms_deal_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_deal_terms")),
        sa.UniqueConstraint("agent", "nonce", name=op.f("uq_deal_terms_agent_nonce")),
    )
    op.create_index("ix_deal_terms_deal", "deal_terms", ["deal_id", "entry_id"], unique=False)
    op.create_index("ix_deal_terms_registration_number", "deal_terms", ["registration_number"], unique=False)
    op.create_table(
        "login_session_end",
        sa.Column("session_id", _PLAIN_INTEGER, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["login_session.session_id"], name=op.f("fk_login_session_end_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_login_session_end")),
    )
    op.create_index(
        "ix_candidate_achievement",
        "candidate",
        ["run_id", "achievement_id", "demand_id", "rank", "score", "level"],
        unique=False,
    )
    op.create_index("ix_decision_agent", "decision", ["agent", "decision_id"], unique=False)
    op.add_column("record_mark", sa.Column("why", sa.Text(), server_default="", nullable=False))
    _give_reversals_places()
    for table in _NEW_TABLES:
        _refuse_changes(table)
    if op.get_bind().dialect.name != "sqlite":
        _set_up_postgresql()


def _give_reversals_places() -> None:
    """Let SQLite number the rows of reversals in the order in which they came, not by the upload."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.create_table(
        "upload_reversal_numbered",
        sa.Column("upload_id", _PLAIN_INTEGER, nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name=op.f("fk_upload_reversal_upload_id")),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_upload_reversal")),
    )
    op.execute(
        "INSERT INTO upload_reversal_numbered (upload_id, agent, at) "
        "SELECT upload_id, agent, at FROM upload_reversal ORDER BY at, upload_id"
    )
    op.drop_table("upload_reversal")
    op.rename_table("upload_reversal_numbered", "upload_reversal")
    _refuse_changes("upload_reversal")


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    else:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_changes()"
        )


def _set_up_postgresql() -> None:
    """What SQLite does by itself: places of rows, texts in the order of their characters; and TRUNCATE is refused."""
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_changes() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', "
        "MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$"
    )
    found = sa.inspect(op.get_bind())
    for table in (*_OLD_TABLES, *_NEW_TABLES):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes()"
        )
        if table in _WITHOUT_NUMBER:
            op.execute(f"ALTER TABLE {table} ADD COLUMN place BIGSERIAL")
            op.execute(f"CREATE UNIQUE INDEX ix_{table}_place ON {table} (place)")
        texts = [column for column in found.get_columns(table) if isinstance(column["type"], sa.String)]
        changes = (f'ALTER COLUMN "{each["name"]}" TYPE {each["type"]} COLLATE "C"' for each in texts)
        op.execute(f"ALTER TABLE {table} {', '.join(changes)}")
