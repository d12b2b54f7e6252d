"""Two releases in turn on one data folder: `make test-upgrade`."""
