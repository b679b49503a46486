"""Waits that are answered from outside, blobs, schedules, child executions, notifications; variables, API keys, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


# These are written and pruned all the time. Autovacuum's defaults wait until a fifth of a table is dead: of millions of rows, that is much
# dead weight, and then much work at once. And where a vacuum gives the empty end of a table back it locks everybody out for that while;
# the room is filled again anyway.
_VACUUM, _ANALYZE = "autovacuum_vacuum_scale_factor", "autovacuum_analyze_scale_factor"
_CHURNING = ("executions", "steps", "execution_logs", "blob_chunks")

_APART = """kind = 'run' and (status in ('waiting', 'paused', 'failed', 'cancelled', 'quarantined')
    or status = 'queued' and blocked_on is not null)"""


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "blobs",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("complete", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_blobs_project_id"), "blobs", ["project_id"], unique=False)
    op.create_table(
        "blob_chunks",
        sa.Column("blob_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("blob_id", "place"),
    )
    op.create_table(
        "firings",
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("fire_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workflow_id", "node", "fire_at"),
    )
    op.create_table(
        "listeners",
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workflow_id"),
    )
    op.create_table(
        "memories",
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workflow_id", "node", "mark"),
    )
    op.create_index("memories_by_age", "memories", ["workflow_id", "node", "seen_at"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("workflow_id", sa.Uuid(), nullable=True),
        sa.Column("execution_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "key"),
    )
    op.create_index(op.f("ix_notifications_project_id"), "notifications", ["project_id"], unique=False)
    op.create_index(op.f("ix_notifications_workflow_id"), "notifications", ["workflow_id"], unique=False)
    op.create_index("notifications_of_user", "notifications", ["user_id", sa.literal_column("id desc")], unique=False)
    op.create_index("notifications_unread", "notifications", ["user_id"], unique=False, postgresql_where=sa.text("read_at is null"))
    op.create_table(
        "tallies",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("under_way", sa.Integer(), nullable=False),
        sa.Column("stale", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "at"),
    )
    op.create_index("tallies_by_time", "tallies", ["at"], unique=False)
    op.create_index("tallies_to_count_again", "tallies", ["at"], unique=False, postgresql_where=sa.text("stale or under_way > 0"))
    op.create_table(
        "tallied",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    op.create_table(
        "saved_inputs",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("input", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("workflow_id", "name"),
    )
    op.create_table(
        "blob_uses",
        sa.Column("blob_id", sa.Uuid(), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("blob_id", "execution_id"),
    )
    op.create_index(op.f("ix_blob_uses_execution_id"), "blob_uses", ["execution_id"], unique=False)
    op.create_table(
        "resolutions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("refs", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "resolutions_identity", "resolutions", ["execution_id", "node", "item"], unique=True, postgresql_nulls_not_distinct=True
    )
    op.create_table(
        "webhook_answers",
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("refs", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("execution_id"),
    )
    op.create_table(
        "variables",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("project_id", "name"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("ending", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_hash"),
    )
    op.create_index(op.f("ix_api_keys_project_id"), "api_keys", ["project_id"], unique=False)
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False, comment="address of the account"),
        sa.Column("api_key", sa.Text(), nullable=True, comment="name of the key that was used"),
        sa.Column("address", sa.Text(), nullable=False, comment="from where; empty where nobody knows"),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_of_user", "audit", ["user_id", sa.literal_column("id desc")], unique=False)
    op.create_index("audit_of_action", "audit", ["action", sa.literal_column("id desc")], unique=False)
    op.create_index("audit_by_age", "audit", ["at"], unique=False)
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("last_step", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "code_hash"),
    )
    op.add_column(
        "users",
        sa.Column(
            "two_factor",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="signing in takes a code of their second factor, too",
        ),
    )
    op.add_column("snapshots", sa.Column("reads_vars", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("update snapshots set reads_vars = true where position('vars' in graph::text) > 0")
    op.create_table(
        "oauth2_grants",
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("renewing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("doubtful", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["credential_id"], ["credentials.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("credential_id"),
    )
    op.create_table(
        "oauth2_states",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["credential_id"], ["credentials.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("credential_id", "user_id", "expires_at"):
        op.create_index(op.f(f"ix_oauth2_states_{column}"), "oauth2_states", [column], unique=False)
    op.add_column("credentials", sa.Column("rate_limit", sa.JSON(none_as_null=True), nullable=True))
    op.add_column(
        "executions",
        sa.Column("task", sa.JSON(none_as_null=True), nullable=True, comment="what a poll or a check is asked to do (contracts.jobs)"),
    )
    op.add_column("executions", sa.Column("input_refs", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("executions", sa.Column("output_refs", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("executions", sa.Column("parent_node", sa.Text(), nullable=True))
    op.add_column("executions", sa.Column("parent_item", sa.Integer(), nullable=True))
    op.add_column("executions", sa.Column("parent_waits", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("executions", sa.Column("calls", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("executions", sa.Column("paused_with_caller", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("executions", sa.Column("depth", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("executions", sa.Column("replay_of", sa.Uuid(), nullable=True))
    op.add_column("executions", sa.Column("bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    # What ended before there was settling has nothing left to bring about: no error workflow shall start for it now.
    op.add_column("executions", sa.Column("settled", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.alter_column("executions", "settled", server_default=sa.text("false"))
    op.execute("update executions set settled = false where finished_at is null")
    op.alter_column(
        "executions",
        "kind",
        existing_type=sa.TEXT(),
        comment="run, poll or check; only run shows in history and statistics",
        existing_nullable=False,
        existing_server_default=sa.text("'run'::text"),
    )
    op.create_index("executions_jobs", "executions", ["workflow_id", "id"], unique=False, postgresql_where=sa.text("kind <> 'run'"))
    op.create_index(
        "executions_children",
        "executions",
        ["parent_id", "parent_node", "parent_item"],
        unique=False,
        postgresql_where=sa.text("parent_id is not null"),
    )
    for column, name in (("retry_of", "retries"), ("replay_of", "replays")):
        op.create_index(f"executions_{name}", "executions", [column, "id"], unique=False, postgresql_where=sa.text(f"{column} is not null"))
    for column, name in (("workflow_id", "workflow"), ("project_id", "project")):
        op.drop_index(f"executions_of_{name}", table_name="executions")
        op.create_index(f"executions_of_{name}", "executions", [column, "id"], unique=False)
        op.create_index(
            f"executions_apart_of_{name}", "executions", [column, "status", "id"], unique=False, postgresql_where=sa.text(_APART)
        )
    op.drop_index("executions_slots", table_name="executions")
    op.create_index(
        "executions_slots",
        "executions",
        ["slot"],
        unique=False,
        postgresql_where=sa.text("slot is not null and blocked_on is null and status in ('queued', 'running', 'paused')"),
    )
    op.create_index("executions_paused", "executions", ["id"], unique=False, postgresql_where=sa.text("status = 'paused'"))
    op.create_index(
        "executions_suspect", "executions", ["id"], unique=False, postgresql_where=sa.text("status = 'queued' and interruptions >= 3")
    )
    for name, statuses in (("executions_done", "'succeeded', 'cancelled'"), ("executions_failed", "'failed', 'quarantined'")):
        op.create_index(
            name, "executions", ["workflow_id", "finished_at"], unique=False, postgresql_where=sa.text(f"status in ({statuses})")
        )
    op.create_index(
        "executions_unsettled",
        "executions",
        ["id"],
        unique=False,
        postgresql_where=sa.text("finished_at is not null and not settled and (parent_waits or calls or status <> 'succeeded')"),
    )
    op.add_column(
        "executors",
        sa.Column("lane", sa.Text(), server_default="main", nullable=False, comment="main, or quarantine: one suspect at a time"),
    )
    op.add_column(
        "executors",
        sa.Column(
            "credential_types", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False, comment="those that it can test"
        ),
    )
    op.add_column("steps", sa.Column("refs", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("steps", sa.Column("items", sa.JSON(), nullable=True))
    op.add_column("steps", sa.Column("token", sa.Text(), nullable=True))
    op.add_column("triggers", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("triggers", sa.Column("state", sa.JSON(), nullable=True))
    op.add_column("triggers", sa.Column("poll_every_s", sa.Float(), nullable=True))
    op.add_column("triggers", sa.Column("poll_id", sa.Uuid(), nullable=True))
    op.add_column("triggers", sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("triggers", sa.Column("error", sa.JSON(none_as_null=True), nullable=True))
    op.create_index("triggers_due", "triggers", ["due_at"], unique=False, postgresql_where=sa.text("due_at is not null"))
    op.create_index("triggers_of_kind", "triggers", ["kind"], unique=False)
    for table in _CHURNING:
        op.execute(f"alter table {table} set ({_VACUUM} = 0.02, {_ANALYZE} = 0.02, vacuum_truncate = off)")


def downgrade() -> None:
    """Back."""
    for table in ("executions", "steps", "execution_logs"):
        op.execute(f"alter table {table} reset ({_VACUUM}, {_ANALYZE}, vacuum_truncate)")
    op.drop_index("triggers_of_kind", table_name="triggers")
    op.drop_index("triggers_due", table_name="triggers", postgresql_where=sa.text("due_at is not null"))
    op.drop_column("triggers", "error")
    op.drop_column("triggers", "failures")
    op.drop_column("triggers", "poll_id")
    op.drop_column("triggers", "poll_every_s")
    op.drop_column("triggers", "state")
    op.drop_column("triggers", "due_at")
    op.drop_column("steps", "token")
    op.drop_column("steps", "items")
    op.drop_column("steps", "refs")
    op.drop_column("executors", "credential_types")
    op.drop_column("executors", "lane")
    op.drop_index(
        "executions_unsettled",
        table_name="executions",
        postgresql_where=sa.text("finished_at is not null and not settled and (parent_waits or calls or status <> 'succeeded')"),
    )
    for column, name in (("workflow_id", "workflow"), ("project_id", "project")):
        op.drop_index(f"executions_apart_of_{name}", table_name="executions")
        op.drop_index(f"executions_of_{name}", table_name="executions")
        op.create_index(f"executions_of_{name}", "executions", [column, sa.literal_column("id desc")], unique=False)
    for column, name in (("retry_of", "retries"), ("replay_of", "replays")):
        op.drop_index(f"executions_{name}", table_name="executions", postgresql_where=sa.text(f"{column} is not null"))
    op.drop_index("executions_jobs", table_name="executions", postgresql_where=sa.text("kind <> 'run'"))
    op.drop_index("executions_failed", table_name="executions", postgresql_where=sa.text("status in ('failed', 'quarantined')"))
    op.drop_index("executions_done", table_name="executions", postgresql_where=sa.text("status in ('succeeded', 'cancelled')"))
    op.drop_index("executions_paused", table_name="executions", postgresql_where=sa.text("status = 'paused'"))
    op.drop_index("executions_suspect", table_name="executions")
    op.drop_index("executions_slots", table_name="executions")
    op.create_index(
        "executions_slots",
        "executions",
        ["slot"],
        unique=False,
        postgresql_where=sa.text("status = 'running' and slot is not null"),
    )
    op.drop_index("executions_children", table_name="executions", postgresql_where=sa.text("parent_id is not null"))
    op.alter_column(
        "executions",
        "kind",
        existing_type=sa.TEXT(),
        comment=None,
        existing_comment="run, poll or check; only run shows in history and statistics",
        existing_nullable=False,
        existing_server_default=sa.text("'run'::text"),
    )
    op.drop_column("executions", "settled")
    op.drop_column("executions", "bytes")
    op.drop_column("executions", "replay_of")
    op.drop_column("executions", "depth")
    op.drop_column("executions", "paused_with_caller")
    op.drop_column("executions", "calls")
    op.drop_column("executions", "parent_waits")
    op.drop_column("executions", "parent_item")
    op.drop_column("executions", "parent_node")
    op.drop_column("executions", "output_refs")
    op.drop_column("executions", "input_refs")
    op.drop_column("executions", "task")
    op.drop_column("credentials", "rate_limit")
    op.drop_table("oauth2_states")
    op.drop_table("oauth2_grants")
    op.drop_column("snapshots", "reads_vars")
    op.drop_column("users", "two_factor")
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")
    op.drop_table("audit")
    op.drop_table("api_keys")
    op.drop_table("variables")
    op.drop_table("webhook_answers")
    op.drop_index("resolutions_identity", table_name="resolutions", postgresql_nulls_not_distinct=True)
    op.drop_table("resolutions")
    op.drop_index(op.f("ix_blob_uses_execution_id"), table_name="blob_uses")
    op.drop_table("blob_uses")
    op.drop_table("saved_inputs")
    op.drop_table("tallied")
    op.drop_index("tallies_to_count_again", table_name="tallies", postgresql_where=sa.text("stale or under_way > 0"))
    op.drop_index("tallies_by_time", table_name="tallies")
    op.drop_table("tallies")
    op.drop_index("notifications_unread", table_name="notifications", postgresql_where=sa.text("read_at is null"))
    op.drop_index("notifications_of_user", table_name="notifications")
    op.drop_index(op.f("ix_notifications_workflow_id"), table_name="notifications")
    op.drop_index(op.f("ix_notifications_project_id"), table_name="notifications")
    op.drop_table("notifications")
    op.drop_index("memories_by_age", table_name="memories")
    op.drop_table("memories")
    op.drop_table("listeners")
    op.drop_table("firings")
    op.drop_table("blob_chunks")
    op.drop_index(op.f("ix_blobs_project_id"), table_name="blobs")
    op.drop_table("blobs")
