"""Defaults that the command line shows and the settings use. Imports nothing, to be shown fast."""

HOST = "127.0.0.1"
PORT = 8000
DATA = "data"
READING_TOPICS = ("site.readings", "home.readings")
EVENT_TOPICS = ("site.events",)
