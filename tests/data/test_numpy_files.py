"""Files of NumPy: what NumPy writes is read, and of damaged ones no more than they hold."""

import io
import os
import tracemalloc
import zipfile

import numpy as np
import pytest

from fastmlp.data.numpy_files import axes_of, names_in, read_npy, read_npz

ARRAYS = {
    "numbers": np.arange(24.0).reshape(2, 3, 4),
    "columns first": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
    "big-endian": np.arange(3, dtype=">f8"),
    "words": np.array(["a", "", "long"]),
    "a table": np.array([(1, "x"), (2, "y")], [("n", "i4"), ("w", "U1")]),
    "nothing": np.zeros((0, 3)),
    "one number": np.array(3),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_what_numpy_writes_is_read(tmp_path, name):
    array, npy, npz = ARRAYS[name], tmp_path / "a.npy", tmp_path / "a.npz"
    np.save(npy, array)
    np.savez_compressed(npz, x=array)
    for found in (read_npy(npy), *read_npz(npz, ("x",))):
        assert found.dtype == array.dtype and found.shape == array.shape and (found == array).all()
        assert found.flags.writeable
    assert names_in(npz) == ["x"] and axes_of(npz, "x") == array.ndim


def described(text, values=b"\0" * 48):
    text = text.encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + values


def header(descr="'<f8'", shape="(2, 3)", order="False"):
    return described(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}\n")


DAMAGED = {
    "a header that never ends": described("{'descr': (\n"),
    "a header of brackets": described("[" * 9000),
    "a call": described("__import__('os').system('true')"),
    "no list of fields": header("[]"),
    "no type": header("3"),
    "lengths that are no numbers": header(shape="(True, 'x')"),
    "a negative length": header(shape="(-1,)"),
    "no lengths": header(shape="None"),
    "an order of another type": header(order="3"),
    "more than it holds": header(shape="(1000000000,)"),
    "more than there is memory": header(shape="(4611686018427387904, 8)"),
    "long words": header("'U500000000'", "(1,)"),
    "long fields": header("[('a', '<f4', (100000000,))]", "(1,)"),
    "objects": header("'O'"),
    "values without bytes": header("'V0'", "(1000000000,)"),
    "a character that is none": described("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}\n", b"\xff" * 4),
    "another version": header().replace(b"\1\0", b"\7\7", 1),
    "a cut": header()[:-1],
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_an_error_that_names_it_and_takes_no_memory(tmp_path, name):
    npy, npz, memory = tmp_path / "a.npy", tmp_path / "a.npz", io.BytesIO()
    npy.write_bytes(DAMAGED[name])
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", DAMAGED[name])
    npz.write_bytes(memory.getvalue())
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"a\.npy: needs an \.npy file: .") as one:
        read_npy(npy)
    with pytest.raises(ValueError, match=r"a\.npz: needs an \.npz file with x: .") as other:
        read_npz(npz, ("x",))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert type(one.value) is type(other.value) is ValueError
    assert peak < 2**23
    axes_of(npz, "x")


def test_an_array_that_goes_on_after_its_values(tmp_path):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("x.npy", header() + b"x")
    (tmp_path / "a.npz").write_bytes(memory.getvalue())
    with pytest.raises(ValueError, match="x: it goes on after its values"):
        read_npz(tmp_path / "a.npz", ("x",))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_is_refused_by_every_reader_and_not_waited_for(tmp_path):
    from fastmlp import datasets, load_model
    from fastmlp.commands.rows import read
    from fastmlp.datasets.idx import read_idx
    from fastmlp.datasets.pictures import read_pictures

    pipe = tmp_path / "pipe.npz"
    os.mkfifo(pipe)
    readers = [load_model, read_npy, lambda path: read_npz(path, ("x",)), datasets.load, read_idx]
    readers += [lambda path: read(path, str(path), (3,))]
    for reader in readers:
        with pytest.raises(ValueError, match="pipe"):
            reader(pipe)
    assert names_in(pipe) == [] and axes_of(pipe, "x") == 0
    picture = tmp_path / "pipe.png"
    os.mkfifo(picture)
    pytest.importorskip("PIL")
    with pytest.raises(ValueError, match="a named pipe"):
        read_pictures([picture], (8, 8))
    pytest.importorskip("polars")
    from fastmlp import tables

    for source in (pipe, picture):
        with pytest.raises(ValueError, match="a named pipe, needs a regular file"):
            tables.read(source)
