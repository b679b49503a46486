"""Reflex's configuration. The build and the server (`web/build.py`, `web/__main__.py`) set the rest by environment."""

import reflex as rx
from reflex.constants import StateManagerMode

from web.theme import FONT_PACKAGE

config = rx.Config(
    app_name="web",
    app_module_import="web.app",
    # The bundle is not tied to these: web/middleware.py answers with the address the browser came to.
    api_url="http://localhost:3000",
    deploy_url="http://localhost:3000",
    frontend_port=3000,
    backend_port=3000,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    cors_allowed_origins=[],  # no other site has business here; web/middleware.py checks the socket's origin
    frontend_packages=[FONT_PACKAGE],
    state_manager_mode=StateManagerMode.MEMORY,
    default_color_mode="system",
    plugins=[
        rx.plugins.RadixThemesPlugin(theme=rx.theme(appearance="inherit", accent_color="iris", gray_color="slate", radius="medium")),
    ],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
