"""Files written whole or not at all, under the name and with the rights of those they replace.

A writer has a lock on the file that it fills beside the target, until that has the target's name. So what a killed
writer has left is known by its free lock, and the next process that writes into the folder removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

UNFINISHED = re.compile(r"\..+\.[0-9a-f]{16}\.part")
KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
POSIX = os.name == "posix"
_cleaned: set[Path] = set()  # folders, by this process


def write_whole(path: str | os.PathLike[str], write: Callable[[IO[bytes]], object]) -> None:
    """Call `write` with a file, which takes the name `path` only when that has ended well.

    At every moment there is the old file or the new one under that name, also after a loss of power. The new one has
    the mode of the old one, and its owner and group where this process may give them.

    Raises
    ------
    ValueError
        When there is a pipe, a socket or a device of that name: it is not replaced.
    OSError
        When the file cannot be written.
    """
    target = Path(os.path.realpath(path))  # a symbolic link stays one
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"got no such folder for {target.name!r}, needs one", str(target.parent))
    before = None
    with contextlib.suppress(FileNotFoundError):
        before = os.stat(target)
        require_regular(target, "filepath", "a file that may be replaced, or a new name")
    if target.parent not in _cleaned:
        remove_unfinished(target.parent)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    mode = 0o666 if before is None else 0o600  # for nobody else until it has the rights of the old one
    try:  # around all of it in one frame: an interrupt may come between the parts of a context manager
        is_written = False
        while not is_written:
            with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                lock(file.fileno(), waits=True)
                if not os.path.exists(temporary):  # another process has found it before it was locked
                    continue
                write(file)
                file.flush()
                if before is not None:
                    take_rights(file.fileno(), before)
                os.fsync(file.fileno())
                if POSIX:  # while it is locked
                    os.replace(temporary, target)
                is_written = True
        if not POSIX:
            os.replace(temporary, target)
        sync_folder(target.parent)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def require_regular(path: str | os.PathLike[str], argument: str, needs: str = "a regular file") -> None:
    """Raise ValueError for a pipe, a socket or a device; OSError where there is nothing. A folder is let through."""
    kind = KINDS.get(stat.S_IFMT(os.stat(path).st_mode))
    if kind is not None:
        raise ValueError(f"{argument}: got {os.fspath(path)!r}, which is {kind}, needs {needs}")


def remove_unfinished(folder: Path) -> None:
    """Remove from a folder what killed writers have left in it; what is being written stays."""
    _cleaned.add(folder)
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [entry.path for entry in entries if UNFINISHED.fullmatch(entry.name)]
        for path in found:
            with contextlib.suppress(OSError):
                remove_if_left(path)


def remove_if_left(path: str) -> None:
    """Remove an unfinished file that no writer has locked."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and lock(descriptor, waits=False):
            os.unlink(path)
    finally:
        os.close(descriptor)


def lock(descriptor: int, waits: bool) -> bool:
    """Lock an open file for this process, where there are locks and nobody else has it, or once nobody else has it.

    Return whether it is.
    """
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def take_rights(descriptor: int, of: os.stat_result) -> None:
    """Give an open file the owner and group of another where that is allowed, and its mode."""
    if not POSIX:
        return
    for owner, group in ((-1, of.st_gid), (of.st_uid, -1)):
        with contextlib.suppress(OSError):
            os.fchown(descriptor, owner, group)
    os.fchmod(descriptor, stat.S_IMODE(of.st_mode))


def sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk, where the system can be asked for it."""
    if not POSIX:
        return
    with contextlib.suppress(OSError):  # the file is there; some file systems refuse this
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
