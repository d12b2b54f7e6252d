"""Saved states of every version, as small files, and the flow that made them."""
