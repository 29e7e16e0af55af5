"""Label very many pictures with a model: the work of `lmk label` in one call."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from lmk.labelling.cluster import label_on_cluster
from lmk.labelling.inputs.listing import list_shards
from lmk.labelling.inputs.shard import Shard
from lmk.labelling.manifest import Manifest, read_manifest
from lmk.labelling.model import LabelModel, open_label_model, with_runtime
from lmk.labelling.options import ROWS_PER_FILE, LabelOptions
from lmk.labelling.part import Counts, read_counts, read_errors
from lmk.labelling.place import PARTIAL, Place, open_place
from lmk.labelling.plan import Plan, write_plan
from lmk.labelling.work import Worker
from lmk.system.files import beside, check_writable
from lmk.system.lock import held
from lmk.system.machine import usable_cores
from lmk.system.progress import Reporter

SKIPPED = "skipped.txt"
File = str | os.PathLike[str]


@dataclass(frozen=True)
class Labelled:
    """A finished output: its address, its parts, how many were there before, and its counts."""

    output: str
    parts: int
    earlier: int
    counts: Counts


def label(
    source: File,
    output: File,
    model: File,
    *,
    region: str = "",
    runtime: str = "auto",
    device: str | None = None,
    precision: str | None = None,
    image_column: str = "image",
    rows_per_file: int = ROWS_PER_FILE,
    cluster: str | None = None,
    report: Reporter | None = None,
) -> Labelled:
    """Find the landmarks of all pictures of a source, and write them as Parquet files.

    Does the same as `lmk label`, with the same options. source: a folder, a text list of files,
    Parquet with image bytes, a WebDataset tar, a video, or a pattern with *; a path or an address
    of fsspec. output: a folder, which gets part-*.parquet (the columns are in `rows.SCHEMA`),
    manifest.json, inputs.jsonl and, if inputs cannot be used, skipped.txt. Called again with the
    same arguments it does what is missing. cluster: "auto" or the address of a cluster of Ray; None
    for this process.

        import lmk

        done = lmk.label("photos/", "labels", "faces-small")
        print(done.counts.inputs, done.counts.objects, done.counts.errors)

    Coordinates are pixels of the upright picture, (0, 0) the centre of the top-left one. Raises
    UsageError, also for an output of other settings, DataError for a source that cannot be read,
    WeightsError, OutputError and UnavailableError.
    """
    options = LabelOptions(
        os.fspath(model), region, runtime, device, precision, image_column, rows_per_file
    )
    options = with_runtime(options)
    report, from_, to = report or Reporter(), open_place(source), open_place(output)
    with ExitStack() as stack:
        if to.local:
            check_writable(to.local)
            stack.enter_context(held(beside(to.local, "lock"), to.local))
        earlier = read_manifest(to)
        opened = open_label_model(options, report)
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="lmk-")))
        per_shard = max(options.rows_per_file // opened.places, 1)
        shards = list_shards(from_, per_shard, options.image_column, report)
        plan = write_plan(scratch / "plan", shards)
        manifest = _manifest(options, opened, from_, plan)
        if earlier:
            manifest.check_same(earlier, to)
            manifest = replace(earlier, counts=None)
        _prepare(to, plan, manifest)
        return _run(_Job(options, opened, from_, to, plan, manifest, cluster), report)


@dataclass(frozen=True, eq=False)
class _Job:
    options: LabelOptions
    model: LabelModel
    source: Place
    output: Place
    plan: Plan
    manifest: Manifest
    cluster: str | None

    def work(self, shards: Iterator[Shard]) -> Iterator[Counts]:
        """Label shards here or in the cluster; the parts need not come in order."""
        if self.cluster is None:
            threads = len(usable_cores())
            worker = Worker(self.model, self.options, self.output, self.source, threads)
            return map(worker.label, shards)
        places = self.output.address, self.source.address
        return label_on_cluster(self.cluster, self.options, self.model.sha256, *places, shards)


def _manifest(options: LabelOptions, model: LabelModel, source: Place, plan: Plan) -> Manifest:
    settings, landmarker = asdict(options), model.landmarker
    for name in ("model", "runtime"):  # which have fields of their own
        del settings[name]
    return Manifest(
        source=str(source),
        settings=settings,
        model=model.name,
        model_sha256=model.sha256,
        runtime=landmarker.backend.name,
        runtime_description=landmarker.backend.description,
        landmarks=landmarker.num_landmarks,
        points=list(landmarker.point_names),
        inputs_sha256=plan.sha256,
        parts=plan.parts,
    )


def _prepare(output: Place, plan: Plan, manifest: Manifest) -> None:
    """Write what says how the output is made, and remove what a killed process has left."""
    output.make_folder()
    _remove_partial(output)
    plan.copy_to(output)
    manifest.write(output)


def _remove_partial(output: Place) -> None:
    for place in output.entries():
        if place.path.endswith(PARTIAL):
            place.remove()


def _run(job: _Job, report: Reporter) -> Labelled:
    output, plan = job.output, job.plan
    there = {place.path.rpartition("/")[2] for place in output.entries()}
    missing = (shard for shard in job.plan if shard.part not in there)
    earlier = sum(shard.part in there for shard in plan)
    if earlier:
        report.say(f"{earlier:,} of {plan.parts:,} files are there from an earlier run")
    inputs = 0
    with report.bar("labelling, files", plan.parts, earlier) as bar:
        first = next(missing, None)  # a cluster is not started for nothing
        for counts in () if first is None else job.work(chain([first], missing)):
            inputs += counts.inputs
            bar.advance(note=f"{inputs:,} inputs")
    _remove_partial(output)  # of workers that died
    total = _summed(output, plan)
    replace(job.manifest, counts=total).write(output)
    return Labelled(str(output), plan.parts, earlier, total)


def _summed(output: Place, plan: Plan) -> Counts:
    """The counts of all parts; their inputs that cannot be used are listed in a file."""
    total = Counts()
    with (output / SKIPPED).replacing() as file:
        for shard in plan:
            counts = read_counts(output / shard.part)
            total.add(counts)
            if counts.errors:
                lines = (f"{name}: {why}\n" for name, why in read_errors(output / shard.part))
                file.writelines(line.encode(errors="backslashreplace") for line in lines)
    if not total.errors:
        (output / SKIPPED).remove()
    return total
