"""Random flows, their edits, and what must come of them."""
