"""What the local JSX hands to event handlers."""

import reflex as rx


def text(value: rx.Var[str]) -> tuple[rx.Var[str]]:
    """One text."""
    return (value,)


def two_texts(first: rx.Var[str], second: rx.Var[str]) -> tuple[rx.Var[str], rx.Var[str]]:
    """Two of them."""
    return (first, second)
