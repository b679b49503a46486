"""Hypothesis strategies: graphs, and edits of them."""

from typing import Any

from hypothesis import strategies as st

KEYS = ["hook", "hot", "tell", "size", "wait_2", "code"]
PORTS = ["main", "rejected", "error"]

Drawing = dict[str, Any]

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4), lambda inner: st.lists(inner, max_size=2), max_leaves=3
)
_named = st.builds(
    lambda before, way, key, after: f"{before}{{{{ {way}{key}{after} }}}}",
    st.sampled_from(["", "nodes.hook ", "{% if nodes.hot %}"]),
    st.sampled_from(["nodes.", "payload.nodes.", "nodes . ", "'nodes.hook' ~ nodes.", "-nodes.", "{'a': {'b': nodes.tell}} + nodes."]),
    st.sampled_from(KEYS),
    st.sampled_from(["", ".x", "_more", "['hot']", " + nodes['size'].n", ' + nodes["wait_2"]', " + '", " }", "|length"]),
)
_read = st.sampled_from(KEYS).map(lambda key: {"==": [{"var": [f"nodes.{key}.x", 1]}, {"val": ["nodes", key]}, f"nodes.{key}"]})
expressed = _named | _read | st.fixed_dictionaries({"condition": _read | _named}) | st.lists(_named, max_size=2)
names = st.sampled_from(["url", "method", "body"])
positions = st.fixed_dictionaries({"x": st.integers(-500, 500), "y": st.integers(-500, 500)})


def node(key: str) -> st.SearchStrategy[Drawing]:
    """A node with this key, as the editor makes them."""
    configs = st.dictionaries(names | st.just("condition"), values.filter(lambda value: value is not None) | expressed, max_size=2)
    return st.fixed_dictionaries(
        {
            "key": st.just(key),
            "type": st.sampled_from(["set", "filter", "http.request", "note"]),
            "name": st.text(max_size=4),
            "config": configs,
            "position": positions,
            "disabled": st.booleans(),
            "join": st.sampled_from(["any", "all"]),
            "notes": st.just("{{ nodes.hook }}"),
            "for_each": st.none() | st.fixed_dictionaries({"items": _named, "concurrency": st.just(5), "per_second": st.none()}),
        }
    )


@st.composite
def graphs(draw: st.DrawFn) -> Drawing:
    """A possible draft: connections go from earlier keys to later ones, notes have none."""
    nodes = [draw(node(key)) for key in draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=5))]
    keys = [one["key"] for one in nodes if one["type"] != "note"]
    links = [(a, port, b) for i, a in enumerate(keys) for b in keys[i + 1 :] for port in PORTS[:2]]
    chosen = draw(st.lists(st.sampled_from(links), unique=True, max_size=5)) if links else []
    return {
        "nodes": nodes,
        "connections": [{"source": a, "source_port": port, "target": b} for a, port, b in chosen],
    }


keys = st.sampled_from(KEYS)
links = st.fixed_dictionaries({"source": keys, "source_port": st.sampled_from(PORTS), "target": keys})


def edits(graph: Drawing) -> st.SearchStrategy[Drawing]:
    """An operation that the editor would allow on a graph with these nodes at its beginning."""
    present = [one["key"] for one in graph["nodes"]]
    absent = [key for key in KEYS if key not in present]
    choices: list[st.SearchStrategy[Drawing]] = []
    if absent:
        choices.append(st.sampled_from(absent).flatmap(node).map(lambda one: {"op": "add_node", "node": one}))
    if present:
        here = st.sampled_from(present)
        move = st.builds(lambda key, at: {"key": key, **at}, here, positions)
        config = st.fixed_dictionaries({"config": st.dictionaries(names, values, min_size=1, max_size=2)})
        fields = config | st.fixed_dictionaries({"name": st.text(max_size=4), "disabled": st.booleans()})
        choices.append(
            st.lists(move, min_size=1, max_size=2, unique_by=lambda one: one["key"]).map(lambda moves: {"op": "move_nodes", "moves": moves})
        )
        choices.append(st.builds(lambda key, change: {"op": "configure_node", "key": key, "fields": change}, here, fields))
        choices.append(st.lists(here, min_size=1, max_size=3, unique=True).map(lambda gone: {"op": "remove_nodes", "keys": gone}))
        if absent:
            choices.append(st.builds(lambda a, b: {"op": "rename_node", "key": a, "new_key": b}, here, st.sampled_from(absent)))
    if graph["connections"]:
        choices.append(st.sampled_from(graph["connections"]).map(lambda link: {"op": "disconnect", **link}))
    return st.one_of(choices)
