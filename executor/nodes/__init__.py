"""The nodes that come with Trestle: one file a node, found by `executor.registry`."""
