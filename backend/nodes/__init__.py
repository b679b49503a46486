"""Single nodes of drafts."""
