"""Where the files of a downloadable dataset come from: the user's folder, the cache, or a mirror."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastmlp.errors import told
from fastmlp.settings import file_path

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def fetch(name: str, mirrors: Sequence[str], sha256: Mapping[str, str]) -> Path:
    """Return the folder that holds the files of dataset ``name``, downloaded first where needed.

    Parameters
    ----------
    name : str
        The dataset's name, also that of its folder.
    mirrors : sequence of str
        Base URLs ending in ``/``, tried in turn.
    sha256 : mapping of str to str
        The files and their SHA-256 sums.

    Returns
    -------
    folder : Path
        ``$FASTMLP_DATA/<name>`` if the variable is set and that folder exists: what a user points at is taken as it is,
        without checksums. Else the folder in the user's cache, where every file has the right checksum.

    Raises
    ------
    ConnectionError
        A file came from none of the mirrors, or none sent the right one.
    OSError
        The cache cannot be written.
    """
    given = given_folder(name)
    if given is not None:
        return given
    import pooch  # type: ignore[import-untyped]  # here, so that only those who download wait for its import

    folder = Path(pooch.os_cache("fastmlp")) / name
    order = list(mirrors)
    for file, digest in sha256.items():
        _fetch_file(folder, file, digest, order)
    return folder


def own_path(path: str | os.PathLike[str]) -> Path | None:
    """Return the `path` of a `load_data` as that of data of the user's own; None for a name without a folder.

    Such a name is for Keras that of the file in its cache. ValueError where there is nothing at the path.
    """
    path = file_path("path", path)
    if not os.path.dirname(path):
        return None
    if not os.path.exists(path):
        raise ValueError(f"path: got {told(path)}, needs a file or a folder that exists, or a name alone")
    return Path(path)


def given_folder(name: str) -> Path | None:
    """Return the folder ``$FASTMLP_DATA/<name>``, or None if there is none."""
    root = os.environ.get("FASTMLP_DATA")
    return Path(root) / name if root and (Path(root) / name).is_dir() else None


def _fetch_file(folder: Path, file: str, digest: str, mirrors: list[str]) -> None:
    """See to it that ``folder/file`` is there; a mirror that fails goes to the end of ``mirrors``."""
    import pooch
    from requests.exceptions import RequestException

    failures = []
    for mirror in list(mirrors):
        try:
            with _progress_bar(file) as bar:
                downloader = pooch.HTTPDownloader(progressbar=bar, timeout=30)
                # keeps a good file of the cache; else downloads under another name and renames when the sum is right
                pooch.retrieve(mirror + file, f"sha256:{digest}", fname=file, path=folder, downloader=downloader)
            return
        except (RequestException, ValueError) as error:  # ValueError: the checksum differs
            mirrors.append(mirrors.pop(mirrors.index(mirror)))
            failures.append(f"{mirror + file} ({_reason(error)})")
            last = error
    raise ConnectionError(
        f"cannot download {file}: tried {' and '.join(failures)}; "
        f"without a network, put the files into $FASTMLP_DATA/{folder.name}/ (FASTMLP_DATA is {_data_root()})"
    ) from last


def _data_root() -> str:
    """Return what FASTMLP_DATA says, in words."""
    return repr(os.environ["FASTMLP_DATA"]) if "FASTMLP_DATA" in os.environ else "not set"


def _reason(error: Exception) -> str:
    """In a few words; the whole story is in the exception's cause."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code}"
    return "wrong SHA-256" if type(error) is ValueError else type(error).__name__


class _Bar:
    """What pooch expects of a progress bar, drawn by rich."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self.progress = progress
        self.task = task

    @property
    def total(self) -> float | None:
        return self.progress.tasks[self.task].total

    @total.setter
    def total(self, total: float) -> None:
        self.progress.update(self.task, total=total or None)  # 0: the server did not say
        self.progress.start()  # not before, so that pooch's line with the URL stands above the bar

    def update(self, amount: float) -> None:
        self.progress.advance(self.task, amount)

    def reset(self) -> None:
        self.progress.update(self.task, completed=0)

    def close(self) -> None:
        pass  # `_progress_bar` does it, also when the download breaks off


@contextmanager
def _progress_bar(file: str) -> Iterator[_Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    progress = Progress(*columns, console=Console(stderr=True))
    try:
        yield _Bar(progress, progress.add_task(file, total=None))
    finally:
        if progress.live.is_started:
            progress.stop()
