"""YAML with positions, messages about its errors, and the site file, for flows and the api.

`document` reads YAML, `site` the site file, `variables` fills in what it names; `redaction`
keeps that out of what is shown.
"""
