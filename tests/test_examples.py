"""The examples run, and reach what they say: on the bundled digits, and where MNIST is, on that."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fastmlp.datasets._fetch import given_folder

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NEEDS_MNIST = pytest.mark.skipif(given_folder("mnist") is None, reason="needs MNIST in FASTMLP_DATA")


@pytest.fixture(params=["digits", pytest.param("mnist", marks=NEEDS_MNIST)])
def data(request):
    return request.param


def run(name, *arguments):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]([str(argument) for argument in arguments])


def require_pictures(folder, *names):
    """The folder has just these pictures, and none is of one colour."""
    assert sorted(path.stem for path in folder.glob("*.png")) == sorted(names)
    for name in names:
        assert np.ptp(imread(folder / f"{name}.png")[..., :3]) > 0.5


@NEEDS_MNIST
def test_mnist_98_percent(capsys):
    assert run("mnist_98_percent", "--seed", "1") >= 0.98
    assert "test accuracy 98." in capsys.readouterr().out


def test_from_scratch(data, tmp_path, capsys):
    losses, accuracy = run("from_scratch", "--quick", "--data", data, "--out", tmp_path)
    assert len(losses) == 40 and np.mean(losses[-4:]) < 0.97 * np.mean(losses[:4]) and accuracy > 0.3
    require_pictures(tmp_path, "from_scratch")
    assert "matrix_dot of 32x512 and 512x32: naive" in capsys.readouterr().out


def test_from_scratch_has_the_losses_of_the_oracle(tmp_path):
    arguments = ("--quick", "--data", "digits", "--dtype", "float64", "--out", tmp_path)
    losses, accuracy = run("from_scratch", *arguments)
    assert run("from_scratch", *arguments, "--oracle") == (losses, accuracy)


def test_compiled_operations_are_faster_than_naive_ones():
    ratios = runpy.run_path(str(EXAMPLES / "from_scratch.py"))["time_ops"](np.random.default_rng(0))
    assert {"relu", "add", "matrix_dot"} <= ratios.keys() and all(ratio > 1 for ratio in ratios.values())


def test_first_network(data, tmp_path, capsys):
    assert run("first_network", "--quick", "--data", data, "--out", tmp_path) > 0.9
    require_pictures(tmp_path, "first_digits", "mistakes")
    first = {"digits": 2, "mnist": 7}[data]
    assert f"the first digit is a {first} with probability 0." in capsys.readouterr().out


@NEEDS_MNIST
def test_first_network_reads_98_percent(tmp_path):
    assert run("first_network", "--out", tmp_path) >= 0.98


def test_dropout_and_tensorboard(data, tmp_path):
    results = run("dropout_and_tensorboard", "--quick", "--data", data, "--epochs", 3, "--out", tmp_path)
    assert min(results) > 0.85
    require_pictures(tmp_path, "dropout_curves")
    (log_dir,) = (tmp_path / "logs").iterdir()
    assert sorted(path.name for path in log_dir.iterdir()) == ["with_dropout", "without_dropout"]
    train, validation = (
        EventAccumulator(str(log_dir / "with_dropout" / part), {"histograms": 0}).Reload()
        for part in ("train", "validation")
    )
    assert {"epoch_loss", "epoch_accuracy"} <= set(train.Tags()["scalars"]) & set(validation.Tags()["scalars"])
    assert validation.Scalars("epoch_accuracy")[-1].value == pytest.approx(results[1])
    histograms = [
        f"sequential/{layer}/{what}/histogram" for layer in ("dense", "dense_1") for what in ("bias", "kernel")
    ]
    assert sorted(train.Tags()["histograms"]) == histograms
    assert [event.step for event in train.Histograms(histograms[1])] == [0, 1, 2]


def test_matrix_inverse(tmp_path, capsys):
    _, losses = run("matrix_inverse", "--quick", "--out", tmp_path)
    assert len(losses) == 5 and all(np.diff(losses) < 0) and losses[-1] < 5
    require_pictures(tmp_path, "inverse", "inverse_loss")
    assert "condition of A 40" in capsys.readouterr().out


def test_autoencoder(tmp_path, capsys):
    error, agreement = run("autoencoder", "--epochs", 15, "--out", tmp_path)
    assert error < 0.16 and agreement > 0.5  # by chance 0.1
    require_pictures(tmp_path, "codes", "plane")
    assert "encoder (Functional)" in capsys.readouterr().out


def test_actor_critic(tmp_path):
    first, last = run("actor_critic", "--updates", 300, "--out", tmp_path)
    assert first < 50 and last > 150
    require_pictures(tmp_path, "balanced_steps")


@pytest.mark.slow
def test_matrix_inverse_is_found(tmp_path):
    error, losses = run("matrix_inverse", "--out", tmp_path)
    assert error < 0.005 and losses[-1] < 0.1


def test_learning_when_wrong(data, tmp_path):
    unit, accuracies = run("learning_when_wrong", "--quick", "--data", data, "--out", tmp_path)
    quadratic, entropy = unit["mean_squared_error"], unit["binary_crossentropy"]
    assert quadratic[0] == entropy[0] > 0.98 and entropy[49] < 0.15 and quadratic[49] > 0.9
    first = {way: accuracy[0] for way, accuracy in accuracies.items()}
    assert first["quadratic loss"] < first["with momentum 0.9"] < first["cross-entropy"]
    require_pictures(tmp_path, "one_unit", "when_wrong")


def test_ideal_digits(data, tmp_path):
    accuracy, ideal = run("ideal_digits", "--quick", "--data", data, "--out", tmp_path)
    assert accuracy > 0.85
    plain, few, small = ideal.values()
    assert np.mean(few == 0) > 0.5 > np.mean(plain == 0)  # L1 leaves few pixels
    assert 0 < np.abs(small).max() < np.abs(plain).max()  # L2 leaves small ones
    require_pictures(tmp_path, "two_sided_curves", "fingerprints", "ideal_digits")


def test_the_gradient_of_the_two_sided_cross_entropy():
    loss = runpy.run_path(str(EXAMPLES / "ideal_digits.py"))["clipped_cross_entropy"]
    rng = np.random.default_rng(0)
    y_true, y_pred, step = np.eye(4)[[0, 3, 1]], rng.dirichlet(np.ones(4), 3), 1e-6
    values, gradient = loss(y_true, y_pred)
    slopes = np.zeros((3, 4))
    for at in np.ndindex(3, 4):
        nudge = np.zeros((3, 4))
        nudge[at] = step
        slopes[at] = (np.mean(loss(y_true, y_pred + nudge)[0]) - np.mean(loss(y_true, y_pred - nudge)[0])) / (2 * step)
    assert values.shape == (3,) and np.allclose(gradient, slopes, rtol=1e-6, atol=1e-8)
    values, gradient = loss(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))  # as wrong as can be
    assert np.isfinite(values).all() and not gradient.any()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_many_machines(capsys):
    pytest.importorskip("distributed", reason="needs dask.distributed")
    same, accuracy = run("many_machines", "--quick")
    assert same and accuracy > 0.8
    assert "2 workers, 4 networks each time" in capsys.readouterr().out
