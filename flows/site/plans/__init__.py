"""What a new version of a definition would change. `planning` is the door."""
