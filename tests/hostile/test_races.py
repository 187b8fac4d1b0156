"""A few races; `python -m tests.hostile.races` is the long form."""

import threading

import numpy as np
import pytest

from tests.conftest import THREADS_ARE_WATCHED
from tests.hostile import races
from tests.hostile.ways import ways_of

WAYS = """
fit evaluate predict gradients vjp call get_weights set_weights add compile save export backup copy pickle
apply_gradients train_on_batch to_json summary layers
"""
WAYS = set(WAYS.split())


@pytest.mark.parametrize("kind", [races.in_any_way, races.while_written, races.between_steps])
@pytest.mark.parametrize("name", ["sequential", "graph", "network", "kernel"])
@pytest.mark.filterwarnings("ignore")
def test_threads_share_an_object(tmp_path, name, kind):
    if kind is races.between_steps and name not in ("sequential", "graph"):
        pytest.skip("of models alone")
    if kind is races.while_written and THREADS_ARE_WATCHED:
        pytest.skip("is what ThreadSanitizer reports")
    with np.errstate(all="ignore"), races.quiet():
        assert sum(kind(races.SUBJECTS[name](2, tmp_path)).values()) > 0


def test_all_ways_of_models_are_found(tmp_path):
    """A new method needs values for its arguments here, or to be named as one that is inside."""
    assert races.OfModel(1, tmp_path).ways().keys() >= WAYS | {"pop"}
    assert races.OfGraph(1, tmp_path).ways().keys() >= WAYS - {"add"}
    with pytest.raises(LookupError, match=r"Sequential.fit needs \['unheard_of'\]"):
        subject = races.OfModel(1, tmp_path).subject
        subject.__class__ = type("Sequential", (type(subject),), {"fit": lambda self, unheard_of: None})
        ways_of(subject, {}, None, set(dir(subject)) - {"fit"})


def test_an_estimator_is_fitted_by_one_thread_at_a_time():
    sklearn = pytest.importorskip("fastmlp.sklearn")
    from fastmlp.callbacks import LambdaCallback

    x, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    begun, refused = threading.Event(), threading.Event()

    def wait(epoch, logs):
        begun.set()
        assert refused.wait(20)

    estimator = sklearn.MLPClassifier((3,), max_iter=2, callbacks=[LambdaCallback(on_epoch_end=wait)])
    thread = threading.Thread(target=estimator.fit, args=(x, y))
    with pytest.warns(match="Maximum iterations"):
        thread.start()
        assert begun.wait(20)
        try:
            for again in (estimator.fit, estimator.partial_fit):
                with pytest.raises(RuntimeError, match="fit: got an estimator that another thread trains"):
                    again(x, y)
        finally:
            refused.set()
            thread.join()
    assert estimator.predict(x).shape == (10,)
