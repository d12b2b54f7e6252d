"""Real services on loopback in a data folder: what the tests and the demo run against."""
