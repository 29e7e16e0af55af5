"""`lmk adapter`: one file per category, to send to devices that have the core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmk.artifact.catalogue import format_of
from lmk.cli import options
from lmk.cli.echo import echo
from lmk.cli.point_rows import point_rows
from lmk.system.errors import UsageError

if TYPE_CHECKING:
    from lmk.system.signing import PublicKey

app = typer.Typer(
    help="Pack, verify and show adapters as single files; sign them and exported files.",
    no_args_is_help=True,
)

Bundle = Annotated[Path, typer.Argument(metavar="FILE", help="A .adapter file.")]
Signable = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="A .adapter file, or an exported file with its .json beside it."
    ),
]


@app.command()
def pack(
    model: options.ModelName,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="NAME.adapter", help="File to write.")
    ],
) -> None:
    """Pack an adapter, its manifest and its hashes into one file."""
    from lmk.model import bundle
    from lmk.model.folder import find_model

    found = find_model(model)
    if found.manifest.kind != "adapter":
        raise UsageError(
            f"{model} is a complete network, and only adapters can be packed: copy its folder"
        )
    digest = bundle.pack(found.manifest, found.stored(), found.core().manifest, output)
    echo(f"{output}  {output.stat().st_size / 1e6:.2f} MB, manifest {digest}")


@app.command()
def keygen(
    name: Annotated[
        Path,
        typer.Argument(metavar="NAME", help="Path of the keys without a suffix, such as keys/me."),
    ],
) -> None:
    """Make a pair of keys: NAME.key, which signs and stays secret, and NAME.pub, which verifies.

    NAME.key has no password: whoever reads it can sign in its place, so that only its owner may
    read the file. Keep a copy: it cannot be made again. Existing keys are never replaced.
    """
    from lmk.system.signing import PRIVATE, PUBLIC, make_keys

    key = make_keys(name)
    echo(f"{name}{PRIVATE}  keep it secret: it signs")
    echo(f"{name}{PUBLIC}  give it to those who verify: {key}")


@app.command()
def sign(
    file: Signable,
    key: Annotated[
        Path, typer.Option(metavar="NAME.key", help="Private key that lmk adapter keygen made.")
    ],
) -> None:
    """Sign an adapter file or an exported file.

    The signature goes into the .adapter file itself, or into the .json file beside an exported one,
    in place of an earlier one. It covers all that affects landmarks: the manifest with the hashes
    of the weights and of the core, or the .json file with the hash of the exported file.
    """
    from lmk.artifact.provenance import sign_exported
    from lmk.model.bundle import SUFFIX, sign_bundle
    from lmk.system.signing import public_key, read_private_key

    if not format_of(file) and file.suffix != SUFFIX:
        raise UsageError(
            f"expected a {SUFFIX} file or an exported file, got {file}: pack an adapter with  "
            f"lmk adapter pack MODEL -o NAME{SUFFIX}"
        )
    private = read_private_key(key)
    (sign_exported if format_of(file) else sign_bundle)(file, private)
    echo(f"{file}: signed by {public_key(private)}")


@app.command()
def verify(
    file: Signable,
    core: Annotated[
        str | None,
        typer.Option(
            help="Core that an adapter must belong to; by default the core is looked up on this "
            "machine."
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="NAME.pub",
            help="Public key that must have signed the file. Without it a signature is checked "
            "by the key that the file itself names, which says nothing about who signed.",
        ),
    ] = None,
) -> None:
    """Check the hashes and the signature of a file, and that an adapter folds into its core.

    Exit code 1 if the file was changed, or is not signed by the key that was given.
    """
    from lmk.system.signing import read_public_key

    given = None if key is None else read_public_key(key)
    if not format_of(file):
        _verify_adapter(file, core, given)
    elif core:
        raise UsageError(f"--core is for adapters, and {file} is an exported file: omit it")
    else:
        _verify_exported(file, given)
    if given:
        echo(f"signed by {key}, {given}")


def _verify_adapter(file: Path, core: str | None, key: PublicKey | None) -> None:
    from dataclasses import replace

    from lmk.model.bundle import SUFFIX, read_bundle
    from lmk.model.folder import find_model
    from lmk.system.signing import signer

    bundled = file.suffix == SUFFIX and file.is_file()
    signature = read_bundle(file).signature if bundled else None
    found = find_model(str(file), key or (signer(signature) if signature else None))
    if core:
        found = replace(found, given_core=find_model(core))
    found.folded()
    found.point_map()
    echo(f"{file}: manifest and weights are intact, folds into {found.core().manifest.name}")
    for name, words in point_rows(found.points).items():
        echo(f"{name}  {', '.join(words)}")
    if not key:
        _say_signature(signature)


def _verify_exported(file: Path, key: PublicKey | None) -> None:
    from lmk.artifact.provenance import check_unchanged, read_provenance
    from lmk.system.signing import signer

    signature = read_provenance(file).signature
    check_unchanged(file, key or (signer(signature) if signature else None))
    echo(f"{file}: unchanged since its export")
    if not key:
        _say_signature(signature)


def _say_signature(signature: str | None) -> None:
    """Say what is known of a signature without the key that it should be of."""
    from lmk.system.signing import signer

    if signature:
        echo(f"signed by {signer(signature)}: give --key NAME.pub to check whose key it is")
    else:
        echo("not signed")


@app.command()
def show(
    file: Bundle,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Print the contents of an adapter file."""
    from lmk.model.bundle import SUFFIX, read_bundle
    from lmk.model.points import NO_POINTS
    from lmk.system.signing import signer

    if file.suffix != SUFFIX:
        raise UsageError(
            f"expected a {SUFFIX} file, got {file}: for other models run  lmk models show MODEL"
        )
    bundle = read_bundle(file)
    manifest, signature = bundle.manifest, bundle.signature
    if as_json:
        typer.echo(json.dumps(manifest.content(), indent=2))
        return
    assert manifest.core is not None
    rows = {
        "name": manifest.name,
        "landmarks": manifest.num_landmarks,
        "core": f"{manifest.core.model} {manifest.core.sha256}",
        "weights": manifest.weights_sha256,
        "manifest": bundle.sha256,
        "signature": f"by {signer(signature)}, not checked" if signature else "none",
        "size": f"{file.stat().st_size / 1e6:.2f} MB",
        "figures": ", ".join(f"{name} {value}" for name, value in manifest.figures.items()),
        "license": manifest.license,
    }
    points = point_rows(manifest.points or NO_POINTS)
    rows |= {name: ", ".join(words) for name, words in points.items()}
    for name, value in rows.items():
        echo(f"{name:10}{value}")
