"""Runs files of alarm test vectors on the engine: `python -m tests.alarm_vectors FILE.yaml ...`."""
