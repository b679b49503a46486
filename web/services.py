"""What the handlers of this process share: settings, sessions and the way to the backend. Made once, on first use."""

from dataclasses import dataclass
from functools import cache

from web.backend import Backend
from web.session import Sessions
from web.settings import Settings


@dataclass(frozen=True)
class Services:
    """The process's parts."""

    settings: Settings
    sessions: Sessions
    backend: Backend


@cache
def services() -> Services:
    """The parts of this process. Not touched while the front end is built, which needs no settings.

    Raises `pydantic.ValidationError` where a setting is missing or wrong.
    """
    settings = Settings()
    return Services(settings, Sessions(settings.web_key.get_secret_value().encode()), Backend(settings.backend_url))
