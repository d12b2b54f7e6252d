#!/usr/bin/env bash
# Tries the wheel of build/release with each extra alone in an empty environment: one command that needs what the extra
# brings. Then asks the index for what a Raspberry Pi (64 bit) would get. `EXTRAS="mqtt api"` tries those alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

FOLDER=$PWD/build/extras
WHEEL=$(compgen -G "$PWD/build/release/vigie-*.whl") || { echo "extras: make release first" >&2; exit 1; }
# All but those made of others, and ultralytics, which brings gigabytes and has a target of its own.
EXTRAS=${EXTRAS:-$(.venv/bin/python -c "
import tomllib
with open('pyproject.toml', 'rb') as file:
    known = tomllib.load(file)['project']['optional-dependencies']
print(*(name for name in known if name not in ('all', 'dev', 'embedded', 'ultralytics')))")}
export PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH

say() { printf 'extras: %s\n' "$*" >&2; }
# The wheel, never the folder in which this runs.
py() { local name=$1; shift; PYTHONSAFEPATH=1 "$FOLDER/$name/bin/python" "$@"; }
vigie() { local name=$1; shift; py "$name" -m flows.cli "$@"; }

# What `vigie doctor` says of a service that is not there: that it does not answer, where the package is; else which
# extra is missing.
does_not_answer() {
    local said
    said=$(vigie "$1" doctor "$FOLDER/$1.site.yaml" 2>&1) || true
    if grep -q "pip install" <<<"$said" || ! grep -q "^FAULT   $2: answers: " <<<"$said"; then
        printf '%s\n' "$said" >&2
        return 1
    fi
}

# $1 the extra, $2 the name of the connection, $3 its value
connection() {
    printf 'vigie: 1\nsite: home\nconnections:\n  %s: %s\n' "$2" "$3" >"$FOLDER/$1.site.yaml"
    does_not_answer "$1" "$2"
}

imports() { py "$1" -c "import ${*:2}"; }

# Without torch, and at most 300 MB to fetch.
is_light() {
    py "$1" -c 'import sys; from importlib.util import find_spec; sys.exit(any(map(find_spec, ("torch", "ultralytics"))))' || return 1
    py "$1" -m pip download -q -d "$FOLDER/wheels" "$WHEEL[$1]"
    local fetched on_disk
    fetched=$(du -sm "$FOLDER/wheels" | cut -f1) on_disk=$(du -sm "$FOLDER/$1" | cut -f1)
    rm -rf "$FOLDER/wheels"
    say "$1: $fetched MB to fetch, $on_disk MB on disk, no torch"
    [[ $fetched -le 300 ]]
}

one_command() {
    case $1 in
    arrow) imports "$1" operators.columnar.arrow_batch ;;
    mqtt) connection "$1" mqtt '{url: "mqtt://127.0.0.1:1"}' ;;
    binlog) connection "$1" mariadb '{url: "mysql://u:p@127.0.0.1:1/h"}' ;;
    clickhouse) connection "$1" clickhouse '{url: "http://127.0.0.1:1/v"}' ;;
    influxdb) connection "$1" influxdb '{url: "http://127.0.0.1:1", org: v, token: t}' ;;
    objects) connection "$1" minio '{url: "http://127.0.0.1:1", access_key: v, secret_key: "12345678"}' ;;
    http) imports "$1" connectors.http.receiver ;;
    webhook | apprise) imports "$1" "connectors.$1.client" ;;
    compression) py "$1" -c 'from kafka.codec import *; assert has_lz4() and has_snappy() and has_zstd()' ;;
    api) imports "$1" api.app && { vigie "$1" accounts list --data "$FOLDER/accounts" 2>&1 || true; } |
        grep -q "there are no accounts" ;;
    openid) imports "$1" authlib, joserfc, requests, api.accounts.openid.provider ;;
    schemas) imports "$1" fastavro, google.protobuf ;;
    traces) imports "$1" connectors.runtime.tracing.otlp ;;
    vision) imports "$1" cv2, av, onnxruntime && is_light "$1" && vigie "$1" validate "$DEFINITIONS/cameras.yaml" ;;
    openvino) imports "$1" openvino && vigie "$1" validate "$DEFINITIONS/cameras.yaml" ;;
    *) say "$1: infra/extras.sh has no command that shows it to work" && return 1 ;;
    esac
}

# Wheels alone, for the glibc of Raspberry Pi OS 12: there is no compiler on such a machine.
on_arm64() {
    local platforms=(--platform manylinux2014_aarch64) minor
    for minor in {17..36}; do platforms+=(--platform "manylinux_2_${minor}_aarch64"); done
    py base -m pip install -q --dry-run --ignore-installed --target "$FOLDER/arm64" --only-binary=:all: \
        "${platforms[@]}" --python-version 3.11 --implementation cp "$1"
}

DEFINITIONS=$PWD/flows/definitions
mkdir -p "$FOLDER"
rm -rf "$FOLDER/base"
"$PWD/.venv/bin/python" -m venv "$FOLDER/base"
py base -m pip install -q "$WHEEL"
vigie base --version
failed=()
for extra in $EXTRAS; do
    rm -rf "${FOLDER:?}/$extra"
    cp -a "$FOLDER/base" "$FOLDER/$extra"
    if py "$extra" -m pip install -q "$WHEEL[$extra]" && one_command "$extra"; then
        say "$extra: installs, and works"
    else
        failed+=("$extra")
    fi
    rm -rf "${FOLDER:?}/$extra"
done
for extra in $EXTRAS; do
    if on_arm64 "$WHEEL[$extra]"; then say "$extra: has wheels for arm64"; else failed+=("$extra on arm64"); fi
done
if [[ ${#failed[@]} != 0 ]]; then
    printf 'extras: failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
