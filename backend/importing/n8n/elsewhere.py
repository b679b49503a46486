"""n8n's nodes without a counterpart: what to use instead, and which of them give many items."""

from backend.importing.n8n.flow import Flow
from trestle.contracts.base import JsonObject

_BASE = "n8n-nodes-base."
_REQUEST = "Use an HTTP request"
_DATABASE = "There is no node for databases. Let a service of yours answer an HTTP request, or write a node of your own."
_MODEL = f"{_REQUEST} to the model's API, such as POST https://api.openai.com/v1/chat/completions with a credential of the kind bearer."
_GOOGLE = f"{_REQUEST} to Google's API, with an OAuth2 credential"
_FILES = "Executors have no files of their own. Fetch the file by an HTTP request that reads the answer as a blob."
_PYTHON = "Use Python code."

_INSTEAD = {
    "slack": f"{_REQUEST}: POST https://slack.com/api/chat.postMessage, body {{channel, text}}, with a credential of the kind bearer.",
    "discord": f"{_REQUEST}: POST to the channel's webhook address, body {{content}}.",
    "telegram": f"{_REQUEST}: POST https://api.telegram.org/bot<token>/sendMessage, body {{chat_id, text}}.",
    "mattermost": f"{_REQUEST}: POST to an incoming webhook's address, body {{text}}.",
    "microsoftTeams": f"{_REQUEST}: POST to an incoming webhook's address, body {{text}}.",
    "emailSend": f"Notify tells members of the project. For all others: {_REQUEST[0].lower()}{_REQUEST[1:]} to your mail service's API.",
    "gmail": f"{_GOOGLE}: https://gmail.googleapis.com/gmail/v1/users/me/messages. Notify tells members of the project.",
    "googleSheets": f"{_GOOGLE}: https://sheets.googleapis.com/v4/spreadsheets.",
    "googleDrive": f"{_GOOGLE}: https://www.googleapis.com/drive/v3/files.",
    "googleCalendar": f"{_GOOGLE}: https://www.googleapis.com/calendar/v3/calendars.",
    "github": f"{_REQUEST} to https://api.github.com, with a credential of the kind bearer.",
    "notion": f"{_REQUEST} to https://api.notion.com/v1, with a credential of the kind bearer.",
    "airtable": f"{_REQUEST} to https://api.airtable.com/v0, with a credential of the kind bearer.",
    "openAi": _MODEL,
    "rssFeedRead": "An HTTP request fetches the feed; Python code picks out what you need.",
    "rssFeedReadTrigger": "A Schedule starts the workflow, an HTTP request fetches the feed, and Remove duplicates (against earlier "
    "executions) leaves what is new.",
    "dateTime": "Use Set fields with the filters date and shift, such as {{ now|shift(days=-1)|date('%Y-%m-%d') }}.",
    "crypto": f"{_PYTHON} It has hashlib and base64.",
    "renameKeys": "Use Set fields: a name and a value each.",
    "compareDatasets": f"{_PYTHON} nodes['…'] is a node's output.",
    "graphql": f"{_REQUEST}: POST, body {{query, variables}}.",
    "splitInBatches": "Nodes run for each item of a list themselves: “Run for each item of a list”.",
    "executeCommand": "Workflows run no commands on the host. Let a service of yours answer an HTTP request.",
    "ssh": "Workflows run no commands on hosts. Let a service of yours answer an HTTP request.",
    "readWriteFile": _FILES,
    "readBinaryFile": _FILES,
    "readBinaryFiles": _FILES,
    "writeBinaryFile": "Executors have no files of their own. Send the data somewhere by an HTTP request.",
    "html": f"{_PYTHON} It has re.",
    "htmlExtract": f"{_PYTHON} It has re.",
    "xml": f"{_PYTHON} It has re.",
    "markdown": _PYTHON,
    "spreadsheetFile": f"{_PYTHON} It has csv.",
    "extractFromFile": f"{_PYTHON} It has csv and json.",
    "convertToFile": f"{_PYTHON} It has csv and json.",
    **dict.fromkeys(("postgres", "mySql", "microsoftSql", "mongoDb", "redis", "snowflake", "supabase", "questDb", "crateDb"), _DATABASE),
    "form": "Use Approval, or Wait for a call: a form of yours can send it.",
    "formTrigger": "Use a Webhook: a form of yours can call it.",
    "emailReadImap": "Let the mail service call a Webhook.",
    "gmailTrigger": "Let the mail service call a Webhook, or ask it on a Schedule by an HTTP request.",
    "telegramTrigger": "Use a Webhook, and tell Telegram its address (setWebhook).",
    "slackTrigger": "Use a Webhook, and give Slack its address under Event Subscriptions.",
    "githubTrigger": "Use a Webhook with the scheme github.",
    "stripeTrigger": "Use a Webhook with the scheme stripe.",
}
_MANY = frozenset({"rssFeedRead", "spreadsheetFile", "readBinaryFiles", "extractFromFile", "emailReadImap", "compareDatasets"})
_TABLES = ("googleSheets", "postgres", "mySql", "microsoftSql", "airtable", "snowflake")
_READING = {"read", "lookup", "getAll", "getMany", "get_all", "list", "search", "select", "executeQuery", "find", "getRows", "readRows"}
"""Operations that give many items. Some nodes do the first of them where none is named."""
_USUAL = {"googleSheets": "read", "airtable": "read"}


def instead_of(kind: str) -> str:
    """What to use instead of a node of this type there, as a sentence."""
    name = _short(kind)
    if name in _INSTEAD:
        return _INSTEAD[name]
    if "langchain" in kind:
        return _MODEL
    if name.endswith("Trigger"):
        return "Use a Webhook if the service can call one, else a Schedule and an HTTP request."
    if kind.startswith(_BASE):
        return f"{_REQUEST} to the service's API."
    return "Put another node there."


def flow_of(kind: str, title: str, parameters: JsonObject, taken: Flow) -> Flow:
    """What leaves such a node: many items where it reads a table or the like, or where many come in."""
    name = _short(kind)
    operation = str(parameters.get("operation", _USUAL.get(name)))
    reads = operation in _READING and parameters.get("limit") != 1
    if name in _MANY or reads or parameters.get("returnAll") is True:
        return Flow("plain", "many", origin=title)
    return Flow("plain", "many", origin=title) if taken.amount != "one" else Flow()


def _short(kind: str) -> str:
    return kind.removeprefix(_BASE).removesuffix("Tool").rsplit(".", 1)[-1]
