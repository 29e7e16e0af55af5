"""The writer of model repositories for NVIDIA's Triton: an ONNX file, and its configuration.

The configuration is a `ModelConfig` of Triton's model_config.proto, in protobuf's text format.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lmk.exporting import onnx_file
from lmk.exporting.options import ExportOptions
from lmk.exporting.writer import Writer, Written
from lmk.system.errors import UsageError
from lmk.system.files import replacing
from lmk.system.onnx_package import ModelProto, TensorProto, onnx
from lmk.system.progress import Reporter

CONFIG = "config.pbtxt"
MAX_BATCH = 64
QUEUE_DELAY_US = 1000  # that a request waits for others: half the time of a student's inference
TYPES = {int(TensorProto.UINT8): "TYPE_UINT8", int(TensorProto.FLOAT): "TYPE_FP32"}


def _require(options: ExportOptions) -> None:
    """Raise UsageError for a fixed batch."""
    if options.batch.fixed:
        raise UsageError(
            f"Triton puts requests together into batches of 1 to {MAX_BATCH}: omit --batch"
        )


def _write(proto: ModelProto, path: Path, options: ExportOptions, report: Reporter) -> Written:
    """Write NAME/1/model.onnx, which is `path`, and NAME/config.pbtxt."""
    written = onnx_file.WRITER.write(proto, path, options, report)
    folder = path.parent.parent
    with replacing(folder / CONFIG) as temporary:
        temporary.write_text(config_text(proto, folder.name, path.name))
    return written


def config_text(proto: ModelProto, name: str, file: str) -> str:
    """The configuration of a graph whose first sizes are the batch.

    One instance runs per GPU, or one on the CPU; requests that come together are one batch, and
    every instance is warmed up with the smallest and the largest one.
    """
    (images,) = proto.graph.input
    warm_up = "\n".join(_warm_up(images, size) for size in (1, MAX_BATCH))
    return f"""name: "{name}"
backend: "onnxruntime"
default_model_filename: "{file}"
max_batch_size: {MAX_BATCH}
{_tensors("input", proto.graph.input)}
{_tensors("output", proto.graph.output)}
dynamic_batching {{
  max_queue_delay_microseconds: {QUEUE_DELAY_US}
}}
instance_group {{
  count: 1
  kind: KIND_AUTO
}}
{warm_up}
"""


def _tensors(kind: str, values: Iterable[onnx.ValueInfoProto]) -> str:
    return "\n".join(
        f"""{kind} {{
  name: "{value.name}"
  data_type: {_type(value)}
  dims: {_dims(value)}
}}"""
        for value in values
    )


def _warm_up(images: onnx.ValueInfoProto, size: int) -> str:
    return f"""model_warmup {{
  name: "batch of {size}"
  batch_size: {size}
  inputs {{
    key: "{images.name}"
    value {{
      data_type: {_type(images)}
      dims: {_dims(images)}
      zero_data: true
    }}
  }}
}}"""


def _type(value: onnx.ValueInfoProto) -> str:
    return TYPES[int(value.type.tensor_type.elem_type)]


def _dims(value: onnx.ValueInfoProto) -> list[int]:
    """All sizes but the batch."""
    return [size.dim_value for size in value.type.tensor_type.shape.dim[1:]]


WRITER = Writer(_write, _require)
