"""Uploads with their originals and institutes, taken back as a whole; what is said of records; remembered choices."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NEW_TABLES = (
    "original",
    "upload_reversal",
    "upload_repeat",
    "record_quality",
    "record_mark",
    "near_pair",
    "column_choice",
    "organisation_name",
)


def upgrade() -> None:
    """Add the columns and the tables.

    Files loaded before have no original, no institute and no sheet; their records have no extras and no quality yet.
    """
    for table in ("demand", "achievement"):
        op.add_column(table, sa.Column("source_sheet", sa.Text(), nullable=False, server_default=""))
        op.add_column(table, sa.Column("extras", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("upload", sa.Column("refused", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("upload", sa.Column("missing", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("upload", sa.Column("institute", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "original",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_original")),
    )
    op.create_table(
        "upload_reversal",
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name=op.f("fk_upload_reversal_upload_id")),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_upload_reversal")),
    )
    op.create_table(
        "upload_repeat",
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _kinds("upload_repeat"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name=op.f("fk_upload_repeat_upload_id")),
        sa.PrimaryKeyConstraint("upload_id", "record_id", name=op.f("pk_upload_repeat")),
    )
    op.create_index("ix_upload_repeat_record", "upload_repeat", ["kind", "record_id", "version"])
    op.create_table(
        "record_quality",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rules", sa.String(length=16), nullable=False),
        sa.Column("quality", sa.Integer(), nullable=False),
        sa.Column("vague", sa.Boolean(), nullable=False),
        sa.Column("lacks", sa.JSON(), nullable=False),
        _kinds("record_quality"),
        sa.PrimaryKeyConstraint("kind", "record_id", "version", "rules", name=op.f("pk_record_quality")),
    )
    op.create_table(
        "record_mark",
        sa.Column("mark_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.String(length=200), nullable=False),
        sa.Column("mark", sa.String(length=20), nullable=False),
        sa.Column("other", sa.String(length=200), nullable=True),
        sa.Column("upload_id", sa.Integer(), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        _kinds("record_mark"),
        sa.CheckConstraint(
            "mark IN ('missing', 'present', 'gone', 'kept', 'merged', 'split', 'distinct')",
            name=op.f("ck_record_mark_mark"),
        ),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name=op.f("fk_record_mark_upload_id")),
        sa.PrimaryKeyConstraint("mark_id", name=op.f("pk_record_mark")),
    )
    op.create_index("ix_record_mark_upload_id", "record_mark", ["upload_id"])
    op.create_index("ix_record_mark_record", "record_mark", ["kind", "record_id", "mark_id"])
    op.create_table(
        "near_pair",
        sa.Column("pair_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.String(length=200), nullable=False),
        sa.Column("second_id", sa.String(length=200), nullable=False),
        sa.Column("likeness", sa.Float(), nullable=False),
        sa.Column("title_likeness", sa.Float(), nullable=False),
        sa.Column("text_likeness", sa.Float(), nullable=True),
        sa.Column("same_organisation", sa.Boolean(), nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False),
        _kinds("near_pair"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name=op.f("fk_near_pair_upload_id")),
        sa.PrimaryKeyConstraint("pair_id", name=op.f("pk_near_pair")),
    )
    op.create_index("ix_near_pair_upload_id", "near_pair", ["upload_id"])
    op.create_index("ix_near_pair_pair", "near_pair", ["kind", "first_id", "second_id"])
    op.create_table(
        "column_choice",
        sa.Column("choice_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("institute", sa.Text(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("column_name", sa.String(length=60), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        _kinds("column_choice"),
        sa.PrimaryKeyConstraint("choice_id", name=op.f("pk_column_choice")),
    )
    op.create_table(
        "organisation_name",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("written", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_organisation_name")),
    )
    for table in _NEW_TABLES:
        _refuse_changes(table)


def _kinds(table: str) -> sa.CheckConstraint:
    return sa.CheckConstraint("kind IN ('demands', 'achievements')", name=op.f(f"ck_{table}_kind"))


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
