#!/usr/bin/env bash
# Makes build/release/vigie-VERSION: wheel and source archive of the last commit, each twice, which must be the same
# byte for byte; then installs the wheel into an empty environment and runs it there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

FOLDER=$PWD/build/release
PYTHON=$PWD/.venv/bin/python
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH PIP_DISABLE_PIP_VERSION_CHECK=1
umask 022

say() { printf 'release: %s\n' "$*" >&2; }

# The source archive once more, with one time and one owner for all files.
pack_again() {
    local name
    name=$(basename "$1" .tar.gz)
    mkdir "$1.d"
    tar -xzf "$1" -C "$1.d"
    tar -C "$1.d" --sort=name --mtime=@"$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=ustar \
        -cf - "$name" | gzip -9n >"$1"
    rm -r "$1.d"
}

make_both() {
    mkdir -p "$FOLDER/$1/source" "$FOLDER/$1/dist"
    git archive HEAD | tar -x -C "$FOLDER/$1/source"
    (cd "$FOLDER/$1/source" && $PYTHON -c "
from setuptools import build_meta
build_meta.build_sdist('$FOLDER/$1/dist')
build_meta.build_wheel('$FOLDER/$1/dist')" >"$FOLDER/$1/log" 2>&1) || { tail -20 "$FOLDER/$1/log"; exit 1; }
    pack_again "$FOLDER/$1"/dist/*.tar.gz
}

rm -rf "$FOLDER"
make_both first
make_both second
for file in "$FOLDER"/first/dist/*; do
    cmp "$file" "$FOLDER/second/dist/$(basename "$file")" || { say "$(basename "$file") is not the same twice"; exit 1; }
    mv "$file" "$FOLDER"
done
rm -r "$FOLDER/first" "$FOLDER/second"

say "installing the wheel into an empty environment"
$PYTHON -m venv "$FOLDER/empty"
"$FOLDER/empty/bin/python" -m pip install -q "$(echo "$FOLDER"/*.whl)"
cd "$FOLDER/empty"
bin/vigie --version
bin/vigie list >/dev/null
definitions=$(bin/python -c 'import pathlib, flows; print(pathlib.Path(flows.__file__).parent / "definitions")')
bin/vigie validate "$definitions"/*.yaml
bin/vigie test "$definitions/energy.yaml" "$definitions/server_room.yaml"
cd "$FOLDER"
rm -r empty
sha256sum -- *.whl *.tar.gz
