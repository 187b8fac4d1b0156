"""Fashion-MNIST: 70,000 pictures of clothes, 28x28 pixels.

Source: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms, arXiv:1708.07747. Licence: MIT.
"""

from __future__ import annotations

from fastmlp.datasets._fetch import fetch
from fastmlp.datasets.folder import load_folder
from fastmlp.datasets.rows import Dataset

MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",  # has no https; the checksums make that safe
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
SHA256 = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


def load_data() -> Dataset:
    """Load Fashion-MNIST.

    From the folder ``$FASTMLP_DATA/fashion_mnist`` if there is one (named as `fastmlp.datasets.folder.load_folder`
    says, no checksum asked for), else from the user's cache, else from the network into the cache.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images uint8 [60000, 28, 28] and [10000, 28, 28], labels uint8 [60000] and [10000]: 0 T-shirt/top, 1 trouser,
        2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    Raises
    ------
    ValueError
        A file in ``$FASTMLP_DATA/fashion_mnist`` is missing or damaged.
    ConnectionError
        The files are neither here nor to be had from the mirrors.
    """
    return load_folder(fetch("fashion_mnist", MIRRORS, SHA256))
