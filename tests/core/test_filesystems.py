"""The kind of file system below a folder, from what Linux tells of mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from yosegi.core.filesystems import kind_at

# Lines as proc_pid_mountinfo(5) has them: optional fields end with a dash, and blanks in names are octal.
TABLE = """\
36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw,errors=continue
37 36 0:40 / /scratch rw shared:2 propagate_from:3 - lustre mds@tcp:/scratch rw,flock
38 37 0:41 /jobs /scratch/own\\040disk rw - xfs /dev/sdb1 rw
39 36 0:42 / /home rw - autofs systemd-1 rw
40 36 0:43 / /home rw - nfs4 server:/home rw
"""


@pytest.mark.parametrize(
    ("folder", "kind", "mounted"),
    [
        ("/var/jobs", "ext4", "/"),
        ("/scratch/yosegi/jobs", "lustre", "/scratch"),
        ("/scratchy", "ext4", "/"),
        ("/scratch/own disk/x", "xfs", "/scratch/own disk"),
        ("/home/yosegi", "nfs4", "/home"),
    ],
)
def test_the_nearest_mount_above_a_folder_counts(tmp_path: Path, folder: str, kind: str, mounted: str) -> None:
    (tmp_path / "mountinfo").write_text(TABLE)
    assert kind_at(Path(folder), tmp_path / "mountinfo") == (kind, mounted)


def test_where_nothing_is_told_nothing_is_said(tmp_path: Path) -> None:
    assert kind_at(Path("/"), tmp_path / "nowhere") == ("", "")
