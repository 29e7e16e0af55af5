"""Ed25519 signatures, and their keys as files: NAME.key, which stays secret, and NAME.pub.

A signature promises that who has NAME.key signed this content, and nothing more: it has no time, no
end, and no list of keys that were withdrawn. A public key is as short as a SHA-256, so it is shown
as it is in NAME.pub, and has no fingerprint.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmk.system.errors import UsageError, WeightsError, missing_extra
from lmk.system.files import sync, writing
from lmk.system.reading import read_bytes, reason_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PRIVATE, PUBLIC = ".key", ".pub"
KIND = "lmk-ed25519"
PUBLIC_KEY = re.compile(rf"{KIND} ([0-9a-f]{{64}})\r?\n?".encode())
MOST_BYTES = 10_000  # those of lmk have some hundred


@dataclass(frozen=True)
class PublicKey:
    """A public key; `digits` are its 32 bytes as 64 lower-case hexadecimal digits."""

    digits: str

    def __str__(self) -> str:
        return f"{KIND} {self.digits}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether a signature of 64 bytes is that of this key over a message.

        Raises UnavailableError without cryptography.
        """
        key = _ed25519().Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.digits))
        from cryptography.exceptions import InvalidSignature

        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def make_keys(name: Path) -> PublicKey:
    """Make a pair of keys and write NAME.key, which only its owner may read, and NAME.pub.

    Raises UsageError when one of them exists, OutputError, and UnavailableError without
    cryptography.
    """
    if name.name in ("", "..") or name.is_dir():
        raise UsageError(f"{name} is not a name for keys: give one such as  lmk adapter keygen me")
    private, public = (name.with_name(name.name + suffix) for suffix in (PRIVATE, PUBLIC))
    key = _ed25519().Ed25519PrivateKey.generate()
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    known = public_key(key)
    for file in (private, public):
        if file.exists():
            raise _exists(file)
    _write_new(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    try:
        _write_new(public, f"{known}\n".encode(), 0o644)
    except BaseException:
        private.unlink()
        raise
    return known


def read_public_key(path: str | os.PathLike[str]) -> PublicKey:
    """Read NAME.pub. Raises UsageError for any other file."""
    try:
        found = PUBLIC_KEY.fullmatch(read_bytes(Path(path), MOST_BYTES))
    except OSError as error:
        raise UsageError(f"{path} cannot be read as a public key: {reason_of(error)}") from error
    if not found:
        raise UsageError(
            f"{path} is not a public key: expected the line  {KIND} HEX  with 64 hexadecimal "
            f"digits. Give the NAME{PUBLIC} that  lmk adapter keygen NAME  writes"
        )
    return PublicKey(found[1].decode())


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read NAME.key. Raises UsageError for any other file, UnavailableError."""
    ed25519 = _ed25519()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key: Any = load_pem_private_key(read_bytes(path, MOST_BYTES), None)
    except OSError as error:
        raise UsageError(f"{path} cannot be read as a private key: {reason_of(error)}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a password
        key = None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise UsageError(
            f"{path} is not a private key: expected Ed25519 in PEM without a password. Give the "
            f"NAME{PRIVATE} that  lmk adapter keygen NAME  writes"
        )
    return key  # type: ignore[no-any-return]


def sign(message: bytes, key: Ed25519PrivateKey) -> str:
    """Sign a message; return a `Signature`, which names the public key."""
    return f"{public_key(key)} {key.sign(message).hex()}"


def signer(signature: str) -> PublicKey:
    """The key that a `Signature` names, which says nothing about who made it."""
    return PublicKey(signature.split()[1])


def require_signature(file: Path, signature: str | None, message: bytes, key: PublicKey) -> None:
    """Raise WeightsError unless a file's `Signature` is that of a key over a message.

    Raises UnavailableError without cryptography.
    """
    if signature is None:
        raise WeightsError(
            f"{file} is not signed, expected a signature by {key}: get the signed file from its "
            f"origin, or sign it with  lmk adapter sign {file} --key NAME{PRIVATE}"
        )
    if signer(signature) != key:
        raise WeightsError(
            f"{file} is signed by {signer(signature)}, expected {key}: get the file from the owner "
            f"of that key, or give the NAME{PUBLIC} of another key that you trust"
        )
    if not key.verifies(bytes.fromhex(signature.split()[2]), message):
        raise WeightsError(
            f"{file} was changed after it was signed (the signature by {key} is of other "
            "content): get the file again from its origin"
        )


def public_key(key: Ed25519PrivateKey) -> PublicKey:
    """The public key of a private one."""
    return PublicKey(key.public_key().public_bytes_raw().hex())


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not exist yet, from its first moment with this mode."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError as error:
            raise _exists(path) from error
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            sync(file)


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} already exists, and keys are never replaced: choose another name")


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise missing_extra("cryptography", "sign") from error
    return ed25519
