"""Users, their sessions and tokens, and the settings document."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from infrastructure.persistence.tables.metadata import METADATA
from infrastructure.persistence.tables.platform import SEQUENCE
from infrastructure.persistence.types import Instant, JsonText

users = Table(
    "users",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("owner_id", Text, nullable=False),
    Column("username", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("token_version", Integer, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("last_login_at", Instant),
    Column("totp_salt", Text),
    Column("totp_confirmed_at", Instant),
    Column("totp_last_step", SEQUENCE, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_users_owner_id_id", "owner_id", "id"),
)

sessions = Table(
    "sessions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("authenticated_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("address", Text),
    Column("user_agent", Text),
    Column("revoked_at", Instant),
    Column("revoke_reason", Text),
    Index("ix_sessions_user_id_id", "user_id", "id"),
    Index("ix_sessions_expires_at", "expires_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("session_id", Text, ForeignKey("sessions.id"), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_refresh_tokens_session_id", "session_id"),
)

api_tokens = Table(
    "api_tokens",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("scopes", JsonText, nullable=False),
    Column("addresses", JsonText, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    Index("ix_api_tokens_user_id_id", "user_id", "id"),
)

service_settings = Table(
    "service_settings",
    METADATA,
    Column("owner_id", Text, primary_key=True),
    Column("document", JsonText, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
)
