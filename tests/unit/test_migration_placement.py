"""A database file is refused where file systems or sync clients would corrupt it."""

from pathlib import Path

import pytest

from domain.shared.errors import Unavailable
from infrastructure.persistence.placement import file_system_of, require_local_disk

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
nas:/export /srv/share nfs4 rw 0 0
//win/x /mnt/win\\040share cifs rw 0 0
me@host: /home/me/far fuse.sshfs rw 0 0
/dev/sdb1 /srv/share/local xfs rw 0 0
"""


@pytest.mark.parametrize(
    "place", ["/srv/share/data/b.db", "/mnt/win share/b.db", "/home/me/far/deep/b.db"]
)
def test_a_network_file_system_is_refused(place: str) -> None:
    with pytest.raises(Unavailable) as refused:
        require_local_disk(Path(place), MOUNTS)
    assert refused.value.code == "database_on_network_disk"


@pytest.mark.parametrize(
    "place",
    [
        "/home/me/Dropbox/ballast/b.db",
        "/home/me/OneDrive/b.db",
        "/home/me/OneDrive - Firm/b.db",
        "/Users/me/Library/Mobile Documents/com~apple~CloudDocs/b.db",
        "/Users/me/Library/CloudStorage/GoogleDrive-me/b.db",
        "/home/me/Google Drive/b.db",
    ],
)
def test_a_folder_of_a_sync_client_is_refused(place: str) -> None:
    with pytest.raises(Unavailable) as refused:
        require_local_disk(Path(place), MOUNTS)
    assert refused.value.code == "database_in_synced_folder"


@pytest.mark.parametrize(
    "place", ["/var/lib/ballast/b.db", "/srv/share/local/b.db", "/home/me/boxes/dropboxes/b.db"]
)
def test_a_local_disk_is_fine(place: str) -> None:
    require_local_disk(Path(place), MOUNTS)


def test_the_longest_mount_point_decides() -> None:
    assert file_system_of(Path("/srv/share/local/x"), MOUNTS) == "xfs"
    assert file_system_of(Path("/srv/share/x"), MOUNTS) == "nfs4"
    assert file_system_of(Path("/x"), "") is None
