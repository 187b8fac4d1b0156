"""What a file that is replaced passes on, what is not replaced, and what killed writers leave."""

import os
import signal
import stat
import subprocess
import sys

import numpy as np
import pytest

from fastmlp import load_model
from fastmlp.data import whole_files
from fastmlp.data.whole_files import remove_unfinished, write_whole
from fastmlp.datasets.idx import read_idx
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential
from fastmlp.sklearn import load

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs modes, pipes and signals of POSIX")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def model():
    return Sequential([Input((4,)), Dense(2)], seed=1)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_a_file_that_is_replaced_passes_its_mode_on(tmp_path, mode):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    path.chmod(mode)
    model().save(path)
    assert mode_of(path) == mode and load_model(path).count_params() == 10


def test_until_then_nobody_else_may_open_the_new_one(tmp_path):
    path, seen = tmp_path / "file", []
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_whole(path, lambda file: seen.append(stat.S_IMODE(os.fstat(file.fileno()).st_mode)))
    assert seen == [0o600] and mode_of(path) == 0o644


def test_a_new_file_has_the_mode_that_the_process_gives(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", lambda file: file.write(b"new"))
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "file") == 0o640


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs the right to give files away")
def test_the_owner_and_the_group_stay(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 1234, 4321)
    write_whole(path, lambda file: file.write(b"new"))
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (1234, 4321) and path.read_bytes() == b"new"


def test_a_pipe_is_neither_replaced_nor_waited_for(tmp_path):
    pipe = tmp_path / "model.safetensors"
    os.mkfifo(pipe)
    calls = {
        "filepath": [lambda: model().save(pipe), lambda: load_model(pipe), lambda: model().load_weights(pipe)],
        "path": [lambda: load(pipe), lambda: read_idx(pipe)],
    }
    for argument, refused in calls.items():
        for call in refused:
            with pytest.raises(ValueError, match=f"{argument}: got .*, which is a named pipe, needs a"):
                call()
    assert stat.S_ISFIFO(pipe.stat().st_mode) and os.listdir(tmp_path) == [pipe.name]


def test_a_device_behind_a_link_is_not_replaced(tmp_path):
    link = tmp_path / "model.safetensors"
    link.symlink_to("/dev/null")
    with pytest.raises(ValueError, match=r"filepath: got '/dev/null', which is a device, needs a file that may be"):
        model().save(link)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and link.is_symlink()


WRITE_AND_WAIT = """
import sys, time
from fastmlp.data.whole_files import write_whole
def write(file):
    file.write(b"half"); file.flush(); print("writes", flush=True); sys.stdin.read()
write_whole(sys.argv[1], write)
"""


def test_what_killed_writers_leave_is_removed_and_what_is_being_written_is_not(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", WRITE_AND_WAIT, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    children = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for child in children:
        assert child.stdout.readline() == b"writes\n"
    assert len(os.listdir(tmp_path)) == 3
    children[0].send_signal(signal.SIGKILL)
    children[0].communicate()
    write_whole(tmp_path / "other", lambda file: None)  # the first of this process in the folder
    assert len(os.listdir(tmp_path)) == 3 and path.read_bytes() == b"old"
    children[1].communicate(b"")
    assert children[1].returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["file", "other"] and path.read_bytes() == b"half"


def test_only_unfinished_files_are_removed(tmp_path):
    names = [".model.safetensors.0123456789abcdef.part", ".model.0123.part", "model.part", "0123456789abcdef.part"]
    for name in names:
        (tmp_path / name).write_bytes(b"content")
    (tmp_path / ".empty.0123456789abcdef.part").touch()
    (tmp_path / ".folder.0123456789abcdef.part").mkdir()
    remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*names[1:], ".folder.0123456789abcdef.part"}


def test_a_file_that_is_removed_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    path, lock, seen = tmp_path / "file", whole_files.lock, []

    def late(descriptor, waits):
        if not seen:
            seen.append(descriptor)
            remove_unfinished(tmp_path)
            assert os.listdir(tmp_path) == []
        return lock(descriptor, waits)

    def once(descriptor, waits):  # of the process that removes
        return lock(descriptor, waits) if not waits else late(descriptor, waits)

    monkeypatch.setattr(whole_files, "lock", once)
    write_whole(path, lambda file: file.write(b"new"))
    assert seen and path.read_bytes() == b"new" and os.listdir(tmp_path) == ["file"]


def test_the_folder_is_synced_after_the_new_name(tmp_path, monkeypatch):
    synced, sync = [], os.fsync
    path = tmp_path / "file"

    def noted(descriptor):
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write_whole(path, lambda file: file.write(np.zeros(3).tobytes()))
    assert synced == [(False, False), (True, True)]
