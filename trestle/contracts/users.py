"""Users, sessions and projects as callers see them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, EmailStr, Field

from trestle.contracts.base import Model, Request


class Role(StrEnum):
    """A user's place in the instance."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class ProjectRole(StrEnum):
    """A member's place in a project. An operator may run and control; a viewer may only look."""

    ADMIN = "admin"
    EDITOR = "editor"
    OPERATOR = "operator"
    VIEWER = "viewer"


def _password(value: str) -> str:
    size = len(value.encode())
    if not 8 <= size <= 72:
        raise ValueError(f"A password has 8 to 72 bytes; this one has {size}.")
    return value


Password = Annotated[str, AfterValidator(_password)]
"""8–72 bytes of UTF-8: bcrypt reads no more, and refuses longer ones."""

TotpCode = Annotated[str, Field(max_length=64)]
"""Six digits from an authenticator app, or a recovery code; spaces and hyphens don't count."""


class NewUser(Request):
    """A person who signs up. After the first, an invitation is needed unless registration is open."""

    email: EmailStr
    password: Password
    name: str = Field(min_length=1, max_length=200)
    invitation_token: str | None = None


class User(Model):
    """A user, without anything secret."""

    id: UUID
    email: str
    name: str
    role: Role
    active: bool
    two_factor: bool = False  # signing in takes a code, too. Web sessions from before there was this don't say
    created_at: datetime


class UserChange(Request):
    """What a user may change of themselves."""

    name: str | None = Field(None, min_length=1, max_length=200)


class UserAdministration(Request):
    """What an owner or admin may change of somebody."""

    role: Role | None = None
    active: bool | None = None
    two_factor: Literal[False] | None = None  # false: they lost their second factor; the password alone lets them in again


class NewInvitation(Request):
    """Lets one person sign up, with this address and role."""

    email: EmailStr
    role: Role = Role.MEMBER


class Invitation(BaseModel):
    """An invitation to hand over: `token` goes into the registration, `url` is a page that does so."""

    id: UUID
    token: str
    url: str
    expires_at: datetime


class Registration(BaseModel):
    """Who may sign up. `first`: nobody has yet, and whoever does owns the instance. `open`: no invitation is needed."""

    first: bool
    open: bool


class RefreshRequest(Request):
    """Trades a refresh token for a new pair; the old one is spent."""

    refresh_token: str


class Tokens(BaseModel):
    """An access token (sent as `Authorization: Bearer`) and the refresh token that renews it. `expires_in` is in seconds."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - OAuth2's word for how the token is sent
    refresh_token: str
    expires_in: int


class PasswordChange(Request):
    """A new password, allowed by the current one. Every session ends but the one of `refresh_token`."""

    current_password: str
    new_password: Password
    refresh_token: str | None = None


class TotpRequest(Request):
    """Asks for a second factor, by the password."""

    current_password: str


class TotpEnrolment(BaseModel):
    """What goes into the authenticator app, by hand (`secret`, base32) or as a QR code (`otpauth_url`). Not active until a code came."""

    secret: str
    otpauth_url: str


class TotpVerification(Request):
    """The first code from the app, which makes the second factor active. Every session ends but the one of `refresh_token`."""

    code: TotpCode
    refresh_token: str | None = None


class TotpProof(Request):
    """Both factors, for a change to the second one. `code` is from the app, or a recovery code, which is spent by it."""

    current_password: str
    code: TotpCode


class TotpState(BaseModel):
    """Whether the second factor is active, and how many recovery codes are left."""

    active: bool
    recovery_codes_left: int


class RecoveryCodes(BaseModel):
    """Each lets its person in once, in place of a code from the app. Shown this once."""

    recovery_codes: list[str]


class Project(Model):
    """What holds workflows and credentials. `role` is the caller's."""

    id: UUID
    name: str
    personal: bool
    role: ProjectRole
    created_at: datetime


class Member(Model):
    """A user in a project. `labels` are what nodes may address besides the role."""

    user_id: UUID
    email: str
    name: str
    role: ProjectRole
    labels: list[str]


class ProjectWhole(Project):
    """A project with its members."""

    members: list[Member]


ProjectName = Annotated[str, Field(min_length=1, max_length=200)]


class NewProject(Request):
    """A project to create; the caller becomes its admin."""

    name: ProjectName


class ProjectChange(Request):
    """What to change; what is left out stays."""

    name: ProjectName | None = None


class MemberChange(Request):
    """A member's place in a project."""

    role: ProjectRole
    labels: list[Annotated[str, Field(min_length=1, max_length=50)]] = Field(default_factory=list, max_length=50)
