"""The composition root of the browser interface: its pages, and what lies around Reflex."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import reflex as rx
from starlette.types import ASGIApp

from web.access import Viewer, failed
from web.components.alive import alive
from web.components.broken import broken_page
from web.components.connection import lost_connection
from web.editor import execution
from web.editor import state as editor
from web.middleware import Gate
from web.pages import (
    api_keys,
    audit,
    credentials,
    dashboard,
    executions,
    members,
    not_found,
    notifications,
    people,
    schedules,
    settings,
    sign_in,
    templates,
    two_factor,
    variables,
    webhooks,
    workflows,
)
from web.pages.new_workflow import NewWorkflow
from web.routes import routes
from web.services import services
from web.theme import STYLESHEETS


def gated(app: ASGIApp) -> ASGIApp:
    """Reflex's application behind the session check and the headers."""
    return Gate(app, services().sessions)


@asynccontextmanager
async def connections() -> AsyncIterator[None]:
    """Close the connections to the backend when the process ends."""
    yield
    await services().backend.close()


app = rx.App(
    stylesheets=STYLESHEETS,
    head_components=[
        rx.el.script(src="/session.js"),  # before all others: React's are asynchronous, and may else come first
        rx.el.script(src="/copying.js", defer=True),
        rx.el.script(src="/whole.js", defer=True),
        rx.el.link(rel="icon", type="image/svg+xml", href="/truss.svg"),
    ],
    html_lang="en",
    toaster=rx.toast.provider(position="bottom-right", close_button=True, rich_colors=False, offset="24px"),
    backend_exception_handler=failed,
    api_transformer=[routes(), gated],
)
app.app_wraps[5, "Overlay"] = lambda stateful: lost_connection() if stateful else None
# Inside the theme (20), so that it looks like the rest; Reflex has its own outside, with a traceback.
del app.app_wraps[55, "ErrorBoundary"]
app.app_wraps[15, "ErrorBoundary"] = broken_page
app.app_wraps[3, "Alive"] = alive
app.register_lifespan_task(connections)

app.add_page(sign_in.sign_in_page, route="/sign-in", title="Sign in · Trestle", on_load=sign_in.Door.arrive)
app.add_page(sign_in.sign_up_page, route="/sign-up", title="Create an account · Trestle", on_load=sign_in.Door.arrive)
app.add_page(
    workflows.page, route="/workflows", title="Workflows · Trestle", on_load=[Viewer.arrive, workflows.Workflows.load, NewWorkflow.arrive]
)
app.add_page(templates.page, route="/templates", title="Templates · Trestle", on_load=[Viewer.arrive, templates.Templates.load])
app.add_page(editor.page, route="/workflows/[workflow_id]", title="Editor · Trestle", on_load=[Viewer.arrive, editor.Editor.load])
app.add_page(
    execution.page, route="/executions/[execution_id]", title="Execution · Trestle", on_load=[Viewer.arrive, execution.PastExecution.load]
)
app.add_page(executions.page, route="/executions", title="Executions · Trestle", on_load=[Viewer.arrive, executions.Executions.arrive])
app.add_page(credentials.page, route="/credentials", title="Credentials · Trestle", on_load=[Viewer.arrive, credentials.Credentials.arrive])
app.add_page(dashboard.page, route="/dashboard", title="Dashboard · Trestle", on_load=[Viewer.arrive, dashboard.Dashboard.load])
app.add_page(webhooks.page, route="/webhooks", title="Webhooks · Trestle", on_load=[Viewer.arrive, webhooks.Webhooks.load])
app.add_page(schedules.page, route="/schedules", title="Schedules · Trestle", on_load=[Viewer.arrive, schedules.Schedules.load])
app.add_page(
    notifications.page,
    route="/notifications",
    title="Notifications · Trestle",
    on_load=[Viewer.arrive, notifications.Notifications.load],
)
app.add_page(
    settings.page,
    route="/settings",
    title="Settings · Trestle",
    on_load=[Viewer.arrive, settings.Settings.arrive, two_factor.TwoFactor.load],
)
app.add_page(members.page, route="/members", title="Members · Trestle", on_load=[Viewer.arrive, members.Members.load, people.People.load])
app.add_page(variables.page, route="/variables", title="Variables · Trestle", on_load=[Viewer.arrive, variables.Variables.load])
app.add_page(api_keys.page, route="/api-keys", title="API keys · Trestle", on_load=[Viewer.arrive, api_keys.ApiKeys.load])
app.add_page(audit.page, route="/audit", title="Audit · Trestle", on_load=[Viewer.arrive, audit.Audit.load])
app.add_page(not_found.page, route="404", title="Nothing here · Trestle", on_load=Viewer.arrive)
