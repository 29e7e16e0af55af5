"""What do projections cost? Folded and not folded, against a plain hourglass, alternating.

python benchmarks/folded.py [--seconds 10] [--json FILE] [--plot FILE]

Not folded, they are 1x1 convolutions in the exported graph, or weights that torch computes in every
step, as in training. A folded network must be as fast as a plain one; the difference between two
runs of the same plain network is the noise.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from output import bar_rows, finish, parse, print_rows
from turns import Call, Contender, in_turns

from lmk.arrays import Images
from lmk.artifact.onnx_model import GraphOptions, build_onnx, save_onnx
from lmk.bench.record import StartState, make_record
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model, find_model
from lmk.model.manifest import Manifest
from lmk.model.weights import content_sha256, load_weights, save_weights

RUNTIMES = ("onnxruntime", "openvino")
PLAIN = "plain"


def plain_hourglass(model: Model, folder: Path) -> Model:
    """Save the adapter's core with as many landmarks as the adapter has, as a plain network."""
    arrays, head = model.core().arrays(), model.folded()
    arrays |= {name: value for name, value in head.items() if name.startswith("head.")}
    file = folder / "weights.safetensors"
    save_weights(file, arrays)
    sha256 = content_sha256(load_weights(file))
    count = model.manifest.num_landmarks
    Manifest("plain", "network", count, file.name, sha256).write(folder)
    return find_model(str(folder))


def exported(file: str, runtime: str) -> Call:
    return open_backend(file, runtime).infer


def in_torch(model: str, folded: bool) -> Call:
    import torch

    from lmk.networks.load import load_network

    network, _ = load_network(find_model(model), folded=folded)

    def call(images: Images) -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)

    return call


def contenders(model: Model, folder: Path) -> dict[str, Contender]:
    """Every network in every runtime, "runtime, network"; the plain one twice."""
    plain = plain_hourglass(model, folder)
    left_in = GraphOptions(fold_projections=False)
    graphs = {
        PLAIN: build_onnx(plain),
        "plain again": build_onnx(plain),
        "folded": build_onnx(model),
        "not folded, 1x1 convolutions": build_onnx(model, left_in),
    }
    found: dict[str, Contender] = {}
    for number, (name, graph) in enumerate(graphs.items()):
        file = folder / f"{number}.onnx"
        save_onnx(graph, file)
        found |= {f"{r}, {name}": (exported, (str(file), r)) for r in RUNTIMES}
    torch_networks = {
        PLAIN: (str(folder), True),
        "plain again": (str(folder), True),
        "folded": (model.reference, True),
        "not folded, weights recomputed": (model.reference, False),
    }
    return found | {f"torch, {n}": (in_torch, given) for n, given in torch_networks.items()}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="faces", help="an adapter")
    parser.add_argument("--seconds", type=float, default=10, help="measuring time per row")
    given = parse(parser)
    start = StartState()
    with tempfile.TemporaryDirectory() as folder:
        measured = in_turns(contenders(find_model(given.model), Path(folder)), given.seconds)
    rows: list[dict[str, Any]] = []
    for name, figures in sorted(measured.items(), key=lambda item: item[0].partition(",")[0]):
        runtime, _, network = name.partition(", ")
        base = measured[f"{runtime}, {PLAIN}"].get("p50")
        ratio = figures["p50"] / base if base and "p50" in figures else None
        rows.append({"runtime": runtime, "network": network, "to_plain": ratio, **figures})
    heads = {"runtime": "", "network": "", "p50": "p50 ms", "p99": "p99 ms", "to_plain": "to plain"}
    print_rows(rows, heads)
    ratios = [(f"{r['runtime']}, {r['network']}", r["to_plain"]) for r in rows if r["to_plain"]]
    settings = {"model": given.model, "seconds": given.seconds}
    chart = bar_rows(ratios, "median time of one picture, plain hourglass = 1")
    finish(make_record("folded", start, settings, rows), chart, given)


if __name__ == "__main__":
    main()
