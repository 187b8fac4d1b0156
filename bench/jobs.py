"""The table of jobs, and the table of who takes part in them."""

from dataclasses import dataclass, field, replace

from bench.job import Settings

OURS = "fastmlp"
DENSE = {"FASTMLP_SKIP_ZEROS": "0"}  # the same engine, but every zero of the pixels is multiplied


@dataclass(frozen=True)
class Program:
    """A module of bench.contenders, and what is peculiar to the environment it runs in."""

    module: str
    environment: dict = field(default_factory=dict)


CONTENDERS = {
    OURS: Program("fastmlp"),
    "fastmlp_dense": Program("fastmlp", DENSE),
    "fastmlp_out": Program("fastmlp_out"),
    "fastmlp_batches": Program("fastmlp_batches"),
    "numpy_by_hand": Program("numpy_by_hand"),
    "pytorch": Program("pytorch"),
    "jax": Program("jax"),
    "scikit_learn": Program("scikit_learn"),
    "keras": Program("keras"),
    "onnxruntime": Program("onnxruntime"),
}


@dataclass(frozen=True)
class Entry:
    """Settings, and the contenders that can do the job."""

    settings: Settings
    contenders: tuple[str, ...]


SGD = {"name": "sgd", "learning_rate": 0.1}
RMSPROP = {"name": "rmsprop", "learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7}
ADAM = {"name": "adam", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
MNIST = Settings("mnist_sgd", "an epoch of SGD on MNIST", optimizer=SGD)
GAUSSIAN = replace(MNIST, name="gaussian_sgd", title="an epoch of SGD on Gaussian inputs, none zero", data="gaussian")
SMALL = replace(GAUSSIAN, widths=(20, 64, 64, 3), rows=10_000, threads=1)
ROW = replace(MNIST, kind="rows", rows=0, test_rows=2_000, unit="call", threads=1)
BOTH = (OURS, "fastmlp_dense")
PEERS = ("numpy_by_hand", "pytorch", "jax")
ROWS = (OURS, "fastmlp_dense", "fastmlp_out", *PEERS, "scikit_learn", "keras", "onnxruntime")

ENTRIES = (
    Entry(MNIST, (*BOTH, *PEERS, "scikit_learn", "keras")),
    Entry(
        replace(MNIST, name="mnist_rmsprop", title="an epoch of RMSprop on MNIST", optimizer=RMSPROP),
        (*BOTH, *PEERS, "keras"),
    ),
    Entry(
        replace(MNIST, name="mnist_adam", title="an epoch of Adam on MNIST", optimizer=ADAM),
        (*BOTH, *PEERS, "scikit_learn", "keras"),
    ),
    Entry(GAUSSIAN, (OURS, *PEERS)),
    Entry(
        replace(
            GAUSSIAN,
            name="deep_gaussian",
            title="an epoch of SGD, deep, on Gaussian inputs",
            widths=(784, 1024, 1024, 1024, 10),
            rows=6_000,
        ),
        (OURS, "numpy_by_hand", "pytorch"),
    ),
    Entry(
        replace(SMALL, name="small_adam", title="a step of Adam", batch_size=32, optimizer=ADAM, unit="step"),
        (OURS, *PEERS, "scikit_learn"),
    ),
    Entry(
        replace(ROW, name="row_small", title="one row forward", widths=SMALL.widths, data="gaussian"),
        ROWS,
    ),
    Entry(replace(ROW, name="row_mnist", title="one row of MNIST forward"), ROWS),
    Entry(
        replace(MNIST, name="predict_10000", title="10,000 rows of MNIST forward", kind="predict", rows=0, unit="call"),
        (*BOTH, *PEERS, "onnxruntime", "keras"),
    ),
)
JOBS = {entry.settings.name: entry for entry in ENTRIES}
