#!/usr/bin/env bash
# Debezium's embedded engine beside our reader of MariaDB's binary log, on the same statements. Where Debezium cannot be
# had it says why and ends well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=.venv/bin/python

reason=$($PYTHON -m tests.debezium.jars 2>&1 >/dev/null) || {
    printf 'test-debezium: not run here: %s\n' "$reason" >&2
    exit 0
}
VIGIE_DEBEZIUM=1 exec $PYTHON -m pytest tests/debezium "$@"
