"""Uploaded files, kept under the hash of their bytes until a job reads them."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fastapi import UploadFile

from infrastructure.market_data.durable_files import write_durably

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """Where the bytes lie, and their hash."""

    name: str
    sha256: str


def keep_upload(file: UploadFile, folder: Path) -> Upload:
    """Store the upload under the hash of its bytes: the same file sent twice is one file."""
    digest = sha256()
    while chunk := file.file.read(CHUNK_BYTES):
        digest.update(chunk)
    upload = Upload(f"{digest.hexdigest()}.upload", digest.hexdigest())

    def copy(target: Path) -> None:
        file.file.seek(0)
        with target.open("wb") as stream:
            while part := file.file.read(CHUNK_BYTES):
                stream.write(part)

    if not (folder / upload.name).is_file():
        write_durably(folder / upload.name, copy)
    return upload
