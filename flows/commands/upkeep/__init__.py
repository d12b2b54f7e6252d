"""Commands that keep a site safe: backup and restore."""
