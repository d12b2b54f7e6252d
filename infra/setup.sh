#!/usr/bin/env bash
# Prepare a checkout: .venv with the locked packages and the project, Debian's packages when root.
# Does nothing, at once, when everything is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=.venv
STAMP=$VENV/.vigie-setup
DEBIAN_PACKAGES=(
    mariadb-server mosquitto mosquitto-clients victoria-metrics chromium
    python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav opencv-doc
)
# What each brings: a program, or a file.
DEBIAN_CONTENTS=(
    mariadbd mosquitto mosquitto_pub victoria-metrics chromium
    /usr/lib/python3/dist-packages/gi "/usr/lib/*/girepository-1.0/GstRtspServer-1.0.typelib"
    "/usr/lib/*/gstreamer-1.0/libgstvideotestsrc.so" "/usr/lib/*/gstreamer-1.0/libgstrtp.so"
    "/usr/lib/*/gstreamer-1.0/libgstvideoparsersbad.so" "/usr/lib/*/gstreamer-1.0/libgstx264.so"
    "/usr/lib/*/gstreamer-1.0/libgstlibav.so" /usr/share/doc/opencv-doc/examples/data/vtest.avi
)
DEBIAN_ROOT=${DEBIAN_ROOT:-}
export PATH="$PATH:/usr/sbin:/usr/local/sbin" PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3.11 python3.12 python3 python; do
        if fits "$candidate"; then echo "$candidate"; return; fi
    done
    fail "needs Python 3.11 or 3.12, and none of python3.11, python3.12, python3, python is one." \
        "Install it (Debian: apt-get install python3.11-venv), or name it: make setup PYTHON=/path/to/python3.11"
}

# What is installed would go into the environment of another checkout, which would then run the code of this one.
refuse_others_venv() {
    local target
    target=$(readlink -f $VENV) || return 0
    if [[ -L $VENV && -e ${target%/*}/infra/setup.sh ]]; then
        fail "$VENV is a symbolic link into another checkout, to $target, which would then run the code of this one." \
            "Remove the link (rm $VENV), and run this again"
    fi
}

python_packages() {
    local wanted
    wanted=$(cat requirements.lock pyproject.toml infra/setup.sh | sha256sum)
    if [[ -f $STAMP && $(<"$STAMP") == "$wanted" ]] && fits $VENV/bin/python; then return; fi
    if ! fits $VENV/bin/python; then
        local python
        python=$(find_python)
        say "making $VENV with $("$python" --version)"
        "$python" -m venv --clear $VENV || fail "could not make $VENV; on Debian install the package python3-venv"
    fi
    say "installing the packages of requirements.lock into $VENV"
    $VENV/bin/python -m pip install -q --require-hashes -r requirements.lock ||
        fail "pip could not install requirements.lock; its last lines say why (no network? no wheel for this machine?)"
    $VENV/bin/python -m pip install -q --no-deps --no-build-isolation -e . || fail "pip could not install the project"
    echo "$wanted" >$STAMP
}

is_there() {
    if [[ $1 == /* ]]; then compgen -G "$DEBIAN_ROOT$1" >/dev/null; else command -v "$1" >/dev/null; fi
}

missing_debian() {
    local i
    for i in "${!DEBIAN_PACKAGES[@]}"; do
        is_there "${DEBIAN_CONTENTS[$i]}" || echo "${DEBIAN_PACKAGES[$i]}"
    done
}

left_out() {
    say "left out, because $1: ${*:2}. Without them the demo simulates its devices and tests that need them do not run."
}

# Only for what we install: Debian would start mosquitto and mariadb, and we run our own on free ports.
install_debian() {
    local policy=/usr/sbin/policy-rc.d ours=
    if [[ ! -e $policy ]]; then
        ours=yes
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
    fi
    local status=0
    {
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
    } || status=$?
    if [[ -n $ours ]]; then rm -f $policy; trap - EXIT; fi
    if [[ $status == 0 && -d /run/systemd/system ]]; then
        local package
        for package in "$@"; do
            case $package in
            mariadb-server) systemctl disable -q mariadb ;;
            mosquitto | victoria-metrics) systemctl disable -q "$package" ;;
            esac
        done
    fi
    return $status
}

debian_packages() {
    local missing
    mapfile -t missing < <(missing_debian)
    if [[ ${#missing[@]} == 0 ]]; then return; fi
    if ! command -v apt-get >/dev/null; then
        left_out "this is not Debian (no apt-get)" "${missing[@]}"
    elif [[ $EUID != 0 ]]; then
        left_out "only root can install them (as root: apt-get install --no-install-recommends ${missing[*]})" "${missing[@]}"
    else
        say "installing Debian's ${missing[*]}"
        if ! install_debian "${missing[@]}"; then
            say "apt-get could not install all of them, its message is above; one by one, then"
            local package
            for package in "${missing[@]}"; do install_debian "$package" || true; done
        fi
        mapfile -t missing < <(missing_debian)
        if [[ ${#missing[@]} != 0 ]]; then left_out "apt-get did not bring them" "${missing[@]}"; fi
    fi
}

refuse_others_venv
python_packages
debian_packages
