#!/bin/sh
# Makes what compose.yaml mounts: secrets/ with random values, site/ with a first site, data/. What is there stays.
set -eu
cd "$(dirname "$0")"
umask 077

say() { printf 'setup: %s\n' "$*" >&2; }
random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
sha256() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
secret() { cat "secrets/$1"; }

# A file of secrets/ from what comes in. Nobody else reaches it, for the folder is closed (0700); containers, each with
# a user of its own, get the file alone and read it (0444).
keep() {
    if [ ! -e "secrets/$1" ]; then
        cat >"secrets/$1.new"
        chmod 0444 "secrets/$1.new"
        mv "secrets/$1.new" "secrets/$1"
    fi
}

# The line of a user in Mosquitto's password file: PBKDF2 of SHA-512, as mosquitto_passwd writes it.
mosquitto_line() {
    python3 - "$1" "$2" <<'PY'
import base64, hashlib, os, sys
user, password = sys.argv[1:]
salt, rounds = os.urandom(12), 101
key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
print(f"{user}:$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}")
PY
}

command -v python3 >/dev/null || { say "python3 is missing; it makes the password file of Mosquitto"; exit 1; }
mkdir -p secrets data/seaweedfs data/zigbee2mqtt site
chmod 0700 secrets
for name in MQTT_PASSWORD ZIGBEE2MQTT_PASSWORD MARIADB_PASSWORD MARIADB_ROOT_PASSWORD MARIADB_HOME_ASSISTANT_PASSWORD \
    CLICKHOUSE_PASSWORD CLICKHOUSE_MIGRATE_PASSWORD CLICKHOUSE_GRAFANA_PASSWORD INFLUXDB_TOKEN INFLUXDB_PASSWORD \
    INFLUXDB_GRAFANA_PASSWORD S3_SECRET_KEY GRAFANA_ADMIN_PASSWORD; do
    random | keep "$name"
done

{
    mosquitto_line vigie "$(secret MQTT_PASSWORD)"
    mosquitto_line zigbee2mqtt "$(secret ZIGBEE2MQTT_PASSWORD)"
} | keep MOSQUITTO_PASSWORDS

keep S3_CONFIG <<EOF
{"identities": [{"name": "vigie", "credentials": [{"accessKey": "vigie", "secretKey": "$(secret S3_SECRET_KEY)"}],
  "actions": ["Read", "Write", "List", "Tagging", "Admin"]}]}
EOF

# Grafana's plugin sets max_execution_time, which readonly = 1 alone refuses.
keep CLICKHOUSE_USERS <<EOF
<clickhouse>
    <profiles>
        <grafana>
            <readonly>1</readonly>
            <max_execution_time>60</max_execution_time>
            <max_memory_usage>2000000000</max_memory_usage>
            <constraints><max_execution_time><changeable_in_readonly/></max_execution_time></constraints>
        </grafana>
    </profiles>
    <users>
        <default><networks replace="replace"><ip>127.0.0.1</ip><ip>::1</ip></networks></default>
        <vigie>
            <password_sha256_hex>$(sha256 "$(secret CLICKHOUSE_PASSWORD)")</password_sha256_hex>
            <profile>default</profile>
            <quota>default</quota>
            <networks><ip>::/0</ip></networks>
            <grants><query>GRANT SELECT, INSERT ON vigie.*</query></grants>
        </vigie>
        <vigie_migrate>
            <password_sha256_hex>$(sha256 "$(secret CLICKHOUSE_MIGRATE_PASSWORD)")</password_sha256_hex>
            <profile>default</profile>
            <quota>default</quota>
            <networks><ip>::/0</ip></networks>
            <grants>
                <query>GRANT CREATE DATABASE ON *.*</query>
                <query>GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER TABLE ON vigie.*</query>
            </grants>
        </vigie_migrate>
        <grafana>
            <password_sha256_hex>$(sha256 "$(secret CLICKHOUSE_GRAFANA_PASSWORD)")</password_sha256_hex>
            <profile>grafana</profile>
            <quota>default</quota>
            <networks><ip>::/0</ip></networks>
            <grants><query>GRANT SELECT ON vigie.*</query></grants>
        </grafana>
    </users>
</clickhouse>
EOF

if [ ! -e data/zigbee2mqtt/configuration.yaml ]; then
    cat >data/zigbee2mqtt/configuration.yaml <<EOF
mqtt:
  server: mqtt://mosquitto:1883
  user: zigbee2mqtt
  password: '$(secret ZIGBEE2MQTT_PASSWORD)'
EOF
fi

for file in site.yaml ../../flows/definitions/energy.yaml ../../flows/definitions/archive.yaml; do
    [ -e "site/$(basename "$file")" ] || cp "$file" site/
done
chmod -R a+rX site
if [ "$(id -u)" = 0 ]; then
    chown -R 10001:10001 site
    chown -R 1000:1000 data/seaweedfs data/zigbee2mqtt
else
    say "as root this would also give site/ to the user 10001, and data/ to 1000: without that, vigie deploy cannot" \
        "write definitions, and SeaweedFS cannot write: sudo sh setup.sh"
fi
say "now: docker compose --profile simulation up -d --wait; then http://127.0.0.1:8000, whose first password is in" \
    "docker compose logs vigie-simulation; Grafana is http://127.0.0.1:3000, admin, secrets/GRAFANA_ADMIN_PASSWORD"
