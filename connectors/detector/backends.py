"""Which programs can run a model here, in the order in which they are tried."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.detector.model import ModelError

if TYPE_CHECKING:
    from connectors.detector.backend import Backend  # it loads numpy

OF_SUFFIX = {
    ".onnx": ("onnxruntime-cuda", "openvino-gpu", "onnxruntime", "openvino"),
    ".xml": ("openvino-gpu", "openvino"),
    ".pt": ("ultralytics", "ultralytics-cpu"),
    ".engine": ("ultralytics",),
}
"""The backends for each kind of file; the later ones are slower, or surer."""
FAKE = "fake"
NAMES = tuple(dict.fromkeys(name for names in OF_SUFFIX.values() for name in names))


def backends_for(path: str, wanted: str | None = None) -> list[str]:
    """The backends to try for a model: the wanted one first. Raises `ModelError`.

    Those whose packages or devices are not there are left out, but for the wanted one, which then
    says what it needs.
    """
    if path.startswith(f"{FAKE}:"):
        return [FAKE, FAKE]
    suffix = Path(path).suffix.lower()
    if suffix not in OF_SUFFIX:
        raise ModelError(
            f"{path}: expected a model as {', '.join(OF_SUFFIX)}, got {suffix or 'no suffix'}"
        )
    names = OF_SUFFIX[suffix]
    if wanted is not None and wanted not in names:
        raise ModelError(f"{wanted!r} does not run {suffix}; for it there are {', '.join(names)}")
    usable = [name for name in names if name != wanted and _is_there(name)]
    if wanted is not None:
        usable.insert(0, wanted)
    return usable or [names[-1]]


def open_backend(name: str, path: str, threads: int = 0) -> "Backend":
    """Load a model; raises `ModelError`, or `ConnectorError` for a package that is missing."""
    if name == FAKE:
        from connectors.detector.fake_backend import FakeBackend

        return FakeBackend(path)
    if not Path(path).exists():
        raise ModelError(f"there is no file {path}")
    program, _, device = name.partition("-")
    if program == "onnxruntime":
        from connectors.detector.onnx_backend import OnnxBackend

        return OnnxBackend(path, threads, cuda=device == "cuda")
    if program == "openvino":
        from connectors.detector.openvino_backend import OpenVinoBackend

        return OpenVinoBackend(path, threads, device.upper() or "CPU")
    from connectors.detector.ultralytics_backend import UltralyticsBackend

    return UltralyticsBackend(path, threads, device or None)


def _is_there(name: str) -> bool:
    program, _, device = name.partition("-")
    if importlib.util.find_spec(program) is None:
        return False
    if device == "cuda":
        from connectors.detector.onnx_backend import has_cuda

        return has_cuda()
    if program == "openvino" and device:
        import openvino

        devices = openvino.Core().available_devices
        return any(name.startswith(device.upper()) for name in devices)
    return True
