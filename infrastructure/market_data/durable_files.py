"""Files that are either absent or whole: written aside, synced, renamed, folder synced."""

import os
import secrets
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

CHUNK_BYTES = 1 << 20


def write_durably(target: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside the target, then put it in place for good."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
    try:
        write(temporary)
        sync(temporary)
        temporary.replace(target)
        sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_sha256(path: Path) -> str:
    """SHA-256 of the file's bytes, hex."""
    digest = sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
