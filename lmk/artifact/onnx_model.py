"""Write a model folder as one ONNX file, without torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from lmk.architectures.nodes import Nodes
from lmk.arrays import Arrays
from lmk.artifact import graph_ends
from lmk.artifact.contract import SCHEMA_VERSION
from lmk.model.fold import PROJECTION, batch_norms_as_scales, fold_batch_norms
from lmk.model.folder import Model
from lmk.system.errors import UsageError, WeightsError
from lmk.system.files import replacing
from lmk.system.onnx_package import ModelProto, TensorProto, helper, onnx, shape_inference
from lmk.system.version import __version__

OPSET = 17
OPSETS = range(17, 22)  # those that the graph was checked with


@dataclass(frozen=True)
class GraphOptions:
    """Options of the graph.

    precision: of the network's arithmetic; softargmax is always float32. batch: fixed batch size,
    None for any. heatmaps, features: further outputs; `features` float32 (B, C, H * H) are those in
    which named points are searched for.
    """

    precision: Literal["fp32", "fp16"] = "fp32"
    batch: int | None = None
    opset: int = OPSET
    heatmaps: bool = False
    fold_projections: bool = True
    features: bool = False


# What numpy and onnx raise for arrays of other shapes than the architecture's.
SHAPE_ERRORS = (
    ValueError,
    KeyError,
    IndexError,
    onnx.checker.ValidationError,
    shape_inference.InferenceError,
)
MOST_VALUES = 100_000_000

DEFAULTS = GraphOptions()


def build_onnx(model: Model, options: GraphOptions = DEFAULTS) -> ModelProto:
    """Write a model as an ONNX graph.

    Input `images`, uint8 RGB (B, S, S, 3), S the architecture's input size; outputs `landmarks`,
    float32 (B, K, 2), (x, y) in input pixels, `scores`, float32 (B, K), the softmax mass within 2
    heatmap pixels of the landmark, with named points `points`, float32 (B, P, 2), in input pixels,
    and on request `heatmaps`, float32 (B, K, H, H). Raises
    WeightsError, and UsageError for an opset that lmk does not write.
    """
    if options.opset not in OPSETS:
        raise UsageError(
            f"lmk writes opsets {OPSETS[0]} to {OPSETS[-1]}, not {options.opset}: choose --opset "
            f"{OPSET}, which every supported runtime reads"
        )
    try:
        return _build(model, options)
    except SHAPE_ERRORS as error:
        raise WeightsError(
            f"the weights of {model.manifest.name} do not match the architecture "
            f"{model.architecture.name} with {model.manifest.num_landmarks} landmarks "
            f"({' '.join(str(error).split())[:200]}): get the model again from its origin"
        ) from error


def _build(model: Model, options: GraphOptions) -> ModelProto:
    nodes = Nodes(_weights(model, options), half=options.precision == "fp16")
    architecture = model.architecture
    heatmaps = architecture.graph(nodes, graph_ends.image_to_float(nodes, "images"))
    raw = graph_ends.heatmaps_to_float(nodes, heatmaps)
    landmarks, _ = graph_ends.softargmax(nodes, raw, architecture, model.manifest.softargmax_beta)
    point_map = model.point_map()
    searched = options.features or (point_map is not None and point_map.search is not None)
    features = graph_ends.flat_features(nodes, architecture) if searched else []
    if point_map:
        graph_ends.points(nodes, landmarks, point_map, features)
    if options.heatmaps:
        nodes.add("Identity", [raw], "heatmaps")
    if options.features:
        nodes.add("Concat", [name for name, _ in features], "features", axis=1)
    nodes.check_complete(architecture.name)
    opsets, size = [helper.make_opsetid("", options.opset)], architecture.input_size
    proto = helper.make_model(
        helper.make_graph(
            nodes.nodes,
            f"lmk-{model.manifest.name}",
            [_value("images", TensorProto.UINT8, options.batch, size, size, 3)],
            _outputs(model, options),
            list(nodes.initializers.values()),
        ),
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),  # which older runtimes still read
        producer_name="lmk",
        producer_version=__version__,
    )
    set_metadata(proto, _describe(model, options))
    onnx.checker.check_model(proto)
    _check_shapes(proto)
    return proto


def _check_shapes(proto: ModelProto) -> None:
    """Check every shape; raise ValueError for more memory than any network of lmk needs."""
    inferred = shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    sizes = {
        value.name: math.prod(size.dim_value or 1 for size in value.type.tensor_type.shape.dim)
        for value in inferred.graph.value_info
    }
    if sum(sizes.values()) > MOST_VALUES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise ValueError(f"{sum(sizes.values()):,} values per picture, most of them in {largest}")


def set_metadata(proto: ModelProto, values: Mapping[str, str]) -> None:
    """Add entries to the file's metadata_props, replacing those of the same name."""
    merged = {entry.key: entry.value for entry in proto.metadata_props} | dict(values)
    helper.set_model_props(proto, merged)


def repeat_for(proto: ModelProto, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Repeat one picture (S, S, 3) to the batch size of a graph, once if it accepts any."""
    size = proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value or 1
    return image[None].repeat(size, axis=0)


def save_onnx(proto: ModelProto, path: Path) -> None:
    """Write the file completely or not at all. Raises OutputError."""
    with replacing(path) as temporary:
        temporary.write_bytes(proto.SerializeToString())


def _weights(model: Model, options: GraphOptions) -> Arrays:
    """Weights for the graph; batch norms are kept where projections are."""
    if options.fold_projections:
        weights = fold_batch_norms(model.folded(), model.architecture.folded_norms)
        if separate := [name for name in weights if name.endswith(".projection")]:
            raise ValueError(f"unexpected {separate[0]}")
    else:
        weights = _projections_as_kernels(model.unfolded())
    weights = batch_norms_as_scales(weights) if options.precision == "fp16" else weights
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise ValueError(f"{name} is not finite once it is folded")
    return weights


def _describe(model: Model, options: GraphOptions) -> dict[str, str]:
    manifest, architecture = model.manifest, model.architecture
    adapted, size = manifest.core is not None, architecture.input_size
    return {
        "lmk_version": __version__,
        "schema_version": SCHEMA_VERSION,
        "task": "landmarks",
        "name": manifest.name,
        "num_landmarks": str(manifest.num_landmarks),
        "input": f"images uint8 ({options.batch or 'B'}, {size}, {size}, 3)",
        "color": "RGB",
        "architecture": architecture.name,
        "stride": str(architecture.stride),
        "softargmax_beta": str(manifest.softargmax_beta),
        "folded_projections": str(options.fold_projections and adapted).lower(),
        "core_sha256": manifest.core.sha256 if manifest.core else "",
        "weights_sha256": manifest.weights_sha256,
        "license": manifest.license,
        "precision": options.precision,
        "framing": manifest.framing.to_json() if manifest.framing else "",
        **({"points": model.points.to_json()} if model.points else {}),
    }


def _outputs(model: Model, options: GraphOptions) -> list[onnx.ValueInfoProto]:
    float32, batch = TensorProto.FLOAT, options.batch
    num_landmarks, side = model.manifest.num_landmarks, model.architecture.heatmap_size
    outputs = [
        _value("landmarks", float32, batch, num_landmarks, 2),
        _value("scores", float32, batch, num_landmarks),
    ]
    if model.points:
        outputs.append(_value("points", float32, batch, len(model.points), 2))
    if options.heatmaps:
        outputs.append(_value("heatmaps", float32, batch, num_landmarks, side, side))
    if options.features:
        channels = sum(model.architecture.point_features.values())
        outputs.append(_value("features", float32, batch, channels, side**2))
    return outputs


def _value(name: str, kind: int, batch: int | None, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, [batch or "batch", *shape])


def _projections_as_kernels(arrays: Arrays) -> Arrays:
    """Turn each delta (Co, Co) into the 1x1 kernel (Co, Co, 1, 1) of I + delta."""
    kernels = dict(arrays)
    for name in [name for name in arrays if name.endswith(PROJECTION)]:
        delta = kernels.pop(name)
        matrix = np.eye(len(delta), dtype=np.float32) + delta
        kernels[name.removesuffix(PROJECTION) + ".projection"] = matrix[:, :, None, None]
    return kernels
