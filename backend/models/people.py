"""Who there is, and what they share."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, made_id, made_now, one_of
from trestle.contracts.users import ProjectRole, Role


class User(Base):
    """A person."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint(one_of("role", Role)),)

    id: Mapped[UUID] = made_id()
    email: Mapped[str] = mapped_column(CITEXT(), unique=True)
    name: Mapped[str]
    password_hash: Mapped[bytes]
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    two_factor: Mapped[bool] = mapped_column(server_default=text("false"), comment="signing in takes a code of their second factor, too")
    created_at: Mapped[datetime] = made_now()

    @property
    def confined_to(self) -> UUID | None:
        """The one project that they see in this request: that of the API key with which it came. Not stored."""
        return getattr(self, "_confined_to", None)

    def confine(self, project_id: UUID) -> None:
        """Let them see this project only, for the rest of the request."""
        self._confined_to = project_id


class RefreshToken(Base):
    """A refresh token, by the hash of it. All that descend from one log-in are a family, and end together when one is used twice."""

    __tablename__ = "refresh_tokens"

    id: Mapped[UUID] = made_id()
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    family: Mapped[UUID] = mapped_column(index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = made_now()
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SecondFactor(Base):
    """The secret that a user shares with their authenticator app, encrypted; `user` stands inside the ciphertext too.

    It counts once `User.two_factor` says so: until then it is on offer. `last_step` is the newest time step whose code was taken.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    ciphertext: Mapped[bytes]
    key_id: Mapped[str]
    last_step: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = made_now()


class RecoveryCode(Base):
    """A code that stands in for the app's, by the hash of it; gone when it is used."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)


class LoginFailure(Base):
    """How often log-in failed for one account from one address, for the backoff."""

    __tablename__ = "login_failures"

    account: Mapped[str] = mapped_column(CITEXT(), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]


class Project(Base):
    """Holds workflows and credentials. A personal one belongs to `personal_of` alone."""

    __tablename__ = "projects"

    id: Mapped[UUID] = made_id()
    name: Mapped[str]
    personal_of: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    created_at: Mapped[datetime] = made_now()


class Membership(Base):
    """A user's role in a project."""

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint(one_of("role", ProjectRole)),)

    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str]
    labels: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
