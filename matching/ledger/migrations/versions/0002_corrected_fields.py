"""Fields that agents corrected and that the program learned from it; the lexicon's part of a score."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of changes and the column; candidates of older runs had no part of the lexicon."""
    op.add_column("candidate", sa.Column("concept_part", sa.Float(), nullable=False, server_default="0"))
    op.create_table(
        "field_change",
        sa.Column("change_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("taxonomy", sa.String(length=60), nullable=False),
        sa.Column("basis", sa.String(length=20), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("confidences", sa.JSON(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=True),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("kind IN ('demands', 'achievements')", name=op.f("ck_field_change_kind")),
        sa.CheckConstraint("basis IN ('corrected', 'released', 'learned')", name=op.f("ck_field_change_basis")),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_field_change")),
        sa.UniqueConstraint("agent", "nonce", name=op.f("uq_field_change_agent_nonce")),
    )
    op.create_index("ix_field_change_record", "field_change", ["kind", "record_id", "taxonomy", "change_id"])
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER field_change_no_{action.lower()} BEFORE {action} ON field_change "
                "BEGIN SELECT RAISE(ABORT, 'field_change is append-only'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER field_change_append_only BEFORE UPDATE OR DELETE ON field_change "
            "FOR EACH ROW EXECUTE FUNCTION refuse_changes()"
        )
