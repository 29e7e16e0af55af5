"""A network as ncnn reads it: layers in a .param, weights in a .bin, and lmk's metadata.

The metadata is one line of JSON after the layers, where ncnn reads no further. A file from
elsewhere is read strictly: exactly what `write_param` writes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lmk.artifact.catalogue import second_file
from lmk.artifact.contract import Signature, describe
from lmk.artifact.ncnn.layers import FLOAT32, MASK, Layer, Shape, Value, Weight, check_layer
from lmk.system.errors import WeightsError
from lmk.system.reading import MB, read_bytes, read_text, reason_of
from lmk.system.schema import parse_json, read_as

MAGIC = "7767517"
MARK = "# "
MOST_TEXT, MOST_WEIGHTS, MOST_VALUES, MOST_LAYERS = 4 * MB, 512 * MB, 100_000_000, 10_000
HALF = 0x01306B47
"""Before weights in float16; zero is before those in float32."""
ARRAY = -23300
KIND, NAME, WHOLE = re.compile("[A-Za-z]{1,32}"), re.compile(r"[\w.]{1,200}", re.A), "-?[0-9]{1,9}"
NUMBER = re.compile(f"({WHOLE})=({WHOLE})", re.A)
NUMBERS = re.compile(rf"({WHOLE})=({WHOLE})((?:,{WHOLE})+)", re.A)
REAL = re.compile(rf"({WHOLE})=(-?[0-9]\.[0-9]{{8}}e[+-][0-9]{{2}})", re.A)


@dataclass(frozen=True, eq=False)
class NcnnNetwork:
    """Layers in their order, the .bin of their weights, and metadata."""

    layers: Sequence[Layer]
    weights: bytes
    metadata: Mapping[str, str]

    @property
    def param(self) -> str:
        """The .param without the metadata, as ncnn reads it."""
        blobs = sum(len(layer.outputs) for layer in self.layers)
        rows = (MAGIC, f"{len(self.layers)} {blobs}", *map(_row, self.layers))
        return "".join(f"{row}\n" for row in rows)

    @property
    def signature(self) -> Signature:
        """Inputs, outputs and metadata, of one picture. Raises ValueError for a broken network.

        The input is described as uint8, which `ncnn::Mat::from_pixels` takes.
        """
        shapes = _check(self.layers, self.weights)
        used = {name for layer in self.layers for name in layer.inputs}
        inputs = [name for layer in self.layers if layer.kind == "Input" for name in layer.outputs]
        channels_last = {name: (*shapes[name][1:], shapes[name][0]) for name in inputs}
        outputs = {name: shape for name, shape in shapes.items() if name not in used}
        return Signature(
            {name: describe("uint8", (1, *shape)) for name, shape in channels_last.items()},
            {name: describe("float32", (1, *shape)) for name, shape in outputs.items()},
            self.metadata,
            1,
        )


def write_ncnn(network: NcnnNetwork, path: Path) -> None:
    """Write a .param and its .bin beside it."""
    path.write_text(f"{network.param}{MARK}{json.dumps(dict(network.metadata))}\n", "ascii")
    second_file(path).write_bytes(network.weights)


def read_ncnn(path: Path) -> NcnnNetwork:
    """Read a .param and its .bin strictly. Raises WeightsError."""
    weights = second_file(path)
    if not weights.exists():
        raise WeightsError(f"{weights} is missing: copy it beside {path.name}, or export it again")
    try:
        rows = read_text(path, MOST_TEXT).removesuffix("\n").split("\n")
        layers, metadata = _parse(rows)
        return NcnnNetwork(layers, read_bytes(weights, MOST_WEIGHTS), metadata)
    except (OSError, ValueError) as error:
        raise broken(path, error) from error


def broken(path: Path, error: Exception) -> WeightsError:
    """Build the error for a file that is not as lmk writes it."""
    return WeightsError(
        f"{path} is not an ncnn file that lmk wrote ({reason_of(error)!s:.300}): copy or export it "
        "again"
    )


def _row(layer: Layer) -> str:
    params = [_number(number, value) for number, value in layer.params.items()]
    counts = f"{len(layer.inputs)} {len(layer.outputs)}"
    words = [layer.kind, layer.name, counts, *layer.inputs, *layer.outputs, *params]
    return " ".join([*words, _number(MASK, FLOAT32)])


def _number(number: int, value: Value) -> str:
    if isinstance(value, tuple):
        return f"{ARRAY - number}={len(value)},{','.join(map(str, value))}"
    return f"{number}={value:.8e}" if isinstance(value, float) else f"{number}={value}"


def _parse(rows: Sequence[str]) -> tuple[list[Layer], dict[str, str]]:
    if len(rows) < 4 or rows[0] != MAGIC:
        raise ValueError(f"its first line is {rows[0]!r:.40}, expected {MAGIC}")
    layers = [_layer(row, place) for place, row in enumerate(rows[2:-1], 3)]
    expected = f"{len(layers)} {sum(len(layer.outputs) for layer in layers)}"
    if rows[1] != expected or len(layers) > MOST_LAYERS:
        raise ValueError(f"its second line is {rows[1]!r:.40}, expected {expected}")
    if not rows[-1].startswith(MARK):
        raise ValueError("its last line has no metadata")
    return layers, read_as(dict[str, str], parse_json(rows[-1].removeprefix(MARK)))


def _layer(row: str, place: int) -> Layer:
    words = row.split(" ")
    counts = [int(word) for word in words[2:4] if re.fullmatch("[0-9]{1,3}", word)]
    names = words[4 : 4 + sum(counts)]
    well_named = KIND.fullmatch(words[0]) and all(map(NAME.fullmatch, (words[1], *names)))
    if len(counts) < 2 or len(names) < sum(counts) or not well_named:
        raise ValueError(f"line {place} is no layer: {row!r:.60}")
    params = dict(map(_param, words[4 + sum(counts) :]))
    mask = params.pop(MASK, None)
    if mask != FLOAT32 or len(params) < len(words) - 5 - sum(counts):
        raise ValueError(f"line {place}: expected different parameters, among them {MASK}=7")
    inputs, outputs = tuple(names[: counts[0]]), tuple(names[counts[0] :])
    return Layer(words[0], words[1], inputs, outputs, params)


def _param(word: str) -> tuple[int, Value]:
    if found := REAL.fullmatch(word):
        return int(found[1]), float(found[2])
    if found := NUMBER.fullmatch(word):
        return int(found[1]), int(found[2])
    if found := NUMBERS.fullmatch(word):
        values = tuple(map(int, found[3][1:].split(",")))
        if int(found[2]) == len(values):
            return ARRAY - int(found[1]), values
    raise ValueError(f"{word!r:.40} is no parameter")


def _check(layers: Sequence[Layer], weights: bytes) -> dict[str, Shape]:
    """Shapes of all tensors. Raises ValueError for layers or weights that do not fit together."""
    shapes: dict[str, Shape] = {}
    free: set[str] = set()  # ncnn gives a tensor to one layer
    place = values = 0
    for layer in layers:
        if lost := [name for name in layer.inputs if name not in free]:
            raise ValueError(f"{layer.name}: {lost[0]} is not made before, or used twice")
        free.difference_update(layer.inputs)
        try:
            made, sizes = check_layer(layer, [shapes[name] for name in layer.inputs])
        except ValueError as error:
            raise ValueError(f"{layer.name}: {error}") from error
        if shapes.keys() & set(layer.outputs) or len(set(layer.outputs)) < len(layer.outputs):
            raise ValueError(f"{layer.name}: a tensor of its name is there twice")
        shapes.update(zip(layer.outputs, made, strict=True))
        free.update(layer.outputs)
        values += sum(math.prod(shape) for shape in made)
        for size in sizes:
            place += _bytes(size, weights[place : place + 4])
        if values > MOST_VALUES or place > len(weights):
            raise ValueError(f"{layer.name}: {values:,} values and {place:,} bytes of weights")
    if place != len(weights):
        raise ValueError(f"its weights have {len(weights):,} bytes, expected {place:,}")
    return shapes


def _bytes(size: Weight, tag: bytes) -> int:
    """Bytes of a weight, whose first four say its type if it is tagged."""
    if not size.tagged:
        return 4 * size.count
    kind = int.from_bytes(tag, "little")
    if kind not in (0, HALF):
        raise ValueError(f"its weights are of the type {kind:#x}, expected 0x0 or {HALF:#x}")
    return 4 + (4 * size.count if kind == 0 else -(-2 * size.count // 4) * 4)
