"""The bundled dataset: 1,797 handwritten digits of 8x8 pixels. No network, no download.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
doi 10.24432/C50P49, CC BY 4.0. ``data/README.md`` says how the files were made.
"""

from __future__ import annotations

from pathlib import Path

from fastmlp.datasets.folder import load_pair
from fastmlp.datasets.rows import Dataset

DATA = Path(__file__).parent / "data"


def load_data() -> Dataset:
    """Load the digits, always split in the same way (every class one fifth test).

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images uint8 [1437, 8, 8] and [360, 8, 8] with values 0 to 16, labels uint8 [1437] and [360] with values 0 to 9.
    """
    train, test = (
        load_pair(DATA / f"digits-{part}-images-idx3-ubyte.gz", DATA / f"digits-{part}-labels-idx1-ubyte.gz")
        for part in ("train", "test")
    )
    return train, test
