"""Facts that people state of a deal beside its terms."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "deal_statement",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("deal_id", sa.Integer(), nullable=False),
        sa.Column("name", _text(60), nullable=False),
        sa.Column("value", _text(), nullable=False),
        sa.Column("why", _text(), nullable=False),
        sa.Column("agent", _text(200), nullable=False),
        sa.Column("nonce", _text(64), nullable=False),
        sa.Column("at", _text(32), nullable=False),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.deal_id"], name=op.f("fk_deal_statement_deal_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_deal_statement")),
        sa.UniqueConstraint("agent", "nonce", name=op.f("uq_deal_statement_agent_nonce")),
    )
    op.create_index("ix_deal_statement_deal", "deal_statement", ["deal_id", "name", "entry_id"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER deal_statement_no_{action.lower()} BEFORE {action} ON deal_statement "
                "BEGIN SELECT RAISE(ABORT, 'deal_statement is append-only'); END"
            )
    else:
        for name, action, each in (
            ("append_only", "UPDATE OR DELETE", "ROW"),
            ("no_truncate", "TRUNCATE", "STATEMENT"),
        ):
            op.execute(
                f"CREATE TRIGGER deal_statement_{name} BEFORE {action} ON deal_statement "
                f"FOR EACH {each} EXECUTE FUNCTION refuse_changes()"
            )


def _text(length: int | None = None) -> sa.types.TypeEngine[str]:
    """A text that PostgreSQL, as SQLite does by itself, sorts by its characters, whatever its language."""
    plain: sa.String = sa.Text() if length is None else sa.String(length)
    in_order = sa.Text(collation="C") if length is None else sa.String(length, collation="C")
    return plain.with_variant(in_order, "postgresql")
