"""ONNX models on onnxruntime."""

from typing import Any

import numpy as np

from connectors.detector.backend import TensorBackend
from connectors.detector.model import ModelError, facts_of
from connectors.detector.objects import Floats
from connectors.runtime.optional_packages import needing

QUIET = 3  # onnxruntime's level for errors only
CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"


class OnnxBackend(TensorBackend):
    """An ONNX model; `cuda` runs it on a GPU. `threads` of 0 is all cores.

    Raises `ModelError` for a file that is no detector.
    """

    def __init__(self, path: str, threads: int = 0, cuda: bool = False) -> None:
        with needing("a model of the form ONNX", "vision", "onnxruntime"):
            import onnxruntime
        options = onnxruntime.SessionOptions()
        options.log_severity_level = QUIET
        options.intra_op_num_threads = threads
        # threads that wait by spinning would take the cores of those that decode
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if cuda and CUDA not in onnxruntime.get_available_providers():
            raise ModelError(
                "the installed onnxruntime has no CUDA: pip install onnxruntime-gpu in its place"
            )
        providers = [CUDA, CPU] if cuda else [CPU]
        try:
            self._session: Any = onnxruntime.InferenceSession(path, options, providers=providers)
        except Exception as error:  # its errors have no common class of their own
            raise ModelError(f"{path} is no ONNX model that runs here: {_line(error)}") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1:
            raise ModelError(f"{path}: expected one input, got {[each.name for each in inputs]}")
        if inputs[0].type != "tensor(float)":
            raise ModelError(f"{path}: expected an input of 32-bit floats, got {inputs[0].type}")
        self._input = inputs[0].name
        self._output = outputs[0].name
        super().__init__(
            facts_of(
                path,
                self._session.get_modelmeta().custom_metadata_map,
                inputs[0].shape,
                [each.shape for each in outputs],
            ),
            "cuda" if cuda else "cpu",
        )

    def run(self, values: Floats) -> Floats:
        """The model's answer."""
        return np.asarray(self._session.run([self._output], {self._input: values})[0])


def has_cuda() -> bool:
    """Whether the installed onnxruntime can use a GPU."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return False
    return CUDA in onnxruntime.get_available_providers()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
