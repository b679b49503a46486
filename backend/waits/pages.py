"""The pages that people see who follow a link to an approval. One file of HTML each: nothing is loaded, and the one script, which tells
times in the zone of whoever looks, is named by its hash."""

import base64
import hashlib
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus

from starlette.responses import HTMLResponse

from backend.waits.service import Question
from trestle.contracts.base import JsonObject

_STYLE = """
:root { color-scheme: light dark; --page: #f9f9fb; --card: #fff; --line: #e0e1e6; --edge: #b9bbc6; --text: #1c2024; --soft: #60646c;
  --green: #1a7f4b; --red: #c0362c; --green-ink: #1a7f4b; --red-ink: #c0362c; --field: #fff; --sign: #5b5bd6; }
@media (prefers-color-scheme: dark) { :root { --page: #111113; --card: #18191b; --line: #2e3135; --edge: #5a6169; --text: #edeef0;
  --soft: #b0b4ba; --green: #1f7a4d; --red: #b93b31; --green-ink: #3dd68c; --red-ink: #ff9592; --field: #111113; --sign: #7b7be6; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 34rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 2rem;
  box-shadow: 0 8px 30px rgb(0 0 0 / 8%); }
.from { display: flex; align-items: center; gap: .5rem; margin: 0 0 .75rem; color: var(--soft); font-size: .875rem;
  overflow-wrap: anywhere; }
.from svg { flex: none; color: var(--sign); }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
.message { margin: 0 0 1.5rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.until, .comment { color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; white-space: pre-wrap; }
label { display: block; margin: 0 0 1rem; font-size: .9rem; color: var(--soft); }
input, textarea { display: block; width: 100%; margin-top: .3rem; padding: .6rem .7rem; border: 1px solid var(--edge); border-radius: 8px;
  background: var(--field); color: var(--text); font: inherit; resize: vertical; }
.choice { display: flex; gap: .75rem; flex-wrap: wrap; }
button { flex: 1 1 9rem; padding: .75rem 1rem; border-radius: 9px; border: 1.5px solid; background: transparent; font: inherit;
  font-weight: 600; cursor: pointer; }
.approve { color: var(--green-ink); border-color: var(--green); } .reject { color: var(--red-ink); border-color: var(--red); }
.approve.first { background: var(--green); color: #fff; } .reject.first { background: var(--red); color: #fff; }
button:focus-visible, input:focus-visible, textarea:focus-visible { outline: 2px solid var(--sign); outline-offset: 1px; }
.mark { display: inline-block; margin: 0 0 1rem; padding: .2rem .7rem; border-radius: 99px; font-size: .85rem; font-weight: 600;
  color: #fff; background: #60646c; } .mark.approved { background: var(--green); } .mark.rejected { background: var(--red); }
@media (max-width: 26rem) { main { padding: 1.4rem 1.15rem; } h1 { font-size: 1.3rem; } }
"""

_POLICY = "default-src 'none'; style-src {style}; script-src {script}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
# The browser knows the zone of whoever looks; without scripts the times stay in UTC, and say so.
_SCRIPT = """
for (const time of document.querySelectorAll("time")) {
  const at = new Date(time.dateTime);
  time.title = at.toLocaleString("en-GB", { dateStyle: "full", timeStyle: "long" });
  time.textContent = at.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
}
"""
_SIGN = (
    '<svg width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    '<path d="M2 5.5h20M8.5 5.5 4.5 20M15.5 5.5l4 14.5M8.5 5.5l8.9 7M15.5 5.5l-8.9 7M6.6 12.5h10.8"/></svg>'
)


def asking(question: Question, preferred: str | None) -> HTMLResponse:
    """The question with its two buttons. `preferred`: the decision whose link was followed; it decides nothing."""
    rejecting = preferred == "rejected"
    until = f'<p class="until">Open until {_moment(question.until)}.</p>' if question.until else ""
    buttons = [
        f'<button class="approve{"" if rejecting else " first"}" name="decision" value="approved">Approve</button>',
        f'<button class="reject{" first" if rejecting else ""}" name="decision" value="rejected">Reject</button>',
    ]
    form = f"""<form method="post">
<label>Comment (optional)<textarea name="comment" rows="3" maxlength="5000"></textarea></label>
<label>Your name (optional)<input name="name" maxlength="200" autocomplete="name"></label>
<div class="choice">{"".join(buttons)}</div>
</form>"""
    return page(question.title, _head(question) + until + form, HTTPStatus.OK)


def decided(question: Question, status: HTTPStatus = HTTPStatus.OK) -> HTMLResponse:
    """What was decided, by whom and when; or that the question is closed."""
    if question.decided is None:
        mark = '<p class="mark">Closed</p>'
        told = "<p>Nobody waits for this any more: its time ran out, or its execution has ended.</p>"
    else:
        decision = "approved" if question.decided.get("decision") == "approved" else "rejected"
        comment = question.decided.get("comment")
        mark = f'<p class="mark {decision}">{decision.title()}</p>'
        told = f"<p>{_told(question.decided)}</p>"
        told += f'<p class="comment">“{escape(str(comment))}”</p>' if comment else ""
    return page(question.title, mark + _head(question) + told, status)


def said(title: str, detail: str, status: int) -> HTMLResponse:
    """Something that went wrong, in words."""
    return page(title, f"<h1>{escape(title)}</h1><p>{escape(detail)}</p>", status)


def _told(decided: JsonObject) -> str:
    by = f" by {escape(str(decided['by']))}" if decided.get("by") else ""
    try:
        at = f" on {_moment(datetime.fromisoformat(str(decided.get('at'))))}"
    except ValueError:
        at = ""
    return f"This was {escape(str(decided.get('decision', 'answered')))}{by}{at}."


def _moment(at: datetime) -> str:
    return f'<time datetime="{escape(at.isoformat())}">{at.astimezone(UTC):%-d %B %Y, %H:%M UTC}</time>'


def _head(question: Question) -> str:
    workflow = f'<p class="from">{_SIGN}<span>{escape(question.workflow or "Trestle")}</span></p>'
    message = f'<p class="message">{escape(question.message)}</p>' if question.message else ""
    return f"{workflow}<h1>{escape(question.title)}</h1>{message}"


def page(title: str, body: str, status: int, script: str = _SCRIPT) -> HTMLResponse:
    """A page of this look. `body` is HTML; `script` is the only one that runs."""
    policy = _POLICY.format(style=_hash(_STYLE), script=_hash(script))
    html = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Trestle</title><style>{_STYLE}</style></head>
<body><main>{body}</main><script>{script}</script></body></html>
"""
    return HTMLResponse(html, status, {"Content-Security-Policy": policy, "X-Robots-Tag": "noindex"})


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
