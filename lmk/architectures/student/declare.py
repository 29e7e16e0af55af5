"""The declaration of a student of some widths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lmk.architectures.spec import Architecture

if TYPE_CHECKING:
    from lmk.architectures.nodes import Nodes
    from lmk.architectures.student.network import Student

DOWN = ("down2", "down4", "down8", "down16")


@dataclass(frozen=True)
class Widths:
    """Channels and residual blocks of a student.

    channels: at strides 2, 4, 8 and 16, on the way down; at stride 8 as many on the way up. blocks:
    residual blocks at the same strides, and at stride 8 on the way up. last: channels before the
    head, at stride 4.
    """

    channels: tuple[int, int, int, int]
    blocks: tuple[int, int, int, int, int]
    last: int


def declare(name: str, widths: Widths) -> Architecture:
    """Declare a student of some widths."""

    def make(num_landmarks: int) -> Student:
        from lmk.architectures.student.network import Student

        return Student(widths, architecture, num_landmarks)

    def graph(nodes: Nodes, images: str) -> str:
        from lmk.architectures.student.graph import student

        return student(nodes, images, widths)

    architecture = Architecture(
        name=name,
        input_size=128,
        stride=4,
        make=make,
        graph=graph,
        folded_norms=dict(_norms(widths)),
        sensitive=("down2.conv", "head"),
        late=("up8", "last", "head"),
        taps=DOWN[:2],
        point_features={
            _last_of("down4", widths.blocks[1]): widths.channels[1],
            "last.bn.relu": widths.last,
        },
    )
    return architecture


def _last_of(stage: str, blocks: int) -> str:
    """The graph's tensor that a stage ends with."""
    return f"{stage}.blocks.{blocks - 1}.out" if blocks else f"{stage}.bn.relu"


def _norms(widths: Widths) -> Iterator[tuple[str, str]]:
    """Every batch norm, and the convolution before it."""
    for stage, count in zip((*DOWN, "up8"), widths.blocks, strict=True):
        if stage in DOWN:
            yield f"{stage}.bn", f"{stage}.conv"
        for block in range(count):
            for i in (1, 2):
                yield f"{stage}.blocks.{block}.bn{i}", f"{stage}.blocks.{block}.conv{i}"
    yield "last.bn", "last.conv"
