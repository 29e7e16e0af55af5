"""For each kind of file a valid one, its damage, and all that lmk does with it."""

from __future__ import annotations

import json
import random
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from colour_detector import METADATA, save_detector
from named_models import random_map
from random_models import make_student, save_model

from fuzz.mutate import (
    NASTY,
    Change,
    change_file,
    change_json,
    change_object,
    change_text,
    of_bytes,
    of_json,
)
from lmk.artifact.onnx_model import build_onnx
from lmk.exporting.fold_on_device import fold_to_onnx
from lmk.model.bundle import pack, read_bundle
from lmk.model.folder import Model, find_model
from lmk.model.named_folder import write_named
from lmk.model.points import NamedPoints, PointSearch, heatmap_grid
from lmk.model.weights import content_sha256, load_weights, save_weights
from lmk.networks.projection import adapter_state, project
from lmk.networks.state import arrays_of, state_of
from lmk.system.progress import Reporter

CORE_LANDMARKS, LANDMARKS = 14, 7


class Silent(Reporter):
    def say(self, message: str) -> None: ...

    def warn(self, message: str) -> None: ...


@dataclass(frozen=True)
class Target:
    """make: writes valid files into a folder. damage: breaks one. use: reads and runs them."""

    name: str
    make: Callable[[Path], None]
    damage: Change
    use: Callable[[Path], None]


# Model folders and adapter files


def make_models(folder: Path) -> None:
    """A core of the smallest network, an adapter with a framing, and the adapter's file."""
    network = make_student("tiny", CORE_LANDMARKS)
    arrays, name = arrays_of(state_of(network)), network.architecture.name
    core = save_model(folder / "core", "core", arrays, CORE_LANDMARKS, architecture=name)
    projected = project(network, LANDMARKS)
    adapter_arrays = arrays_of(adapter_state(projected))
    adapter = save_model(
        folder / "adapter", "fox", adapter_arrays, LANDMARKS, core, architecture=name
    )
    manifest = adapter.folder / "manifest.json"
    content = json.loads(manifest.read_text())
    content["framing"] = {
        "landmarks_input": [[20.0 + 9 * k, 40.0 + 5 * k] for k in range(LANDMARKS)],
        "spread_px": 2.5,
        "score": 0.5,
        "finder": "landmarks",
        "finder_box": [0.1, 0.1, 0.8, 0.8],
        "input_size": 128,
        "find_scores": [0.3, 0.05],
    }
    content["mirrored"] = [1, 0, 2, 3, 4, 6, 5]
    content["landmark_names"] = [f"point {k}" for k in range(LANDMARKS)]
    content["training"] = {
        "steps": 10,
        "settings": {"task": "train", "steps": 10},
        "teachers": [{"name": "a", "sha256": "0" * 64}],
    }
    content["figures"] = {"forward %": 6.5, "measured on": "foxes"}
    manifest.write_text(json.dumps(content))
    found = with_points(find_model(str(adapter.folder)))
    pack(found.manifest, found.stored(), core.manifest, folder / "fox.adapter")


def with_points(model: Model) -> Model:
    """The model in its own folder, with three named points that are searched for."""
    architecture = model.architecture
    search = PointSearch(
        np.ones((3, sum(architecture.point_features.values())), np.float32),
        8.0,
        heatmap_grid(architecture.heatmap_size, architecture.stride),
    )
    point_map = replace(random_map(LANDMARKS, 3), search=search)
    points = NamedPoints(("left eye", "right eye", "n\xf6se"), ((0, 2), (1, 2)))
    facts = {"pictures": 10}
    return write_named(model, points, point_map, model.folder, model.manifest.name, facts)


def use_model(path: Path, folder: Path) -> None:
    """Everything that `lmk fold`, `models show`, `run` and `export` read of a model."""
    model = find_model(str(path))
    assert model.manifest.facts.teachers is not None
    assert model.reference
    model.manifest.write(folder / "written")
    fold_to_onnx(model, find_model(str(folder / "core")), folder / "out")


def damage_manifest_in_bundle(random: random.Random, path: Path) -> None:
    """Damage the manifest in an adapter file, with the right hash of the damaged text."""
    import hashlib

    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    text = header["__metadata__"]["manifest"]
    if random.random() < 0.8:
        changed = json.dumps(change_json(random, json.loads(text)))
    else:
        changed = change_text(random, text).decode("utf-8", "replace")
    sha256 = hashlib.sha256(changed.encode("utf-8", "surrogatepass")).hexdigest()
    header["__metadata__"] |= {"manifest": changed, "manifest_sha256": sha256}
    if random.random() < 0.1:
        header = change_json(random, header)
    written = json.dumps(header).encode("utf-8", "surrogatepass")
    path.write_bytes(struct.pack("<Q", len(written)) + written + data[8 + length :])


def use_bundle(folder: Path) -> None:
    read_bundle(folder / "fox.adapter")
    use_model(folder / "fox.adapter", folder)


def damage_weights(random: random.Random, folder: Path) -> None:
    """Damage the arrays of the core or the adapter, with the right hash in the manifest."""
    which = folder / random.choice(["core", "adapter"])
    manifest = json.loads((which / "manifest.json").read_text())
    file = which / manifest["weights_file"]
    arrays = dict(load_weights(file))
    name = random.choice(sorted(arrays))
    value = arrays[name]
    kinds: list[Callable[[], np.ndarray | None]] = [
        lambda: None,
        lambda: value[..., :1],
        lambda: value[None],
        lambda: value.reshape(-1),
        lambda: np.zeros((0, *value.shape[1:]), np.float32),
        lambda: np.repeat(value, 2, 0),
        lambda: np.float32(1),
        lambda: np.full_like(value, np.nan),
        lambda: np.full_like(value, np.inf),
        lambda: np.full_like(value, 1e30),
        lambda: np.zeros((1 << 20, 1, 1, 1), np.float32),
        lambda: np.zeros((3, 3, 200, 200), np.float32),
    ]
    changed = random.choice(kinds)()
    if changed is None:
        del arrays[name]
    else:
        arrays[random.choice([name, name, name, "more.weight", "a(1,)AAAAb", "../x"])] = changed
    save_weights(file, arrays)
    try:
        manifest["weights_sha256"] = content_sha256(load_weights(file))
    except Exception:  # such as NaN, which is what is tried
        return
    (which / "manifest.json").write_text(json.dumps(manifest))
    if which.name == "core":
        other = folder / "adapter" / "manifest.json"
        content = json.loads(other.read_text())
        content["core"]["sha256"] = manifest["weights_sha256"]
        other.write_text(json.dumps(content))


def use_weights(folder: Path) -> None:
    use_model(folder / "adapter", folder)
    build_onnx(find_model(str(folder / "core")))


# Exported files


def make_exported(folder: Path) -> None:
    """A small ONNX model with all metadata, and an adapter folded on the device."""
    make_models(folder)
    fold_to_onnx(find_model(str(folder / "adapter")), find_model(str(folder / "core")), folder)
    manifest = json.loads((folder / "adapter" / "manifest.json").read_text())
    framing = manifest["framing"] | {"landmarks_input": [[20, 30], [60, 40], [50, 90]]}
    save_detector(folder / "dots.onnx", METADATA | {"framing": json.dumps(framing)})


def damage_metadata(random: random.Random, path: Path) -> None:
    """Damage the metadata of an ONNX file, and the framing in it."""
    import onnx

    proto = onnx.load(str(path))
    values = {entry.key: entry.value for entry in proto.metadata_props}
    key = random.choice([*values, "framing"])
    if key == "framing":
        framing = change_json(random, json.loads(values[key]))
        values[key] = json.dumps(framing)
        if random.random() < 0.3:
            values[key] = change_text(random, values[key]).decode("utf-8", "replace")
    elif random.random() < 0.2:
        del values[key]
    else:
        text = str(random.choice(NASTY)).encode("utf-8", "replace").decode()
        values[key] = text.replace("\0", "")
    onnx.helper.set_model_props(proto, values)
    path.write_bytes(proto.SerializeToString())


def use_onnx(runtime: str) -> Callable[[Path], None]:
    def use(folder: Path) -> None:
        from lmk.inference.landmarker import Landmarker

        image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
        found = Landmarker(folder / "dots.onnx", runtime)(image)
        assert found.xy.shape[1:] == (3, 2)

    return use


def make_ncnn(folder: Path) -> None:
    """A student with named points that are searched for, as ncnn's two files."""
    from lmk.artifact.ncnn.from_onnx import ncnn_of
    from lmk.artifact.ncnn.network import write_ncnn

    make_models(folder)
    write_ncnn(ncnn_of(build_onnx(find_model(str(folder / "adapter")))), folder / "fox.ncnn.param")


def damage_param(random: random.Random, path: Path) -> None:
    """Damage a word of the text, or the text as a whole."""
    if random.random() < 0.2:
        path.write_bytes(change_text(random, path.read_text()))
        return
    if random.random() < 0.05:
        change_file(random, path)
        return
    rows = path.read_text().split("\n")
    at = random.randrange(len(rows) - 1)
    words = rows[at].split(" ")
    place = random.randrange(len(words))
    name, equals, _ = words[place].partition("=")
    values = ["0", "-1", "1", "7", "-233", "65536", "999999999", "2147483648", "1.0e+30", "nan", ""]
    changed = f"{name}={random.choice(values)}" if equals else random.choice(values)
    kinds: list[Callable[[], list[str]]] = [
        lambda: [*words[:place], changed, *words[place + 1 :]],
        lambda: [*words[:place], *words[place + 1 :]],
        lambda: [*words, words[place]],
        lambda: random.choice(rows).split(" "),
    ]
    rows[at] = " ".join(random.choice(kinds)())
    path.write_bytes("\n".join(rows).encode("utf-8", "replace"))


def use_ncnn(folder: Path) -> None:
    from lmk.inference.landmarker import Landmarker

    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    found = Landmarker(folder / "fox.ncnn.param", region="center")(image)
    assert found.xy.shape == (1, LANDMARKS, 2)


def make_litert(folder: Path) -> None:
    """The adapter in LiteRT, in float32 with its named points, and in int8."""
    from lmk.artifact.litert.convert import to_litert
    from lmk.artifact.litert.write import write
    from lmk.exporting.int8 import always_kept, calibrate

    make_models(folder)
    model = find_model(str(folder / "adapter"))
    proto, crops = build_onnx(model), np.random.default_rng(0).integers(0, 255, (2, 128, 128, 3))
    ranges = calibrate(proto, model.architecture, crops.astype(np.uint8), False, lambda: None)
    whole = ranges.quantize(always_kept(model.architecture))
    for name, graph in (("fox", proto), ("fox-int8", whole)):
        (folder / f"{name}.tflite").write_bytes(write(to_litert(graph)))


def damage_litert_graph(random: random.Random, folder: Path) -> None:
    """Write a flatbuffer that is whole, some of whose values are wrong."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    path = folder / random.choice(["fox.tflite", "fox-int8.tflite"])
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes())
    for _ in range(random.choice([1, 1, 3])):
        change_object(
            random,
            random.choice(
                [
                    model,
                    *model.subgraphs,
                    *model.subgraphs[0].operators,
                    *model.subgraphs[0].tensors,
                    *model.buffers,
                ]
            ),
        )
    builder = flatbuffers.Builder(1 << 20)
    try:
        builder.Finish(model.Pack(builder), b"TFL3")
    except Exception:  # of a value that no file can hold
        return
    path.write_bytes(builder.Output())


def use_litert(folder: Path) -> None:
    from lmk.inference.landmarker import Landmarker

    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    for name in ("fox", "fox-int8"):
        found = Landmarker(folder / f"{name}.tflite", "litert", region="center")(image)
        assert found.xy.shape[1:] == (LANDMARKS, 2)


def use_sidecar(folder: Path) -> None:
    from lmk.artifact.provenance import check_unchanged

    known = check_unchanged(folder / "fox.onnx")
    assert known.command.startswith("lmk ")


def make_choice(folder: Path) -> None:
    from lmk.inference.backends.saved_choice import (
        Choice,
        machine_identity,
        runtime_versions,
        save_choice,
    )
    from lmk.system.files import sha256_of

    make_exported(folder)
    model = find_model(str(folder / "core"))
    file = folder / "fox.onnx"
    save_choice(
        Choice(
            model=model.reference,
            model_sha256=model.exported_sha256,
            machine=machine_identity("cpu"),
            versions=runtime_versions(),
            runtime="onnxruntime",
            device="cpu",
            precision="fp32",
            threads=1,
            file=str(file),
            file_sha256=sha256_of(file),
            p50_ms=1.0,
            mean_px=0.1,
        )
    )


def damage_choice(random: random.Random, path: Path) -> None:
    (file,) = path.rglob("choices/*.json")
    of_json(random, file)


def use_choice(folder: Path) -> None:
    from lmk.inference.backends.select import open_backend

    open_backend(str(folder / "core"), threads=1)


# Sets of pictures


def make_pictures(folder: Path) -> None:
    from lmk.data.drawn import write_foxes
    from lmk.data.pack import pack as pack_set

    keypoints = write_foxes(folder / "foxes", 4, 0, Silent())
    pack_set(keypoints, folder / "packed", Silent(), 64)
    shutil.move(keypoints, folder / "foxes" / "set.json")


def use_coco(folder: Path) -> None:
    from lmk.data.annotations import image_paths, read_annotations
    from lmk.data.coco import load_keypoints

    image_paths(folder / "foxes" / "set.json")
    read_annotations(folder / "foxes" / "set.json", Silent())
    load_keypoints(folder / "foxes" / "set.json", Silent())


def use_packed(folder: Path) -> None:
    from lmk.data.packed import verify

    packed = verify(folder / "packed", Silent())
    assert packed.crops[:2].shape[1:] == (64, 64, 3)


def use_picture(folder: Path) -> None:
    from lmk.data.decode import large_pictures, read_crop, read_image

    for path in sorted((folder / "pictures").iterdir()):
        with large_pictures():
            assert read_image(path).ndim == 3
            assert read_crop(path, 64)[0].shape == (64, 64, 3)


def make_picture(suffix: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from PIL import Image

        (folder / "pictures").mkdir()
        values = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
        picture = Image.fromarray(values)
        more = {"save_all": True, "append_images": [picture] * 3} if suffix == "gif" else {}
        picture.save(folder / "pictures" / f"a.{suffix}", **more)

    return make


# Trainings


def make_config(folder: Path) -> None:
    from dataclasses import asdict

    from lmk.training.config_file import write_config
    from lmk.training.options import AdaptOptions

    values = asdict(AdaptOptions()) | {"images": str(folder / "foxes"), "core": "core-pose"}
    write_config(folder, values)


def damage_config(random: random.Random, path: Path) -> None:
    import yaml

    if random.random() < 0.8:
        content = change_json(random, yaml.safe_load(path.read_text()))
        text = json.dumps(content)  # which is YAML, too
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    else:
        path.write_bytes(change_text(random, path.read_text()))


def use_config(folder: Path) -> None:
    from click.testing import CliRunner
    from typer.main import get_command

    from lmk.cli import app
    from lmk.system.errors import DataError, UsageError

    arguments = ["train", "--config", str(folder / "config.yaml"), "-o", str(folder / "run")]
    result = CliRunner().invoke(get_command(app), [*arguments, "--dry-run"])
    if isinstance(result.exception, DataError):
        return  # there are no pictures, which is found after the options were read
    if isinstance(result.exception, Exception):
        raise result.exception
    if result.exit_code:
        raise UsageError(result.output[-500:])


CHECKPOINT_SETTINGS = {"task": "train", "steps": 10, "seed": 0}


def write_checkpoint(path: Path, changed: dict[str, Any]) -> None:
    import torch

    content = {
        "steps": 5,
        "minutes": 0.5,
        "best": 1.5,
        "settings": CHECKPOINT_SETTINGS,
        "compute": "cpu",
        "modules": {"network": {"a": torch.ones(3)}},
        "optimizer": {"state": {}},
    }
    torch.save(content | changed, path)


def make_checkpoint(folder: Path) -> None:
    write_checkpoint(folder / "checkpoint.pt", {})


def damage_checkpoint(random: random.Random, path: Path) -> None:
    if random.random() < 0.5:
        plain = {"steps": 5, "minutes": 0.5, "best": 1.5, "settings": CHECKPOINT_SETTINGS}
        changed = change_json(random, plain)
        write_checkpoint(path, changed if isinstance(changed, dict) else {"settings": changed})
    else:
        of_bytes(random, path)


def use_checkpoint(folder: Path) -> None:
    from lmk.training.checkpoint import check_settings

    check_settings(folder, CHECKPOINT_SETTINGS)


def named(name: str, change: Change) -> Change:
    """A change of one file, as a change of the folder that it is in."""
    return lambda random, folder: change(random, folder / name)


def picture(suffix: str) -> Target:
    damage = named(f"pictures/a.{suffix}", of_bytes)
    return Target(f"picture {suffix}", make_picture(suffix), damage, use_picture)


def of_labels() -> list[Target]:
    """What `lmk label` reads, where its packages are."""
    if not (find_spec("pyarrow") and find_spec("fsspec")):
        return []
    from fuzz import label_files

    def use_file(name: str) -> Callable[[Path], None]:
        return lambda folder: label_files.use(folder / name)

    make = label_files.make
    return [
        *(
            Target(f"labelled {name}", make, named(name, of_bytes), use_file(name))
            for name in ("shard.tar", "shard.parquet")
        ),
        Target(
            "labels' manifest",
            make,
            named("out/manifest.json", of_json),
            lambda folder: label_files.use_manifest(folder / "out"),
        ),
    ]


TARGETS = [
    Target(
        "manifest",
        make_models,
        named("adapter/manifest.json", of_json),
        lambda folder: use_model(folder / "adapter", folder),
    ),
    Target(
        "bundle's manifest",
        make_models,
        named("fox.adapter", damage_manifest_in_bundle),
        use_bundle,
    ),
    Target("bundle", make_models, named("fox.adapter", of_bytes), use_bundle),
    Target("weights", make_models, damage_weights, use_weights),
    Target(
        "weights file",
        make_models,
        named("core/weights.safetensors", of_bytes),
        lambda folder: use_model(folder / "adapter", folder),
    ),
    Target(
        "metadata, ONNX Runtime",
        make_exported,
        named("dots.onnx", damage_metadata),
        use_onnx("onnxruntime"),
    ),
    Target(
        "metadata, OpenVINO",
        make_exported,
        named("dots.onnx", damage_metadata),
        use_onnx("openvino"),
    ),
    Target("ncnn, layers", make_ncnn, named("fox.ncnn.param", damage_param), use_ncnn),
    Target("ncnn, weights", make_ncnn, named("fox.ncnn.bin", of_bytes), use_ncnn),
    Target("LiteRT file", make_litert, named("fox.tflite", of_bytes), use_litert),
    Target("LiteRT graph", make_litert, damage_litert_graph, use_litert),
    Target("sidecar", make_exported, named("fox.onnx.json", of_json), use_sidecar),
    Target("saved choice", make_choice, damage_choice, use_choice),
    Target("COCO", make_pictures, named("foxes/set.json", of_json), use_coco),
    Target("packed index", make_pictures, named("packed/index.json", of_json), use_packed),
    Target("packed crops", make_pictures, named("packed/crops.npy", of_bytes), use_packed),
    Target("packed points", make_pictures, named("packed/keypoints.npz", of_bytes), use_packed),
    Target("config", make_config, named("config.yaml", damage_config), use_config),
    Target(
        "checkpoint", make_checkpoint, named("checkpoint.pt", damage_checkpoint), use_checkpoint
    ),
    *(picture(suffix) for suffix in ("png", "jpg", "webp", "gif", "bmp", "tif")),
    *of_labels(),
]
