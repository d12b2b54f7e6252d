"""Shelly devices of all generations; the door is `dialect`."""
