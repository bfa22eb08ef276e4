"""The few calls of the CUDA runtime that an inference needs, by ctypes: JetPack brings libcudart, maybe no binding."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from bundle import Refusal

_NAMES = ("libcudart.so", "libcudart.so.11.0", "libcudart.so.12", "/usr/local/cuda/lib64/libcudart.so")
_TO_DEVICE, _TO_HOST = 1, 2


class Cuda:
    """libcudart; each call that fails raises a Refusal with CUDA's own words."""

    def __init__(self) -> None:
        self._library = _load()
        self._library.cudaGetErrorString.restype = ctypes.c_char_p

    def malloc(self, size: int) -> int:
        """Address of `size` bytes on the device."""
        pointer = ctypes.c_void_p()
        self._call("cudaMalloc", ctypes.byref(pointer), ctypes.c_size_t(size))
        return int(pointer.value or 0)

    def free(self, pointer: int) -> None:
        """Give memory back."""
        self._call("cudaFree", ctypes.c_void_p(pointer))

    def stream(self) -> int:
        """A stream of its own, as TensorRT wants for execute_async_v3."""
        handle = ctypes.c_void_p()
        self._call("cudaStreamCreate", ctypes.byref(handle))
        return int(handle.value or 0)

    def destroy(self, stream: int) -> None:
        """End a stream."""
        self._call("cudaStreamDestroy", ctypes.c_void_p(stream))

    def upload(self, pointer: int, array: np.ndarray, stream: int) -> None:
        """Copy a C-ordered array to the device."""
        self._copy(pointer, array.ctypes.data, array.nbytes, _TO_DEVICE, stream)

    def download(self, array: np.ndarray, pointer: int, stream: int) -> None:
        """Copy into a C-ordered array; it is filled after `synchronise`."""
        self._copy(array.ctypes.data, pointer, array.nbytes, _TO_HOST, stream)

    def synchronise(self, stream: int) -> None:
        """Wait for everything in the stream."""
        self._call("cudaStreamSynchronize", ctypes.c_void_p(stream))

    def _copy(self, to: int, source: int, size: int, kind: int, stream: int) -> None:
        self._call(
            "cudaMemcpyAsync",
            ctypes.c_void_p(to),
            ctypes.c_void_p(source),
            ctypes.c_size_t(size),
            ctypes.c_int(kind),
            ctypes.c_void_p(stream),
        )

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            words = self._library.cudaGetErrorString(ctypes.c_int(code)).decode("ascii", "replace")
            raise Refusal(f"{name} failed: {words} ({code}): is another program holding the GPU's memory?")


def _load() -> ctypes.CDLL:
    for name in _NAMES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise Refusal("libcudart is not there: install JetPack's CUDA (sudo apt install nvidia-jetpack)")
