"""Endpoints of flows, of what they could not process, and of deploying them."""
