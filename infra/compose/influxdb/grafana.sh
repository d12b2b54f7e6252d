#!/bin/sh
# Grafana asks in InfluxQL: the bucket by the name of a database, an account that may only read it.
set -eu
influx v1 dbrp create --org "$DOCKER_INFLUXDB_INIT_ORG" --bucket-id "$DOCKER_INFLUXDB_INIT_BUCKET_ID" \
    --db "$DOCKER_INFLUXDB_INIT_BUCKET" --rp autogen --default
influx v1 auth create --org "$DOCKER_INFLUXDB_INIT_ORG" --username grafana \
    --password "$(cat /run/secrets/INFLUXDB_GRAFANA_PASSWORD)" --read-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID"
