"""`/users`."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Form
from fastapi.security import OAuth2PasswordRequestForm
from starlette.requests import Request

from backend import models
from backend.deps import CurrentUser, ServicesDep, Session, caller_address, public
from backend.paging import PagingDep
from backend.routing import router as new_router
from backend.users import enrolment, service, sessions
from trestle.contracts.base import Page
from trestle.contracts.users import (
    Invitation,
    NewInvitation,
    NewUser,
    PasswordChange,
    RecoveryCodes,
    RefreshRequest,
    Registration,
    Tokens,
    TotpEnrolment,
    TotpProof,
    TotpRequest,
    TotpState,
    TotpVerification,
    User,
    UserAdministration,
    UserChange,
)

router = new_router("/users", tag="users")


@router.post("/register", status_code=201, dependencies=[Depends(public)], response_model=User)
async def register(parts: ServicesDep, request: Request, body: NewUser) -> models.User:
    """Sign up. The first user owns the instance; later ones need an invitation unless registration is open."""
    return await service.register(parts, body, caller_address(request))


@router.get("/registration", dependencies=[Depends(public)])
async def registration(parts: ServicesDep) -> Registration:
    """Whether somebody without an invitation may sign up, for the sign-in page."""
    return await service.registration(parts)


@router.post("/login", dependencies=[Depends(public)])
async def login(
    parts: ServicesDep,
    request: Request,
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    totp_code: Annotated[str, Form(max_length=64)] = "",
) -> Tokens:
    """Sign in with address and password (OAuth2 password form).

    Where two-factor sign-in is on, `totp_code` is the code from the app or a recovery code. Without it a right password answers 401
    with the problem type `urn:trestle:second-factor-required`, and with a wrong one `urn:trestle:second-factor-wrong`.
    """
    return await sessions.sign_in(parts, form.username, form.password, caller_address(request), totp_code)


@router.post("/refresh", dependencies=[Depends(public)])
async def refresh(parts: ServicesDep, body: RefreshRequest) -> Tokens:
    """A new pair of tokens for a refresh token, which is spent."""
    return await sessions.refresh(parts, body.refresh_token)


@router.post("/logout", status_code=204, dependencies=[Depends(public)])
async def logout(parts: ServicesDep, body: RefreshRequest) -> None:
    """End the session that a refresh token belongs to."""
    await sessions.sign_out(parts, body.refresh_token)


@router.get("/me", response_model=User)
async def me(user: CurrentUser) -> models.User:
    """Who is calling."""
    return user


@router.patch("/me", response_model=User)
async def change_me(session: Session, user: CurrentUser, body: UserChange) -> models.User:
    """Change one's own account."""
    return await service.change(session, user, body)


@router.post("/me/password", status_code=204)
async def change_password(parts: ServicesDep, session: Session, request: Request, user: CurrentUser, body: PasswordChange) -> None:
    """Change one's own password. Every session but that of `refresh_token` ends at once."""
    await service.change_password(session, parts, user, body, caller_address(request))


@router.post("/me/sessions/end", status_code=204)
async def end_sessions(session: Session, user: CurrentUser, body: RefreshRequest) -> None:
    """Sign out everywhere else: every session but that of this refresh token ends at once."""
    await service.end_other_sessions(session, user, body)


@router.get("/me/totp")
async def two_factor(session: Session, user: CurrentUser) -> TotpState:
    """Whether one's own two-factor sign-in is on."""
    return await enrolment.state(session, user)


@router.post("/me/totp", status_code=201)
async def enrol(parts: ServicesDep, session: Session, request: Request, user: CurrentUser, body: TotpRequest) -> TotpEnrolment:
    """A secret for an authenticator app. Two-factor sign-in is on once a code from the app is verified."""
    return await enrolment.enrol(parts, session, user, body, caller_address(request))


@router.post("/me/totp/verify")
async def verify(parts: ServicesDep, session: Session, request: Request, user: CurrentUser, body: TotpVerification) -> RecoveryCodes:
    """Switch two-factor sign-in on with the first code. Every session but that of `refresh_token` ends at once."""
    return await enrolment.activate(parts, session, user, body, caller_address(request))


@router.post("/me/totp/recovery-codes", status_code=201)
async def renew_recovery_codes(parts: ServicesDep, session: Session, request: Request, user: CurrentUser, body: TotpProof) -> RecoveryCodes:
    """New recovery codes; the old ones end."""
    return await enrolment.renew_recovery_codes(parts, session, user, body, caller_address(request))


@router.delete("/me/totp", status_code=204)
async def switch_two_factor_off(parts: ServicesDep, session: Session, request: Request, user: CurrentUser, body: TotpProof) -> None:
    """Switch one's own two-factor sign-in off."""
    await enrolment.switch_off(parts, session, user, body, caller_address(request))


@router.get("")
async def everyone(session: Session, user: CurrentUser, paging: PagingDep, email: str | None = None) -> Page[User]:
    """Everybody, newest first, for owners and admins. The one with this `email`: for everybody, to make them a member of a project."""
    items, cursor = await service.everyone(session, user, paging, email)
    return Page(items=items, next_cursor=cursor)


@router.post("/invitations", status_code=201)
async def invite(parts: ServicesDep, session: Session, user: CurrentUser, body: NewInvitation) -> Invitation:
    """Let somebody sign up. The link is for them to open; nothing is sent."""
    return await service.invite(parts, session, user, body)


@router.patch("/{user_id}", response_model=User)
async def administer(session: Session, user: CurrentUser, user_id: UUID, body: UserAdministration) -> models.User:
    """Change somebody's role, or whether they may sign in; `two_factor: false` for who lost their second factor."""
    return await service.administer(session, user, user_id, body)
