"""The datasets: the bundled digits, folders of IDX files, and downloads from mirrors (a local server stands in)."""

import hashlib
import http.server
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from bench import data as bench_data
from fastmlp import datasets
from fastmlp.datasets import digits, fashion_mnist, mnist
from fastmlp.datasets.folder import load_folder
from fastmlp.datasets.idx import read_idx, write_idx

pooch = pytest.importorskip("pooch")

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def arrays():
    """A dataset of 6 + 4 rows, as the four arrays of ``FILES``."""
    random = np.random.default_rng(0)
    return [
        random.integers(1, 256, (6, 3, 2)).astype("uint8"),
        np.array([0, 1, 2, 0, 1, 2], "uint8"),
        random.integers(1, 256, (4, 3, 2)).astype("uint8"),
        np.array([2, 1, 0, 2], "uint8"),
    ]


def fill(folder, ending="", names=FILES, replace=None):
    """Write the dataset to a folder, some of the four arrays replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    for position, (name, array) in enumerate(zip(names, arrays(), strict=True)):
        write_idx(folder / (name + ending), (replace or {}).get(position, array))
    return folder


def assert_loaded(data):
    (x_train, y_train), (x_test, y_test) = data
    for got, expected in zip((x_train, y_train, x_test, y_test), arrays(), strict=True):
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


# The package


def test_import_needs_numpy_and_the_standard_library_only():
    code = """
import sys, numpy
before = set(sys.modules)
import fastmlp.datasets
assert not {f"fastmlp.datasets.{name}" for name in fastmlp.datasets.NAMES} & set(sys.modules)
from fastmlp.datasets import digits, fashion_mnist, mnist
fastmlp.datasets.load("digits")
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new - set(sys.stdlib_module_names) - {"numpy", "fastmlp"}))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("[]\n", "")


def test_datasets_are_attributes_too():
    assert datasets.NAMES == ("digits", "fashion_mnist", "mnist")
    assert [datasets.digits, datasets.fashion_mnist, datasets.mnist] == [digits, fashion_mnist, mnist]
    assert [datasets.__getattr__(name) for name in datasets.NAMES] == [digits, fashion_mnist, mnist]
    assert set(datasets.NAMES) < set(dir(datasets))
    with pytest.raises(AttributeError, match=r"'fastmlp\.datasets' has no attribute 'cifar'"):
        _ = datasets.cifar


def test_load_takes_a_name_or_a_folder(tmp_path, monkeypatch):
    np.testing.assert_array_equal(datasets.load("digits")[0][0], digits.load_data()[0][0])
    fill(tmp_path / "digits")
    assert_loaded(datasets.load(tmp_path / "digits"))
    assert_loaded(datasets.load(str(tmp_path / "digits")))
    monkeypatch.chdir(tmp_path)
    assert_loaded(datasets.load("./digits"))
    assert_loaded(datasets.load(Path("digits")))
    assert len(datasets.load("digits")[0][0]) == 1437  # the name comes first


@pytest.mark.parametrize("name", ["mnits", "MNIST", "", "no/such/folder", Path("no-such-folder")])
def test_load_of_an_unknown_name_lists_the_known_ones(name):
    message = f"got {str(name)!r}, needs one of digits, fashion_mnist, mnist, or a folder that exists"
    with pytest.raises(ValueError, match=re.escape(message)):
        datasets.load(name)


@pytest.mark.parametrize("name", [None, 3, b"digits", ["digits"]])
def test_load_of_something_else_is_a_type_error(name):
    with pytest.raises(TypeError, match=f"name_or_folder: got {type(name).__name__}, needs a string or a path"):
        datasets.load(name)


# digits


def test_digits():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == ((1437, 8, 8), (1437,), (360, 8, 8), (360,))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert (x_train.min(), x_train.max(), x_test.min(), x_test.max()) == (0, 16, 0, 16)
    everything = np.bincount(y_train) + np.bincount(y_test)
    assert everything.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # UCI's table for the test part
    assert abs(np.bincount(y_test) - everything / 5).max() < 1  # stratified
    assert (np.diff(y_train.astype(int)) < 0).sum() > 500  # shuffled, not sorted by class


def test_the_split_of_digits_never_changes():
    digest = hashlib.sha256()
    for x, y in digits.load_data():
        digest.update(x.tobytes() + y.tobytes())
    assert digest.hexdigest() == "968fa12027013c6376c164bc2ea13660e45f32c80a4e45aabf93ab8a45771c00"


def test_digits_are_made_as_their_readme_says(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    recipe = re.search(r"```python\n(.*?)```", (digits.DATA / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(recipe[1], {})
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in digits.DATA.glob("*.gz")) and len(made) == 4
    for name in made:
        np.testing.assert_array_equal(read_idx(tmp_path / name), read_idx(digits.DATA / name))


# Folders


@pytest.mark.parametrize(
    "names, ending",
    [
        (FILES, ""),
        (FILES, ".gz"),
        ([name.replace("t10k", "test") for name in FILES], ".gz"),
        ([name.replace("-idx", ".idx") for name in FILES], ""),
        (["train-images", "train-labels", "test-images", "test-labels"], ""),
    ],
)
def test_folder_naming(tmp_path, names, ending):
    fill(tmp_path, ending, names)
    (tmp_path / "README.md").write_text("about train-images")
    (tmp_path / ".train-images.part").write_bytes(b"unfinished")
    assert_loaded(load_folder(tmp_path))


def test_folder_prefers_the_uncompressed_file(tmp_path):
    fill(tmp_path)
    for name in FILES:
        (tmp_path / f"{name}.gz").write_bytes(b"not read")
    assert_loaded(load_folder(tmp_path))


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (2,), (3, 2), (2, 3, 2)], ids=str)
def test_folder_features_of_any_type_and_rank(tmp_path, name, shape):
    shape = (*shape, 5)
    train, test = np.full((6, *shape), 3, name), np.full((4, *shape), 4, name)
    fill(tmp_path, replace={0: train, 2: test, 1: np.arange(6, dtype="int32"), 3: np.arange(4, dtype="int16")})
    (x_train, y_train), (x_test, y_test) = load_folder(tmp_path)
    assert (x_train.dtype, x_train.shape, x_test.shape) == (np.dtype(name), (6, *shape), (4, *shape))
    assert (y_train.dtype, y_test.dtype) == (np.dtype("int32"), np.dtype("int16"))
    assert (x_train == 3).all() and (x_test == 4).all()


BAD = {
    "fewer labels": (
        {1: np.zeros(5, "uint8")},
        r"train-labels-idx1-ubyte: got 5 labels for 6 rows in train-images-idx3",
    ),
    "more labels": ({3: np.zeros(5, "uint8")}, r"t10k-labels-idx1-ubyte: got 5 labels for 4 rows in t10k-images-idx3"),
    "labels of several columns": (
        {1: np.eye(3, dtype="uint8")[[0, 1, 2, 0, 1, 1]] + np.uint8([0, 0, 1])},
        r"train-labels.*got shape \(6, 3\); labels of several columns need one 1 a row and else 0, or label_column \(",
    ),
    "labels of rank 3": ({1: np.zeros((6, 1, 1), "uint8")}, r"got shape \(6, 1, 1\); labels need shape \[rows\] or"),
    "fractions": ({1: np.array([0, 1, 2, 0, 1.5, 2])}, r"got 1.5 in row 4; labels need to be whole numbers"),
    "NaN": ({3: np.array([0, np.nan, 2, 0])}, r"t10k-labels.*got nan in row 1; labels need to be whole numbers"),
    "flat features": ({0: np.zeros(6, "uint8")}, r"train-images.*got shape \(6,\); features need 2 dimensions or more"),
    "unequal rows": (
        {2: np.zeros((4, 2, 3), "uint8")},
        r"row is uint8 of shape \(3, 2\), a test row uint8 of shape \(2, 3",
    ),
    "unequal types": (
        {2: np.zeros((4, 3, 2), "float32")},
        r"training row is uint8 .* a test row float32 .* be the same",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_folder_with_arrays_that_do_not_go_together(tmp_path, case):
    replace, message = BAD[case]
    fill(tmp_path, replace=replace)
    with pytest.raises(ValueError, match=message) as caught:
        load_folder(tmp_path)
    assert str(caught.value).startswith(str(tmp_path))


@pytest.mark.parametrize("position", range(4))
def test_folder_lacking_a_file(tmp_path, position):
    fill(tmp_path)
    (tmp_path / FILES[position]).unlink()
    kind = FILES[position].split("-")[1]
    patterns = f"train-*{kind}*" if position < 2 else f"t10k-*{kind}* or test-*{kind}*"
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path}: got no file named {patterns}, needs exactly one")):
        load_folder(tmp_path)


def test_folder_with_a_file_too_many(tmp_path):
    fill(tmp_path)
    (tmp_path / "test-images").write_bytes(b"")
    with pytest.raises(ValueError, match=r"got t10k-images-idx3-ubyte, test-images named .*, needs exactly one"):
        load_folder(tmp_path)


def test_folder_that_is_none(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "nothing"):
        with pytest.raises(ValueError, match=f"path: got {re.escape(repr(str(path)))}, needs a folder that exists"):
            load_folder(path)


def test_folder_with_a_damaged_file(tmp_path):
    fill(tmp_path, ".gz")
    path = tmp_path / f"{FILES[2]}.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=f"{FILES[2]}.gz: damaged or truncated gzip data"):
        load_folder(tmp_path)


# Downloads


class Mirrors:
    """A server on this machine with two mirrors, /first/ and /second/: what they hold, and what they were asked for."""

    def __init__(self, files):
        self.held = {f"/{mirror}/{name}": data for mirror in ("first", "second") for name, data in files.items()}
        self.asked = []
        self.cut = set()  # paths whose transfer breaks off
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                data = outer.held.get(self.path)
                if data is None:
                    return self.send_error(404)
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if self.path in outer.cut else data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def mirrors(tmp_path, monkeypatch):
    """mnist, as little as in ``arrays``, on the two mirrors, with an empty cache."""
    source = fill(tmp_path / "source", ".gz")
    files = {path.name: path.read_bytes() for path in sorted(source.iterdir(), reverse=True)}
    server = Mirrors(files)
    monkeypatch.delenv("FASTMLP_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr(mnist, "MIRRORS", (f"{server.url}/first/", f"{server.url}/second/"))
    monkeypatch.setattr(mnist, "SHA256", {name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    server.names = list(files)
    server.cache = tmp_path / "cache" / "fastmlp" / "mnist"
    yield server
    server.close()


def test_download_then_cache(mirrors, capsys):
    assert_loaded(mnist.load_data())
    assert mirrors.asked == [f"/first/{name}" for name in mirrors.names]
    assert sorted(os.listdir(mirrors.cache)) == sorted(mirrors.names)
    out, err = capsys.readouterr()
    assert out == "" and all(name in err for name in mirrors.names)  # progress is shown, and not on stdout
    assert_loaded(mnist.load_data())
    assert len(mirrors.asked) == 4  # nothing more
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("fault", ["wrong checksum", "missing", "broken off"])
def test_second_mirror_steps_in(mirrors, fault):
    for name in mirrors.names:
        path = f"/first/{name}"
        if fault == "wrong checksum":
            mirrors.held[path] = mirrors.held[path][:-1] + b"!"
        elif fault == "missing":
            del mirrors.held[path]
        else:
            mirrors.cut.add(path)
    assert_loaded(mnist.load_data())
    # the first mirror is asked once, not again for every file
    assert mirrors.asked == [f"/first/{mirrors.names[0]}", *(f"/second/{name}" for name in mirrors.names)]
    assert sorted(os.listdir(mirrors.cache)) == sorted(mirrors.names)


def test_both_mirrors_fail(mirrors):
    name = mirrors.names[2]
    mirrors.held[f"/first/{name}"] = b"a login page"
    del mirrors.held[f"/second/{name}"]
    with pytest.raises(ConnectionError) as caught:
        mnist.load_data()
    assert str(caught.value) == (
        f"cannot download {name}: tried {mirrors.url}/first/{name} (wrong SHA-256) and {mirrors.url}/second/{name} "
        "(HTTP status 404); without a network, put the files into $FASTMLP_DATA/mnist/ (FASTMLP_DATA is not set)"
    )
    assert sorted(os.listdir(mirrors.cache)) == sorted(mirrors.names[:2])  # what came well stays; nothing else does


def test_no_network_at_all(mirrors, monkeypatch):
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/"))
    with pytest.raises(
        ConnectionError, match=r"tried http://127.0.0.1:9/a/\S+ \(ConnectionError\) and http://127.0.0.1:9/b"
    ):
        mnist.load_data()


def test_a_damaged_file_in_the_cache_is_fetched_again(mirrors):
    mnist.load_data()
    (mirrors.cache / mirrors.names[1]).write_bytes(b"damaged")
    assert_loaded(mnist.load_data())
    assert mirrors.asked[4:] == [f"/first/{mirrors.names[1]}"]


def test_a_cache_that_cannot_be_written_is_not_blamed_on_the_network(mirrors):
    mirrors.cache.parent.parent.write_bytes(b"a file where the folder should be")
    with pytest.raises(OSError) as caught:
        mnist.load_data()
    assert not isinstance(caught.value, ConnectionError)
    assert mirrors.asked == []


@pytest.mark.parametrize("module", [mnist, fashion_mnist], ids=["mnist", "fashion_mnist"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_fastmlp_data_comes_first_and_needs_no_checksum(tmp_path, monkeypatch, mirrors, module, ending):
    monkeypatch.setattr(module, "MIRRORS", mnist.MIRRORS)
    monkeypatch.setenv("FASTMLP_DATA", str(tmp_path / "mine"))
    name = module.__name__.rpartition(".")[2]
    fill(tmp_path / "mine" / name, ending, replace={1: np.array([2, 2, 2, 2, 2, 2], "uint8")})
    (_, y_train), _ = module.load_data()
    assert y_train.tolist() == [2] * 6
    (tmp_path / "mine" / name / (FILES[3] + ending)).unlink()
    with pytest.raises(ValueError, match=rf"{name}: got no file named t10k-\*labels\* or test-\*labels\*"):
        module.load_data()
    assert mirrors.asked == []


@pytest.mark.parametrize("value", ["", "folder"])
def test_without_a_folder_in_fastmlp_data_the_cache_is_used(tmp_path, monkeypatch, mirrors, value):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FASTMLP_DATA", value)
    fill(tmp_path / "folder" / "fashion_mnist")
    fill(tmp_path / "mnist", replace={0: np.zeros((6, 3, 2), "uint8")})  # an empty variable is not the current folder
    assert_loaded(mnist.load_data())
    assert len(mirrors.asked) == 4


@pytest.mark.parametrize("module", [mnist, fashion_mnist], ids=["mnist", "fashion_mnist"])
def test_two_mirrors_and_four_checksums(module):
    assert len(set(module.MIRRORS)) == 2 and all(url.startswith("http") and url.endswith("/") for url in module.MIRRORS)
    assert set(module.SHA256) == {f"{name}.gz" for name in FILES}
    assert len(set(module.SHA256.values())) == 4
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in module.SHA256.values())
    assert not set(mnist.SHA256.values()) & set(fashion_mnist.SHA256.values())


def test_benchmarks_take_mnist_only_from_fastmlp_data(tmp_path, monkeypatch):
    for value, expected in (("", False), (str(tmp_path), False), (str(fill(tmp_path / "own" / "mnist").parent), True)):
        monkeypatch.setenv("FASTMLP_DATA", value)
        assert bench_data.is_real() is expected
        assert (bench_data.source() == "MNIST") is expected
    assert_loaded(mnist.load_data())


@pytest.mark.usefixtures("mnist_available")
def test_mnist_itself():
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert (x_train.shape, x_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert (y_train.shape, y_test.shape) == ((60000,), (10000,))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9] and y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert (x_train.min(), x_train.max(), round(float(x_train.mean()), 1)) == (0, 255, 33.3)
