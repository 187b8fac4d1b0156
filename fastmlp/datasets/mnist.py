"""MNIST: 70,000 handwritten digits of 28x28 pixels.

Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits.
"""

from __future__ import annotations

import os

from fastmlp.datasets import load
from fastmlp.datasets._fetch import fetch, own_path
from fastmlp.datasets.folder import load_folder
from fastmlp.datasets.rows import Dataset

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def load_data(path: str | os.PathLike[str] = "mnist.npz") -> Dataset:
    """Load MNIST.

    From the folder ``$FASTMLP_DATA/mnist`` if there is one (named as `fastmlp.datasets.folder.load_folder` says, no
    checksum asked for), else from the user's cache, else from the network into the cache.

    Parameters
    ----------
    path : str or path
        With a folder in it, as in ``"./mnist.npz"``, what is read instead, without a checksum: the .npz file that Keras
        keeps, or a folder of IDX files. A name alone is that of a file in Keras' own cache, and changes nothing.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images uint8 [60000, 28, 28] and [10000, 28, 28], labels uint8 [60000] and [10000] with values 0 to 9.

    Raises
    ------
    ValueError
        ``path`` is not there, or a file in it or in ``$FASTMLP_DATA/mnist`` is missing or damaged.
    ConnectionError
        The files are neither here nor to be had from the mirrors.
    """
    own = own_path(path)
    return load_folder(fetch("mnist", MIRRORS, SHA256)) if own is None else load(own)
