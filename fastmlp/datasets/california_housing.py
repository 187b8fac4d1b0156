"""California housing: 20,640 districts of the census of 1990, and the median value of their houses. A regression.

Source: R. K. Pace and R. Barry, Sparse Spatial Autoregressions, Statistics and Probability Letters 33 (1997), 291-297.
"""

from __future__ import annotations

import os

import numpy as np

from fastmlp.data.numpy_files import read_npz
from fastmlp.datasets._fetch import fetch, own_path
from fastmlp.datasets.rows import Dataset
from fastmlp.settings import integer, only, real

FILE = "california_housing.npz"
MIRRORS = ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",)
SHA256 = {FILE: "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"}
SMALL = 600  # rows


def load_data(
    version: str = "large", path: str | os.PathLike[str] = FILE, test_split: float = 0.2, seed: int = 113
) -> Dataset:
    """Load California housing, its rows shuffled and split as by Keras.

    The file is that of the folder ``$FASTMLP_DATA/california_housing`` if there is one, else of the user's cache, else
    from the network into the cache.

    Parameters
    ----------
    version : {"large", "small"}
        All 20,640 rows, or the first 600.
    path : str or path
        With a folder in it, as in ``"./california_housing.npz"``, the file to read instead: .npz with arrays x and y. A
        name alone is that of a file in Keras' own cache, and changes nothing.
    test_split : float in [0, 1)
        Fraction of the rows to test on.
    seed : int
        Of the order of the rows.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Features [rows, 8]: of each district its place, people, households and median income, and the age, rooms and
        bedrooms of its houses. Targets [rows]: the median value of a house in dollars.

    Raises
    ------
    ValueError
        For another argument; when ``path`` is not there, or the file is damaged or of another kind.
    OSError
        The file is not in the folder that ``$FASTMLP_DATA`` has for it.
    ConnectionError
        The file is neither here nor to be had from the mirror.
    """
    only("version", version, ("large", "small"), "all rows, or 600")
    fraction = real("test_split", test_split, 0.0, 1.0, open_high=True)
    generator = np.random.RandomState(integer("seed", seed, at_least=0, below=2**32))
    file = own_path(path) or fetch("california_housing", MIRRORS, SHA256) / FILE
    x, y = (array[:SMALL] if version == "small" else array for array in read_npz(file, ("x", "y")))
    if x.ndim != 2 or y.shape != (len(x),):
        raise ValueError(f"{file}: got x of shape {x.shape} and y of shape {y.shape}, needs [rows, features], [rows]")
    order = np.arange(len(x))
    generator.shuffle(order)
    train, test = np.split(order, [int(len(x) * (1 - fraction))])
    return (x[train], y[train]), (x[test], y[test])
