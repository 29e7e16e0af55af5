"""Keys as files, and signatures by them."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from lmk.system import signing
from lmk.system.errors import OutputError, UnavailableError, UsageError, WeightsError
from lmk.system.signing import (
    PublicKey,
    make_keys,
    public_key,
    read_private_key,
    read_public_key,
    require_signature,
    sign,
)

# RFC 8032, section 7.1: TEST 1 and TEST 2
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
        "b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
        "1d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_signatures_of_rfc_8032_hold_and_no_others(key, message, signature) -> None:
    known, said, signed = PublicKey(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert known.verifies(signed, said)
    assert not known.verifies(signed, said + b"\0")
    assert not PublicKey(VECTORS[0][0][::-1]).verifies(signed, said)
    for place in range(64):
        changed = bytearray(signed)
        changed[place] ^= 1
        assert not known.verifies(bytes(changed), said)
    assert not known.verifies(signed[:-1], said)


def test_a_signature_with_a_multiple_of_the_order_added_does_not_hold() -> None:
    key, message, signature = VECTORS[1]
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(bytes.fromhex(signature)[32:], "little") + order
    other = bytes.fromhex(signature)[:32] + scalar.to_bytes(32, "little")
    assert not PublicKey(key).verifies(other, bytes.fromhex(message))


def test_a_pair_of_keys_signs_and_verifies_and_only_its_owner_reads_the_private_one(
    tmp_path: Path,
) -> None:
    before = os.umask(0)
    try:
        made = make_keys(tmp_path / "new" / "my.org")
    finally:
        os.umask(before)
    private, public = (tmp_path / "new" / f"my.org{suffix}" for suffix in (".key", ".pub"))
    assert public.read_text() == f"lmk-ed25519 {made.digits}\n"
    assert read_public_key(public) == made == public_key(read_private_key(private))
    assert private.read_text().startswith("-----BEGIN PRIVATE KEY-----\n")
    if os.name == "posix":
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
        assert stat.S_IMODE(public.stat().st_mode) == 0o644
    signature = sign(b"text", read_private_key(private))
    require_signature(Path("a"), signature, b"text", made)


@pytest.mark.parametrize("there", [".key", ".pub"])
def test_keys_are_never_replaced(tmp_path: Path, there: str) -> None:
    earlier = tmp_path / f"me{there}"
    earlier.write_text("earlier")
    with pytest.raises(UsageError, match=rf"me\{there} already exists"):
        make_keys(tmp_path / "me")
    assert [path.name for path in tmp_path.iterdir()] == [earlier.name]
    assert earlier.read_text() == "earlier"


def test_a_key_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "me.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"me\.key already exists"):
        make_keys(tmp_path / "me")
    assert not (tmp_path / "elsewhere").exists()


def test_one_key_alone_is_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "me.pub").symlink_to(tmp_path / "absent" / "me.pub")
    with pytest.raises((UsageError, OutputError)):
        make_keys(tmp_path / "me")
    assert not (tmp_path / "me.key").exists()
    with pytest.raises(UsageError, match="not a name for keys"):
        make_keys(Path())


DIGITS = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"lmk-ed25519",
        f"lmk-ed25519 {DIGITS[:-1]}\n".encode(),
        f"lmk-ed25519 {DIGITS}0\n".encode(),
        f"lmk-ed25519 {DIGITS.upper()}\n".encode(),
        f"lmk-ed25519  {DIGITS}\n".encode(),
        f" lmk-ed25519 {DIGITS}\n".encode(),
        f"lmk-ed25519 {DIGITS} \n".encode(),
        f"lmk-ed25519 {DIGITS}\n\n".encode(),
        f"lmk-ed25519 {DIGITS}\nlmk-ed25519 {DIGITS}\n".encode(),
        f"lmk-ed448 {DIGITS}\n".encode(),
        f"lmk-ed25519 {DIGITS}\n".encode("utf-16"),
        f"{DIGITS}\n".encode(),
        bytes(range(32)),
        b"lmk-ed25519 " + "\u0661".encode() * 64,
    ],
)
def test_anything_but_one_line_with_a_key_is_no_public_key(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pub").write_bytes(content)
    with pytest.raises(UsageError, match="is not a public key: expected the line"):
        read_public_key(tmp_path / "a.pub")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_public_key_may_have_the_line_end_of_any_system(tmp_path: Path, end: str) -> None:
    (tmp_path / "a.pub").write_bytes(f"lmk-ed25519 {DIGITS}{end}".encode())
    assert read_public_key(str(tmp_path / "a.pub")).digits == DIGITS


def test_files_that_are_no_private_keys_are_refused(tmp_path: Path) -> None:
    path, key = tmp_path / "a.key", ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    contents = [
        b"",
        pem[:60],
        pem[:-30],
        pem.replace(b"PRIVATE", b"PUBLIC"),
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a")),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
        f"lmk-ed25519 {DIGITS}\n".encode(),
    ]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"a\.key is not a private key") as caught:
            read_private_key(path)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
@pytest.mark.parametrize("read", [read_public_key, read_private_key])
def test_only_regular_files_of_a_few_bytes_are_read_as_keys(tmp_path: Path, read) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"\0" * 20_000)
    for name, words in [
        ("pipe", "a device or a pipe"),
        ("large", "at most"),
        ("", "it is a folder"),
        ("absent", "No such file"),
    ]:
        with pytest.raises(UsageError, match=words):
            read(tmp_path / name)


def test_what_does_not_hold_says_what_was_expected(tmp_path: Path) -> None:
    key, other = make_keys(tmp_path / "a"), make_keys(tmp_path / "b")
    signature, file = sign(b"text", read_private_key(tmp_path / "a.key")), Path("x.adapter")
    with pytest.raises(WeightsError, match=r"x\.adapter is not signed, expected a signature by"):
        require_signature(file, None, b"text", key)
    with pytest.raises(WeightsError, match=f"signed by {key}, expected {other}"):
        require_signature(file, signature, b"text", other)
    with pytest.raises(WeightsError, match=r"x\.adapter was changed after it was signed"):
        require_signature(file, signature, b"text.", key)
    renamed = signature.replace(key.digits, other.digits)
    with pytest.raises(WeightsError, match="was changed after it was signed"):
        require_signature(file, renamed, b"text", other)


def test_without_cryptography_nothing_holds_and_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_keys(tmp_path / "a")
    signature = sign(b"text", read_private_key(tmp_path / "a.key"))
    module = "cryptography.hazmat.primitives.asymmetric"
    monkeypatch.setitem(sys.modules, module, None)
    for call in (
        lambda: require_signature(Path("x"), signature, b"text", key),
        lambda: make_keys(tmp_path / "b"),
        lambda: read_private_key(tmp_path / "a.key"),
    ):
        with pytest.raises(UnavailableError, match=r"cryptography is not .*lmk-toolkit\[sign\]"):
            call()
    assert signing.read_public_key(tmp_path / "a.pub") == key
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.key", "a.pub"]
