"""Where a database file may lie: on a local disk, never on a network share or in a synced folder.

SQLite's locks and WAL need a local file system; a sync client copies the file and its log at
different moments, and what it restores is not a database any more.
"""

from pathlib import Path

from domain.shared.errors import Unavailable

MOUNTS_FILE = Path("/proc/mounts")

NETWORK_TYPES = frozenset(
    {
        "9p", "afs", "ceph", "cifs", "davfs", "fuse.davfs", "fuse.gcsfuse", "fuse.glusterfs",
        "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.goofys", "glusterfs", "gpfs", "lustre",
        "ncpfs", "nfs", "nfs3", "nfs4", "smb2", "smb3", "smbfs", "sshfs",
    }
)  # fmt: skip

SYNCED_FOLDERS = (
    "dropbox", "onedrive", "icloud", "icloud drive", "icloudrive", "iclouddrive", "google drive",
    "googledrive", "my drive", "mobile documents", "cloudstorage", "nextcloud", "owncloud",
    "pcloud", "pclouddrive", "syncthing", "box sync", "megasync",
)  # fmt: skip


def require_local_disk(file: Path, mounts: str | None = None) -> None:
    """Unavailable `database_on_network_disk` or `database_in_synced_folder`; else nothing.

    `mounts` is the text of /proc/mounts; without such a file only the path is looked at.
    """
    place = file.expanduser().resolve()
    for part in place.parts:
        name = part.lower()
        if name in SYNCED_FOLDERS or name.startswith(("onedrive - ", "dropbox (", "com~apple~")):
            raise Unavailable(
                "database_in_synced_folder",
                f"The database would lie in {part}, which a sync client copies while it changes; "
                "choose a data folder outside of it.",
            )
    kind = file_system_of(place, _mounts() if mounts is None else mounts)
    if kind in NETWORK_TYPES:
        raise Unavailable(
            "database_on_network_disk",
            f"The data folder is on a network file system ({kind}), where SQLite can lose data; "
            "choose a local disk, or PostgreSQL.",
        )


def file_system_of(place: Path, mounts: str) -> str | None:
    """Type of the file system the path is on, from the longest mount point above it."""
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " ").replace("\\011", "\t"))
        if place.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = (len(point.parts), fields[2])
    return None if best is None else best[1]


def _mounts() -> str:
    try:
        return MOUNTS_FILE.read_text()
    except OSError:
        return ""
