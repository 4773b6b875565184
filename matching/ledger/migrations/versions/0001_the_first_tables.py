"""The first tables, and the triggers that make them append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "upload",
    "demand",
    "achievement",
    "record_field",
    "run",
    "candidate",
    "decision",
    "deal",
    "deal_event",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "upload",
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("kind IN ('demands', 'achievements')", name=op.f("ck_upload_kind")),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_upload")),
    )
    op.create_table(
        "demand",
        sa.Column("demand_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("source_row", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("enterprise", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("tried", sa.Text(), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("investment_yuan", sa.BigInteger(), nullable=True),
        sa.Column("solution", sa.Text(), nullable=False),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name=op.f("fk_demand_upload_id")),
        sa.PrimaryKeyConstraint("demand_id", "version", name=op.f("pk_demand")),
    )
    op.create_index("ix_demand_upload_id", "demand", ["upload_id"])
    op.create_table(
        "achievement",
        sa.Column("achievement_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("source_row", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("institute", sa.Text(), nullable=False),
        sa.Column("completers", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("maturity", sa.Text(), nullable=False),
        sa.Column("ip_kind", sa.Text(), nullable=False),
        sa.Column("ip_numbers", sa.Text(), nullable=False),
        sa.Column("funding", sa.Text(), nullable=False),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("conversion_deadline", sa.Date(), nullable=True),
        sa.Column("exempt", sa.Boolean(), nullable=False),
        sa.Column("transfer_ways", sa.Text(), nullable=False),
        sa.Column("price_yuan", sa.BigInteger(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name=op.f("fk_achievement_upload_id")),
        sa.PrimaryKeyConstraint("achievement_id", "version", name=op.f("pk_achievement")),
    )
    op.create_index("ix_achievement_upload_id", "achievement", ["upload_id"])
    op.create_table(
        "record_field",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("taxonomy", sa.String(length=60), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("basis", sa.String(length=20), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.CheckConstraint("kind IN ('demands', 'achievements')", name=op.f("ck_record_field_kind")),
        sa.PrimaryKeyConstraint("kind", "record_id", "version", "taxonomy", "code", name=op.f("pk_record_field")),
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("top", sa.Integer(), nullable=False),
        sa.Column("demands", sa.Integer(), nullable=False),
        sa.Column("achievements", sa.Integer(), nullable=False),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run")),
    )
    op.create_table(
        "candidate",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("demand_id", sa.String(length=200), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("achievement_id", sa.String(length=200), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("character_part", sa.Float(), nullable=False),
        sa.Column("word_part", sa.Float(), nullable=False),
        sa.Column("field_part", sa.Float(), nullable=False),
        sa.Column("text_score", sa.Float(), nullable=False),
        sa.Column("field_score", sa.Float(), nullable=False),
        sa.Column("shared_terms", sa.JSON(), nullable=False),
        sa.Column("other_terms", sa.Float(), nullable=False),
        sa.Column("shared_fields", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_candidate_run_id")),
        sa.PrimaryKeyConstraint("run_id", "demand_id", "rank", name=op.f("pk_candidate")),
        sa.UniqueConstraint(
            "run_id", "demand_id", "achievement_id", name=op.f("uq_candidate_run_id_demand_id_achievement_id")
        ),
    )
    op.create_table(
        "decision",
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("demand_id", sa.String(length=200), nullable=False),
        sa.Column("achievement_id", sa.String(length=200), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Integer(), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("verdict IN ('accept', 'reject', 'later', 'undone')", name=op.f("ck_decision_verdict")),
        sa.ForeignKeyConstraint(["corrects"], ["decision.decision_id"], name=op.f("fk_decision_corrects")),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_decision_run_id")),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decision")),
        sa.UniqueConstraint("corrects", name=op.f("uq_decision_corrects")),
        sa.UniqueConstraint(
            "demand_id",
            "achievement_id",
            "agent",
            "nonce",
            name=op.f("uq_decision_demand_id_achievement_id_agent_nonce"),
        ),
    )
    op.create_index("ix_decision_pair", "decision", ["demand_id", "achievement_id", "decision_id"])
    op.create_table(
        "deal",
        sa.Column("deal_id", sa.Integer(), nullable=False),
        sa.Column("demand_id", sa.String(length=200), nullable=False),
        sa.Column("achievement_id", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("deal_id", name=op.f("pk_deal")),
        sa.UniqueConstraint("demand_id", "achievement_id", name=op.f("uq_deal_demand_id_achievement_id")),
    )
    op.create_table(
        "deal_event",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("deal_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "state IN ('recommended', 'contacted', 'negotiating', 'signed', 'registered', 'industrialised', 'ended')",
            name=op.f("ck_deal_event_state"),
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["deal.deal_id"], name=op.f("fk_deal_event_deal_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.decision_id"], name=op.f("fk_deal_event_decision_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_deal_event")),
    )
    op.create_index("ix_deal_event_deal_id", "deal_event", ["deal_id"])
    for table in APPEND_ONLY:
        _refuse_changes(table)


def _refuse_changes(table: str) -> None:
    """Triggers that refuse UPDATE and DELETE, in the words of either database."""
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    else:
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_changes() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_changes()"
        )
