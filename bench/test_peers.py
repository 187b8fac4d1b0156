"""The comparison with other libraries: who is refused, what is counted, and that the contenders do the same."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from math import inf, nan
from types import SimpleNamespace

import numpy as np
import pytest

from bench import data, job, peers, process, time_to_accuracy
from bench.compare import COMPARED
from bench.contenders import fastmlp, numpy_by_hand, oracle
from bench.jobs import ADAM, CONTENDERS, ENTRIES, JOBS, MNIST, RMSPROP, SGD, Program
from bench.peak import Peak
from bench.report import records, share_of_peak, table
from bench.stopwatch import seconds
from fastmlp import kernels

TINY = replace(MNIST, widths=(4, 5, 3), data="gaussian", rows=23, test_rows=7, batch_size=5, threads=1)
BRIEF = peers.Effort(rounds=2, enough=2, budget=inf, deadline=inf, divisor=1)


def made(settings):
    return job.make(settings, *data.of(settings))


def fake(checked, seconds=(1.0,)):
    return SimpleNamespace(name="some", version="1", problem="", checked=checked, seconds=list(seconds))


# What is refused.


@pytest.mark.parametrize("wrong", [0.88, 0.92, nan])
def test_another_accuracy_is_refused(wrong):
    contenders = [fake(0.901), fake(0.9), fake(wrong)]
    peers.refuse_wrong(TINY, contenders)
    assert [contender.problem.startswith("refused: accuracy") for contender in contenders] == [False, False, True]


@pytest.mark.parametrize("wrong", [1e-3, nan])
def test_other_outputs_are_refused(wrong):
    contenders = [fake(1e-8), fake(wrong)]
    peers.refuse_wrong(replace(TINY, kind="rows"), contenders)
    assert [contender.problem.startswith("refused: off") for contender in contenders] == [False, True]


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(CONTENDERS, "nothing", Program("nothing"))
    ours, missing = peers.measure(TINY, ("fastmlp", "nothing"), {}, BRIEF)
    assert missing.problem == "not installed (no module bench.contenders.nothing)"
    assert missing.seconds == [] and len(ours.seconds) == 2


def test_a_contender_that_cannot_do_the_job_is_named():
    (found,) = peers.measure(TINY, ("onnxruntime",), {"onnxruntime": "false"}, BRIEF)
    assert found.problem == "ended with status 1: without a word"
    (found,) = peers.measure(TINY, ("fastmlp_out",), {}, BRIEF)  # it does not train
    assert found.problem.startswith("AttributeError") and found.seconds == []


def test_only_what_has_reached_the_goal_has_a_time():
    runs = [fake(0.981, [1.0, 3.0, 2.0]), fake(0.979), fake(0.98, [4.0])]
    assert time_to_accuracy.times(runs) == [2.0, inf, 4.0]
    assert time_to_accuracy.ratio(runs, [fake(0.99), fake(0.99), fake(0.5)]) == 2.0


# What is counted.


def test_operations_are_those_of_the_products():
    training = 2 * 23 * (4 * 5 + 4 * 5 + 5 * 3 + 5 * 3 + 5 * 3)
    assert TINY.operations() == training
    assert replace(TINY, kind="predict").operations() == 2 * 7 * (4 * 5 + 5 * 3)
    peak = SimpleNamespace(found={1: 1000.0})
    assert share_of_peak(TINY, fake(0.9, [2.0]), peak) == training / 2.0 / 1000.0
    assert share_of_peak(replace(TINY, kind="rows"), fake(0.9), peak) is None


def test_the_peak_is_above_a_product_and_not_far():
    peak, x = Peak(), np.ones((256, 256), np.float32)
    rates = []
    for _ in range(5):
        peak.measure(1)
        rates += [2 * 256**3 / seconds(lambda: kernels.matrix_dot(x, x, threads=1)) for _ in range(5)]
    assert 0.2 * peak.found[1] < max(rates) < 1.05 * peak.found[1]


def test_a_cycle_of_rates():
    settings = replace(TINY, rows=50, epochs=2.5, warmup=0.4, held=4)
    rates = settings.rates()
    assert len(rates) == settings.steps == 25
    assert rates.min() > 0 and 0.05 < rates.max() <= 0.1
    assert (np.diff(rates)[:8] >= 0).all() and (np.diff(rates)[12:] <= 0).all()
    given = made(settings)
    stretches = list(given.stretches())
    assert len(stretches) == 7 and len(given.order) == 125
    np.testing.assert_array_equal(np.concatenate([order for _, order in stretches]), given.order)
    by_steps = [rate for rate, order in stretches for _ in range(len(order) // 5)]
    assert by_steps == [rate for rate, _ in given.batches()]


# That contenders do the same.


@pytest.mark.parametrize("module", [fastmlp, numpy_by_hand])
@pytest.mark.parametrize("optimizer", [SGD, {**SGD, "name": "momentum", "momentum": 0.9}, RMSPROP, ADAM])
def test_training_is_the_oracles(module, optimizer):
    given = made(replace(TINY, optimizer={**optimizer, "learning_rate": 0.05}))
    ours, slow = module.Trainer(given), oracle.Trainer(given)
    for trainer in (ours, ours, slow):  # twice: reset has to forget the first run
        trainer.reset()
        trainer.train()
    np.testing.assert_allclose(ours.predict(given.x_test), slow.predict(given.x_test), rtol=1e-4)
    assert np.max(np.abs(ours.predict(given.x_test) - given.expected)) > 0.01


@pytest.mark.parametrize("kind", ["train", "predict", "rows"])
def test_a_job_from_end_to_end(kind):
    settings = replace(TINY, kind=kind)
    contenders = peers.measure(settings, ("fastmlp", "numpy_by_hand"), {}, BRIEF)
    assert [contender.problem for contender in contenders] == ["", ""]
    peak = SimpleNamespace(found={1: 1e9})
    for record in records(settings, contenders, peak):
        assert list(record) == ["job", "contender", "version", "seconds", "ratio", "share_of_peak"]
        assert record["seconds"] > 0 and record["ratio"] > 0
    assert sum(line.startswith(("fastmlp", "numpy_by_hand")) for line in table(settings, contenders, peak)) == 2


def test_every_contender_of_a_job_exists():
    used = {name for entry in ENTRIES for name in entry.contenders} | {name for _, name in COMPARED.values()}
    assert used == set(CONTENDERS)
    for program in CONTENDERS.values():
        assert (process.ROOT / "bench" / "contenders" / f"{program.module}.py").exists()


def test_unknown_names_are_named(capsys):
    for arguments in (["--jobs", "mnist_sgd,nothing"], ["--python", "nothing=python"], ["--python", "jax=/nowhere"]):
        with pytest.raises(SystemExit):
            peers.main(arguments)
        assert "got the" in capsys.readouterr().err


def test_the_machine_readable_file(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "FULL", BRIEF)
    monkeypatch.setitem(JOBS, "mnist_sgd", replace(JOBS["mnist_sgd"], settings=TINY, contenders=("fastmlp",)))
    assert peers.main(["--jobs", "mnist_sgd", "--json", str(tmp_path / "found.json")]) == 0
    (record,) = json.loads((tmp_path / "found.json").read_text())
    assert record["contender"] == "fastmlp" and record["ratio"] == 1 and record["share_of_peak"] > 0


def test_what_slows_openblas_is_found_said_and_unset():
    code = "import bench, os; print('OPENBLAS_CORETYPE' in os.environ, bench.FOUND)"
    slowed = {**os.environ, "OPENBLAS_CORETYPE": "Haswell"}
    done = subprocess.run([sys.executable, "-c", code], env=slowed, cwd=process.ROOT, capture_output=True, text=True)
    assert done.stdout == "False {'OPENBLAS_CORETYPE': 'Haswell'}\n"
    assert done.stderr.startswith("bench: found OPENBLAS_CORETYPE=Haswell, which slow NumPy")
