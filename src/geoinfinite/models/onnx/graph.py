"""Graphs in the format ONNX: made in memory of a network of torch, evaluated in one thread."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from geoinfinite.errors import ModelError
from geoinfinite.ignored_warnings import ignored

LARGEST = 2**31 - 2**24
"""Bytes of the weights in one graph: the format ends at 2 GiB, and the graph itself takes some."""
ALIKE = 1e-3
"""How far answers of a graph may lie from those of its network, as a share of the largest of them."""
_TALKATIVE = ("torch.onnx", "torch.export", "torch.fx", "torch.__trace")


@dataclass(frozen=True, slots=True)
class Graph:
    """A network for inputs of fixed shapes, as ONNX Runtime evaluates it; threads may call it at once."""

    session: Any
    """An ``onnxruntime.InferenceSession``."""
    names: tuple[str, ...]
    """Its inputs, in order; a network may make no use of the others that it is given."""
    nbytes: int
    """Memory of the weights, in bytes."""

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return the answer to inputs on the CPU, of the shapes that the graph was made for."""
        given = dict(zip(names_of(inputs), inputs, strict=True))
        fed = {name: given[name].contiguous().numpy() for name in self.names}
        return torch.from_numpy(self.session.run(None, fed)[0])


def names_of(inputs: Sequence[Tensor]) -> list[str]:
    """Return what a graph calls its inputs.

    >>> names_of([torch.zeros(1), torch.zeros(1)])
    ['input_0', 'input_1']
    """
    return [f"input_{number}" for number in range(len(inputs))]


def graph_of(network: nn.Module, inputs: Sequence[Tensor]) -> Graph:
    """Return the graph of a network for inputs of these shapes and dtypes.

    It is kept in memory alone, and has been compared with the network on the inputs. Raises `ModelError` for
    a network that the exporter of torch or ONNX Runtime refuses, or whose answers would be others.
    """
    if sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers())) > LARGEST:
        raise refused("its weights take more than the 2 GiB of the format")
    data = _exported(network, inputs)
    try:
        session = _session(data)
    # Whatever ONNX Runtime makes of a graph: its errors have no common class.
    except Exception as error:
        raise refused(f"ONNX Runtime: {_first_line(error)}") from error
    graph = Graph(session, tuple(found.name for found in session.get_inputs()), len(data))
    _check_alike(graph(inputs), network(*inputs))
    return graph


def refused(reason: str) -> ModelError:
    """Return the error for a network that cannot be a graph."""
    return ModelError(
        f'model.backend="onnx" cannot evaluate this network ({reason}); set model.backend = "torch"'
    )


def _exported(network: nn.Module, inputs: Sequence[Tensor]) -> bytes:
    # What is computed in inference mode may not be traced: the exporter is given inputs of its own.
    with torch.inference_mode(False), torch.no_grad(), _in_silence():
        like = tuple(torch.ones(tensor.shape, dtype=tensor.dtype) for tensor in inputs)
        try:
            program = torch.onnx.export(
                network, like, dynamo=True, verbose=False, input_names=names_of(like), output_names=["answer"]
            )
            data: bytes = program.model_proto.SerializeToString()  # type: ignore[union-attr]
        # Its own errors, and whatever it comes across in the code of a network.
        except Exception as error:
            raise refused(f"torch.onnx: {_first_line(error.__cause__ or error)}") from error
    return data


@contextmanager
def _in_silence() -> Iterator[None]:
    """Export without what torch says to its developers: deprecations of its own, packages it could use."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    with ignored(FutureWarning):
        levels = [logger.level for logger in loggers]
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _session(data: bytes) -> Any:
    """Return a session that computes in the thread that calls it, in one order."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    # Errors are raised; what it would log besides is of no use to those who draw.
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _check_alike(found: Tensor, wanted: Tensor) -> None:
    """Raise `ModelError` where a graph's answer is not that of its network, but for rounding."""
    largest = float(wanted.abs().max())
    if found.shape != wanted.shape or not float((found - wanted).abs().max()) <= ALIKE * largest:
        raise refused("its graph gives other answers")


def _first_line(error: BaseException) -> str:
    said = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    return f"{type(error).__name__}: {said[0].rstrip('. ')[:160]}"
