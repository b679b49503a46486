"""The composition root of the browser interface."""

import reflex as rx


@rx.page(route="/", title="Trestle")
def index() -> rx.Component:
    return rx.center(rx.heading("Trestle"), height="100vh")


app = rx.App()
