"""Core ML packages: folders with a program, its weights, metadata, and words for Xcode."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from lmk.artifact.contract import Signature, describe
from lmk.artifact.coreml.program import TARGET
from lmk.model.points import points_from_json
from lmk.system.files import remove
from lmk.system.runtime_packages import import_coremltools

# It turns a scale and a shift in float16 into a batch norm whose mean is float32.
FAILS_IN_HALF = "common::fuse_elementwise_to_batchnorm"
SOURCE = "com.github.apple.coremltools."  # of what coremltools adds to the metadata


def write_package(program: Any, metadata: Mapping[str, str], path: Path) -> None:
    """Write a program of `program_of` with the metadata of its ONNX graph; `path` is a new folder.

    The input is a picture, `images`, RGB; the precision of every operation stays that of the
    program.
    """
    coremltools = import_coremltools()
    (images,) = program.functions["main"].inputs.values()
    passes = coremltools.PassPipeline()
    passes.remove_passes([FAILS_IN_HALF])
    with redirect_stderr(io.StringIO()):  # bars of progress, which cannot be turned off
        model = coremltools.convert(
            program,
            convert_to="mlprogram",
            inputs=[coremltools.ImageType("images", images.shape, color_layout="RGB")],
            minimum_deployment_target=getattr(coremltools.target, TARGET),
            compute_precision=coremltools.precision.FLOAT32,  # no cast is added
            pass_pipeline=passes,
            skip_model_load=True,
        )
    _describe(model, metadata)
    model.save(str(path))
    remove(Path(model.package_path))  # a temporary copy, which stays until Python ends
    for file in path.rglob("*"):  # of which coremltools writes one for its user alone
        if file.is_file():
            file.chmod((path / "Manifest.json").stat().st_mode)


def read_specification(path: Path) -> Any:
    """The specification of a package, a message of Core ML's protobuf schema, without weights."""
    return import_coremltools().utils.load_spec(str(path))


def signature_of(specification: Any) -> Signature:
    """The signature of a package; its picture is that of the contract, of which it takes one."""
    description = specification.description
    pictures = {one.name: one.type.imageType for one in description.input}
    tensors = {one.name: one.type.multiArrayType for one in description.output}
    kinds = import_coremltools().proto.FeatureTypes_pb2.ArrayFeatureType.ArrayDataType
    return Signature(
        {
            name: describe("uint8", (1, picture.height, picture.width, 3))
            for name, picture in pictures.items()
        },
        {
            name: describe(kinds.Name(tensor.dataType).lower(), tensor.shape)
            for name, tensor in tensors.items()
        },
        dict(description.metadata.userDefined),
        1,
    )


def convolutions(specification: Any) -> dict[str, int]:
    """Number of convolutions per precision that the program says they are computed in."""
    types = import_coremltools().proto.MIL_pb2.DataType
    words = {types.Value("FLOAT32"): "fp32", types.Value("FLOAT16"): "fp16"}
    (function,) = specification.mlProgram.functions.values()
    (block,) = function.block_specializations.values()
    outputs = (one.outputs[0] for one in block.operations if one.type == "conv")
    return dict(Counter(words[output.type.tensorType.dataType] for output in outputs))


def _describe(model: Any, metadata: Mapping[str, str]) -> None:
    """What Xcode shows of a model, and the metadata that every format has."""
    name, count = metadata["name"], metadata["num_landmarks"]
    model.author = f"lmk {metadata['lmk_version']}"
    model.license = metadata["license"]
    model.short_description = f"{name}: {count} landmarks of the object in a square picture."
    model.input_description["images"] = (
        "The square of a photograph that one object fills, as in the model's training; RGB."
    )
    words = {
        "landmarks": "(1, K, 2): x and y of each landmark in pixels of the input, whose top left "
        "pixel has its centre at (0, 0).",
        "scores": "(1, K): of each landmark 0 to 1, how certain its place is.",
        "points": f"(1, P, 2): x and y of the points {_point_names(metadata)}, as of landmarks.",
        "heatmaps": "(1, K, H, H): the heatmap that each landmark was found in.",
    }
    for output in model.output_description:
        model.output_description[output] = words[output]
    for key in [key for key in model.user_defined_metadata if key.startswith(SOURCE)]:
        del model.user_defined_metadata[key]
    model.user_defined_metadata.update(metadata)


def _point_names(metadata: Mapping[str, str]) -> str:
    points = metadata.get("points", "")
    return ", ".join(points_from_json(points).names) if points else ""
