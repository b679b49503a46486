"""Single connections of drafts."""
