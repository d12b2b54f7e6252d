"""Debezium's embedded engine beside our reader of the binary log, on the same statements."""
