"""Uploaded files, kept under the hash of their bytes until a job reads them."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request, UploadFile
from fastapi.concurrency import run_in_threadpool

from app.api.wire import MalformedJson, parse_json
from application.jobs.submit import SubmitJob
from domain.shared.errors import FieldFault, Invalid
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


async def job_of_upload(
    kind: str, declared: dict[str, Any], file: UploadFile, folder: Path, request: Request
) -> SubmitJob:
    """The job that reads the upload as declared; file and declaration sign the request."""
    upload = await run_in_threadpool(keep_upload, file, folder)
    request.scope["ballast_json"] = {"import": declared, "sha256": upload.sha256}
    spec = {"upload": upload.name, "import": declared}
    return SubmitJob(kind, spec, data_hash=upload.sha256)


def declaration(text: str, noun: str) -> dict[str, Any]:
    """The JSON object of a form's field `spec`; Invalid `import_invalid`."""
    try:
        document = parse_json(text.encode())
    except MalformedJson as error:
        raise _malformed(noun, str(error)) from None
    if not isinstance(document, dict):
        raise _malformed(noun, "spec is a JSON object.")
    return document


def _malformed(noun: str, message: str) -> Invalid:
    fault = FieldFault("/spec", "malformed_json", message)
    return Invalid("import_invalid", f"The {noun} spec is malformed.", errors=(fault,))
