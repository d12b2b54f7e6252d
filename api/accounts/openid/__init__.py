"""Logging in with an account of an OpenID provider: its addresses, claims and accounts here."""
