#!/usr/bin/env bash
# Tests on Apache Kafka itself: elections, transactions, retention, partitions and rights, which the embedded broker does
# not have, and the tests of topics once more. Where Kafka cannot be had it says why and ends well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=.venv/bin/python

reason=$($PYTHON -m infra.embedded.kafka.jars 2>&1 >/dev/null) || {
    printf 'test-kafka: not run here: %s\n' "$reason" >&2
    exit 0
}
VIGIE_KAFKA=1 exec $PYTHON -m pytest tests/kafka tests/connectors/kafka -n 2 --dist loadfile "$@"
