"""Dialects of alarm panels and of what guards a site, one per module; each names its source."""
