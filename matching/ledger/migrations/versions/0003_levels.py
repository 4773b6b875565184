"""Levels of candidates and what made their scores; levels that agents set by hand; level models learned here."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NEW_TABLES = ("pair_level", "level_model")


def upgrade() -> None:
    """Add the columns and the tables.

    Until now the score was the similarity, and no level was known: in older candidates the new columns stay empty.
    """
    op.add_column("candidate", sa.Column("similarity", sa.Float(), nullable=True))
    op.add_column("candidate", sa.Column("level", sa.Integer(), nullable=True))
    for name in ("certainty", "reach_two", "reach_three", "reach_four", "base", "other_parts"):
        op.add_column("candidate", sa.Column(name, sa.Float(), nullable=True))
    for name in ("feature_parts", "learned", "unlimited", "covariances"):
        op.add_column("candidate", sa.Column(name, sa.JSON(), nullable=True))
    op.create_table(
        "pair_level",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("demand_id", sa.String(length=200), nullable=False),
        sa.Column("achievement_id", sa.String(length=200), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("level IN (1, 2, 3, 4)", name=op.f("ck_pair_level_level")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_pair_level")),
        sa.UniqueConstraint("agent", "nonce", name=op.f("uq_pair_level_agent_nonce")),
    )
    op.create_index("ix_pair_level_pair", "pair_level", ["demand_id", "achievement_id", "entry_id"])
    op.create_table(
        "level_model",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("model", sa.JSON(), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("ndcg_before", sa.Float(), nullable=False),
        sa.Column("ndcg_after", sa.Float(), nullable=False),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_level_model")),
    )
    for table in _NEW_TABLES:
        _refuse_changes(table)


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
