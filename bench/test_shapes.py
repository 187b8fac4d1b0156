"""The table of shapes: how a shape is read, and that contenders train alike."""

import argparse
import sys

import numpy as np
import pytest

from bench import data, job, shapes
from bench.contenders import fastmlp, oracle
from bench.process import ROOT


def test_a_shape_is_read():
    shape = shapes.shape("50-256x4-1:32")
    assert shape.widths == (50, 256, 256, 256, 256, 1) and shape.batch == 32
    assert shape.work == 32 * (2 * 50 * 256 + 3 * 3 * 256 * 256 + 3 * 256)
    for wrong in ("50:32", "50-1", "50-1:0", "50-x4-1:8", "fifty-1:8"):
        with pytest.raises(argparse.ArgumentTypeError, match="got the shape"):
            shapes.shape(wrong)


def test_every_shape_has_steps():
    for text in shapes.SHAPES:
        settings = shapes.shape(text).settings(shapes.QUICK)
        assert settings.steps >= shapes.LEAST_STEPS and settings.rows == settings.steps * settings.batch_size


def test_a_regression_is_the_oracles():
    settings = shapes.Shape("", (4, 5, 2), 6).settings(shapes.Effort(1, 1, 0, 0, divisor=100))
    given = job.make(settings, *data.of(settings))
    found = []
    for module in (fastmlp, oracle):
        trainer = module.Trainer(given)
        trainer.reset()
        trainer.train()
        found.append(trainer.predict(given.x_test))
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-5)


def test_two_builds_take_turns(capsys):
    """This checkout as the other one: its fastmlp is found by its path."""
    arguments = ["--quick", "--shapes", "4-8-1:16", "--contenders", "fastmlp", "--against", str(ROOT)]
    assert shapes.main([*arguments, "--python", f"fastmlp={sys.executable}"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("4-8-1:16"))
    assert len(line.split()) == 7 and line.split()[3].endswith("x")


def test_the_other_build_is_the_one_that_runs(capsys, tmp_path):
    arguments = ["--quick", "--shapes", "4-8-1:16", "--contenders", "fastmlp", "--against", str(tmp_path)]
    with pytest.raises(SystemExit):
        shapes.main(arguments)
    assert "needs a checkout" in capsys.readouterr().err
    (tmp_path / "fastmlp").mkdir()
    (tmp_path / "fastmlp" / "__init__.py").write_text("raise ImportError('I am the other one')")
    shapes.main(arguments)
    assert "  before: ImportError: I am the other one" in capsys.readouterr().out
