"""fastmlp-train of tables that do not fit into memory: as those that do, from disk."""

import subprocess
import sys

import numpy as np
import pytest

from tests.cli.command import ENVIRONMENT, is_error, posix

pl = pytest.importorskip("polars")
sklearn = pytest.importorskip("fastmlp.sklearn")

QUICK = ("--hidden", "16", "--epochs", "12", "--learning-rate", "0.01", "--threads", "1")
ROWS = 2_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a table, where every table is large."""
    random = np.random.default_rng(0)
    x, pay = random.normal(size=ROWS), random.choice(["card", "cash"], ROWS)
    score = 3 * x + 2 * (pay == "cash")
    pl.DataFrame(
        {
            "row": np.arange(1, ROWS + 1),
            "x": x.round(3),
            "pay": pay,
            "amount": (100 + score).round(2),
            "bought": [None if place % 10 == 9 else "yes" if value > 0 else "no" for place, value in enumerate(score)],
        }
    ).write_csv(tmp_path / "t.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fastmlp.tables.large.MOST_MEMORY", 0)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path


def test_classes(command, predicted, folder):
    arguments = ("--target", "bought", "--drop", "amount", *QUICK, "--output", "m.safetensors")
    status, out, err = command("t.csv", *arguments)
    assert status == 0
    assert "2,000 rows, more than fit into memory: trained from disk; 2,000 drawn ones show columns" in err
    assert "ignored: counts the rows" in err and "missing rows left out: 200" in err
    test, baseline, trained = out.splitlines()
    assert float(test.split()[2].rstrip("%,")) > 90 > float(baseline.split()[2].rstrip("%,"))
    assert trained.endswith(", 200 rows without a target left out")
    status, out, _ = predicted("m.safetensors", "t.csv", "--id", "row")
    assert status == 0 and out.startswith("row,prediction,probability_no,probability_yes\n")
    assert not list((folder / "temporary").iterdir())


def test_the_scores_are_those_of_the_model(result, folder):
    whole = pl.read_csv("t.csv")
    whole[:1500].write_csv("train.csv")
    whole[1500:].write_csv("test.csv")
    for target, dropped in (("amount", "bought"), ("bought", "amount")):
        arguments = ("--target", target, "--drop", dropped, *QUICK, "--ensemble", 2)
        found = result("train.csv", "--test", "test.csv", *arguments, "--output", "m.safetensors")
        test = whole[1500:].filter(pl.col(target).is_not_null())
        model = sklearn.load("m.safetensors")
        assert found["networks"] == len(model.estimators_) == 2
        assert (found["train_samples"], found["test_samples"]) == ((1500, 500) if target == "amount" else (1350, 450))
        if target == "amount":
            differences = model.predict(test) - test["amount"].to_numpy()
            assert found["test"]["root_mean_squared_error"] == pytest.approx((differences**2).mean() ** 0.5)
            assert found["test"]["mean_absolute_error"] == pytest.approx(abs(differences).mean())
            assert found["baseline"]["prediction"] == pytest.approx(whole[:1500]["amount"].mean())
            assert found["test"]["mean_absolute_error"] < found["baseline"]["mean_absolute_error"] / 4
        else:
            from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

            y = test["bought"].to_numpy()
            probabilities = model.predict_proba(test).astype(float)
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            assert found["test"]["accuracy"] == pytest.approx(accuracy_score(y, model.predict(test)))
            assert found["test"]["log_loss"] == pytest.approx(log_loss(y, probabilities))
            assert found["test"]["roc_auc"] == pytest.approx(roc_auc_score(y, probabilities[:, 1]))


def test_the_same_seed_gives_the_same_model(result, folder):
    first, again, other = (
        result("t.csv", "--target", "amount", "--epochs", "2", *QUICK[:2], "--seed", seed)["test"] for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["t.csv", "--target", "price"], "--target: got 'price' for t.csv, needs one of 'row', 'x'"),
        (["t.csv", "--target", "pay", "--test", "new.csv"], "--test: got 'coin' as target, needs only classes"),
        (["t.csv", "--target", "x", "--test", "new.csv"], "--target: got 'x' for new.csv, needs one of 'pay'"),
        (["t.csv", "--target", "row", "--type", "pay=number"], "pay"),
    ],
)
def test_bad_usage(command, folder, arguments, message):
    pl.DataFrame({"pay": ["coin", "cash"]}).write_csv("new.csv")
    status, out, err = command("--quiet", *arguments, *QUICK, "--output", "m.safetensors")
    assert (status, out) == (2, "") and is_error(err, message)
    assert not (folder / "m.safetensors").exists()
    assert not list((folder / "temporary").iterdir())


@pytest.mark.parametrize(("wrong", "got"), [(-1, "-1"), (None, "a missing value")])
def test_weights_that_no_drawn_row_shows(command, folder, monkeypatch, wrong, got):
    monkeypatch.setattr("fastmlp.tables.large.DRAWN_ROWS", 100)
    weight = pl.Series("w", [1] * ROWS).scatter(1234, wrong)
    pl.read_csv("t.csv").with_columns(weight).write_csv("w.csv")
    status, _, err = command("--quiet", "w.csv", "--target", "amount", "--weight", "w", *QUICK)
    assert status == 2 and is_error(err, f"--weight: got {got} in 'w', needs numbers of at least 0 in every row")


SAME = ("--target", "amount", "--hidden", "8", "--ensemble", 2, "--epochs", 8, "--threads", 1)


@pytest.mark.parametrize("epochs", [3, 11], ids=["the first network", "the second"])
def test_it_goes_on_from_a_checkpoint_to_the_same_result(command, result, folder, monkeypatch, epochs):
    from fastmlp.tables import large

    monkeypatch.setattr(large, "EPOCH", 700)  # an epoch ends in the midst of a pass
    whole = result("t.csv", *SAME, "--output", "whole.safetensors")
    left = iter(range(epochs))

    at_the_end_of_an_epoch = large.EarlyStopping.on_epoch_end

    def ending(self, epoch, logs=None):
        at_the_end_of_an_epoch(self, epoch, logs)
        if next(left, None) is None:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(large.EarlyStopping, "on_epoch_end", ending)
        assert command("t.csv", *SAME, "--checkpoint", "kept", "--quiet")[0] == 130
    names = [path.name for path in sorted((folder / "kept").iterdir())]
    assert names == ["network-001", "network-002"][: 1 + epochs // 8]
    parts = result("t.csv", *SAME, "--resume", "kept", "--output", "parts.safetensors")
    assert parts | {"seconds": 0} == whole | {"seconds": 0}
    assert (folder / "parts.safetensors").read_bytes() == (folder / "whole.safetensors").read_bytes()


def test_another_table_does_not_go_on(command, result, folder):
    result("t.csv", *SAME, "--checkpoint", "kept")
    for name, what in (("x", "rows of the table"), ("pay", "rows of the table")):
        changed = pl.read_csv("t.csv").with_columns(pl.col(name).reverse())
        changed.write_csv("changed.csv")
        status, _, err = command("changed.csv", *SAME, "--resume", "kept", "--quiet")
        assert status == 2 and is_error(err, f"{what}: got ")
    status, _, err = command("t.csv", *SAME, "--test-split", 0.1, "--resume", "kept", "--quiet")
    assert status == 2 and is_error(err, "rows to test on: got ")


def test_a_search_is_refused(command, folder):
    status, _, err = command("t.csv", "--target", "amount", "--tune", 1, "--quiet")
    assert status == 2 and is_error(err, "--tune: got it for t.csv, needs a table that fits into memory")


@posix
def test_an_interrupt_leaves_nothing(folder):
    program = (
        "import os, signal\n"
        "from fastmlp import cli\n"
        "from fastmlp.tables import large\n"
        "class Stopping(large.EarlyStopping):\n"
        "    def on_epoch_end(self, epoch, logs=None):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "large.MOST_MEMORY, large.EarlyStopping = 0, Stopping\n"
        "cli.main(['t.csv', '--target', 'amount', '--quiet', '--output', 'm.safetensors'])\n"
    )
    environment = ENVIRONMENT | {"TMPDIR": str(folder / "temporary")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=300, cwd=folder
    )
    assert done.returncode == 130
    assert not list((folder / "temporary").iterdir()) and not (folder / "m.safetensors").exists()
