"""YAML with positions, messages about its errors, and the site file, for flows and the api."""
