"""What people see when a provider sends them back: a small page that tells the window that opened it, and closes itself."""

import json
from html import escape
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from backend.credentials.oauth2.service import Connected
from backend.waits.pages import page

SOURCE = "trestle-oauth2"
"""What the page calls itself in its message."""


def connected(done: Connected, web_url: str) -> HTMLResponse:
    """It worked. Says whose credential got whose account: whoever finds that it is not their own can withdraw it at the provider."""
    account = f"The account <strong>{escape(done.account)}</strong>" if done.account else "The account"
    body = (
        f'<p class="mark approved">Connected</p><h1>{escape(done.name)}</h1>'
        f"<p>{account} is connected to this credential of {escape(done.by)}. You can close this window.</p>"
        '<p class="until">If you did not begin this in Trestle yourself, withdraw Trestle’s access in the account’s settings.</p>'
    )
    told = {"source": SOURCE, "ok": True, "credential_id": str(done.credential_id)}
    return page(done.name, body, 200, script=_tell(told, web_url) + "setTimeout(()=>{if(window.opener)window.close()},900);")


def refused(detail: str, status: int, web_url: str) -> HTMLResponse:
    """It did not work, in words. Stays open."""
    title = "The credential was not connected"
    body = f'<p class="mark rejected">Not connected</p><h1>{escape(title)}</h1><p>{escape(detail)}</p>'
    return page(title, body, status, script=_tell({"source": SOURCE, "ok": False, "message": detail}, web_url))


def _tell(message: dict[str, object], web_url: str) -> str:
    """A script that tells the opener, where that is a page of this Trestle's web interface."""
    parts = urlsplit(web_url)
    origin = json.dumps(f"{parts.scheme}://{parts.netloc}").replace("<", "\\u003c")
    return f"if(window.opener)window.opener.postMessage({json.dumps(message).replace('<', chr(92) + 'u003c')},{origin});"
