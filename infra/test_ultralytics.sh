#!/usr/bin/env bash
# Tests ultralytics (AGPL-3.0) in an environment of its own, build/ultralytics, on Debian's torch: the wheels of torch
# would bring gigabytes. Where it cannot be installed it says why and ends well; where a test fails it fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=build/ultralytics
PYTHON=/usr/bin/python3
DEBIAN_PACKAGES=(python3-torch python3-torchvision python3-venv)
ALONE=(ultralytics==8.4.190 ultralytics-thop)
PACKAGES=(
    'numpy<2' opencv-python-headless pyyaml requests pillow psutil polars matplotlib scipy onnx onnxslim onnxruntime
    click msgspec 'pydantic>=2.10,<3' 'ruamel.yaml>=0.18' pytest
)
export PIP_DISABLE_PIP_VERSION_CHECK=1 YOLO_OFFLINE=true YOLO_AUTOINSTALL=false YOLO_CONFIG_DIR=$PWD/$VENV

say() { printf 'test-ultralytics: %s\n' "$*" >&2; }
not_here() { say "not run here: $*"; exit 0; }
has_torch() { $PYTHON -c 'import torch, torchvision, ensurepip' 2>/dev/null; }

[[ -x $PYTHON ]] && $PYTHON -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' ||
    not_here "there is no $PYTHON of version 3.11 or later"
if ! has_torch; then
    command -v apt-get >/dev/null || not_here "$PYTHON has no torch, and this is not Debian"
    [[ $EUID == 0 ]] || not_here "only root can install ${DEBIAN_PACKAGES[*]}"
    say "installing Debian's ${DEBIAN_PACKAGES[*]}"
    { apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${DEBIAN_PACKAGES[@]}" >/dev/null; } ||
        not_here "apt-get could not install ${DEBIAN_PACKAGES[*]}; its message is above"
    has_torch || not_here "$PYTHON cannot import torch and torchvision after their installation"
fi
if [[ ! -f $VENV/ready || $(<$VENV/ready) != "${ALONE[*]} ${PACKAGES[*]}" ]]; then
    say "making $VENV"
    $PYTHON -m venv --clear --system-site-packages $VENV
    { $VENV/bin/python -m pip install -q "${PACKAGES[@]}" &&
        $VENV/bin/python -m pip install -q --no-deps "${ALONE[@]}"; } ||
        not_here "pip could not install the packages; its message is above"
    echo "${ALONE[*]} ${PACKAGES[*]}" >$VENV/ready
fi
PYTHONPATH=$PWD exec $VENV/bin/python -m pytest -q -c /dev/null --rootdir . -p no:cacheprovider \
    --confcutdir tests/ultralytics tests/ultralytics "$@"
