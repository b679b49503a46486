"""Typed wrapper of the browser part: documents and answers go in as props, what a person did comes out as events.

Props of type `str` whose text says what they hold are JSON (`web.exact.text`), empty where there is nothing: they carry recorded or
written values, whose whole numbers are to stay what they are.
"""

from typing import Any

import reflex as rx
from reflex.event import no_args_event_spec

from web.components.events import text, two_texts
from web.editor.browser import LIBRARY


def _object(value: rx.Var[dict[str, Any]]) -> tuple[rx.Var[dict[str, Any]]]:
    return (value,)


def _switch(value: rx.Var[bool]) -> tuple[rx.Var[bool]]:
    return (value,)


def _number(value: rx.Var[int]) -> tuple[rx.Var[int]]:
    return (value,)


class Canvas(rx.NoSSRComponent):
    """The editor, or a past execution where `document.mode` is `view`."""

    library = LIBRARY
    tag = "Editor"
    # lucide-react and @radix-ui/themes come with Reflex's own components, in its versions.
    lib_dependencies: list[str] = ["@xyflow/react@12.12.1", "@dagrejs/dagre@3.1.3"]

    document: rx.Var[str]
    """`web.editor.graph.draft_document` or `run_document`; taken in whole when its `load` is new."""
    catalogue: rx.Var[list[dict[str, Any]]]
    """Node types, as GET /node-types gives them."""
    credentials: rx.Var[list[dict[str, Any]]]
    """`{id, name, type}` of each."""
    saved: rx.Var[str]
    """The answer to a batch of operations: `{batch, revision, conflicts, problems}` or `{batch, error, fatal}`."""
    live: rx.Var[dict[str, Any]]
    """`web.editor.live.Window`'s message."""
    step: rx.Var[dict[str, Any]]
    """`{execution_id, node, steps, more}`: the attempts at one node, without values."""
    log: rx.Var[dict[str, Any]]
    """`web.editor.watching.log_at` with a `stamp`: some of what a node wrote."""
    ran: rx.Var[str]
    """`web.editor.graph.changed_since` with a `stamp`: how nodes were in the run that is shown, which are not so in the draft."""
    values: rx.Var[str]
    """`{stamp, found}`: `web.editor.values.values_of` of the steps that were asked for."""
    page: rx.Var[str]
    """`{stamp, step, part}` and `web.editor.values.part`: more of a long list."""
    comparison: rx.Var[dict[str, Any]]
    """`{stamp, other, nodes}`: this execution beside another one (`web.editor.comparing`)."""
    pins: rx.Var[str]
    """`web.editor.comparing.pins` with a `stamp`."""
    converted: rx.Var[str]
    """`{number, nodes, connections, remarks: [{where, what}]}` or `{number, error}`: what was copied elsewhere, as nodes of ours."""
    times: rx.Var[dict[str, Any]]
    """`{stamp, asked, next}` or `{stamp, asked, error}`: the next times of a schedule."""
    runs: rx.Var[dict[str, Any]]
    """`{stamp, items}`: recent executions, newest first."""
    inputs: rx.Var[str]
    """`{id, name, input}` of each test input that is kept."""
    workflows: rx.Var[list[dict[str, Any]]]
    """`{id, name}` of each in the same project, to be called or started."""
    versions: rx.Var[dict[str, Any]]
    """`{stamp, items}`: the published versions, newest first."""
    version: rx.Var[str]
    """`{stamp, number, graph}` of the one that is compared with."""
    data: rx.Var[str]
    """`web.editor.samples.recorded`, with a `stamp`: what the last run's steps put out."""
    previews: rx.Var[str]
    """`{node, results}`: what the expressions of a node give."""
    meta: rx.Var[dict[str, Any]]
    """`{seq, …}`: changes of the document's own fields; `refused: true` shows the list of
    problems, `said` (of `kind` success or error) is told, `listening` is `{test_url, expires_at}`. All only where this page asked."""
    standing: rx.Var[dict[str, Any]]
    """`web.editor.graph.standing`, where somebody has changed the workflow's settings, here or elsewhere."""
    remote: rx.Var[str]
    """`{events: [{seq, revision, operations}]}`: what others did to the draft, as a `Window`'s message."""
    people: rx.Var[list[dict[str, Any]]]
    """`{id, name}` of the others who have the draft open."""
    missing: rx.Var[str]
    """Why there is nothing to show; empty where there is."""

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        """What a person did, and what comes with it."""
        return {
            **super().get_event_triggers(),
            "on_operations": _object,  # {workflow_id, batch, base_revision, operations}: store these
            "on_publish": text,  # a note
            "on_enable": _switch,
            "on_run": _object,  # {input, only?, until?}: run the draft
            "on_step": two_texts,  # execution id and node key: the attempts are wanted
            "on_log": _object,  # {execution_id, node, newest, after}: more of what a node wrote is wanted
            "on_ran": text,  # what of the draft was otherwise in this execution?
            "on_values": _object,  # {steps: [[execution id, step id], …]}: their values are wanted
            "on_page": _object,  # {execution_id, step, part, pointer, start}: more of a list is wanted
            "on_compare": text,  # with this execution; empty: the one before; none: no longer
            "on_pins": text,  # the outputs of this execution are wanted as pins
            "on_convert": _object,  # {workflow_id, number, text}: what is pasted here was copied elsewhere
            "on_times": _object,  # {cron, every_s, timezone}: when is that?
            "on_runs": no_args_event_spec,
            "on_rename": text,
            "on_reload": no_args_event_spec,
            "on_refresh": no_args_event_spec,  # the tab is looked at again: credentials may be new
            "on_watch": no_args_event_spec,  # somebody looks; said every 20 seconds
            "on_leave": no_args_event_spec,
            "on_steer": two_texts,  # execution id and verb (watching.STEERED)
            "on_listen": no_args_event_spec,  # let the draft's webhook answer under its test address
            "on_inputs": no_args_event_spec,
            "on_save_input": _object,  # {name, input}
            "on_delete_input": text,
            "on_data": text,  # recorded data for expressions is wanted: of this execution, or (empty) of the newest
            "on_previews": _object,  # {node, expressions, payload}: what do these give, where nothing has run with this payload?
            "on_versions": no_args_event_spec,
            "on_version": _number,  # the graph of this version is wanted
            "on_restore": _number,
            "on_settings": _object,  # {workflow_id, number, change}: set these of the workflow's settings
        }


canvas = Canvas.create
