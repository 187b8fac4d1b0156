"""SwapEMAWeights: evaluations with the averages of the weights, with the values of Keras."""

import numpy as np
import pytest

from fastmlp.callbacks import LambdaCallback, SwapEMAWeights
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD
from tests import keras_values
from tests.callbacks.models import X, Y, fit, make, same

AVERAGED = {"use_ema": True, "ema_momentum": 0.875}


def size(model):
    return sum(np.abs(array).sum() for array in model.get_weights())


@pytest.mark.parametrize(
    ("swap_on_epoch", "sizes"),
    [
        (False, [8.369633001338553, 8.436340201176447, 8.496693930536102]),
        (True, [8.289013617261944, 8.341914295065706, 8.406442443298207]),
    ],
)
def test_an_evaluation_of_the_averages_has_the_values_of_keras(swap_on_epoch, sizes):
    """Keras 3.15.1 with JAX in float64; without the callback its first val_loss is 1.0999."""
    model = Sequential([Input((4,)), Dense(3, "relu"), Dense(3, "softmax")], dtype="float64")
    model.compile(SGD(0.5, **AVERAGED), "categorical_crossentropy")
    model.set_weights(keras_values.first_weights(3))
    x, y, found = keras_values.X, keras_values.Y["onehot"], []
    watch = [SwapEMAWeights(swap_on_epoch), LambdaCallback(on_epoch_end=lambda epoch, logs: found.append(size(model)))]
    settings = {"batch_size": 8, "shuffle": False, "validation_data": (x[:20], y[:20]), "verbose": 0}
    history = model.fit(x, y, epochs=3, callbacks=watch, **settings).history
    assert history["loss"] == pytest.approx([1.1033031597864698, 1.1022926907131698, 1.1013443231721018], rel=1e-12)
    assert history["val_loss"] == pytest.approx([1.0965796609690805, 1.0956357317628833, 1.093928498711668], rel=1e-12)
    assert found == pytest.approx(sizes, rel=1e-12) and size(model) == pytest.approx(8.406442443298207, rel=1e-12)


def test_a_fit_that_stops_early_ends_with_the_averages_too():
    stop, models = LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(stop.model, "stop_training", epoch == 1)), []
    for before in ([], [SwapEMAWeights(swap_on_epoch=True)]):
        models.append(make(optimizer=SGD(0.5, **AVERAGED)))
        assert fit(models[-1], epochs=5, callbacks=[*before, stop]).epoch == [0, 1]
    assert same(models[0].get_weights(), models[1].get_weights())


def test_evaluate_and_predict_use_the_averages_and_put_the_weights_back():
    model, twin = (make(optimizer=SGD(0.5, **AVERAGED)) for _ in range(2))
    for one in (model, twin):
        for rows in (slice(0, 25), slice(25, 50)):
            one.train_on_batch(X[rows], Y[rows])
    before = model.get_weights()
    twin.use_average()
    assert not same(before, twin.get_weights())
    swap = SwapEMAWeights()
    assert model.evaluate(X, Y, verbose=0, callbacks=[swap]) == twin.evaluate(X, Y, verbose=0)
    assert same(model.get_weights(), before)
    assert np.array_equal(model.predict(X, verbose=0, callbacks=[swap]), twin(X))
    assert same(model.get_weights(), before)


def test_averages_of_an_optimizer_that_keeps_none():
    model = make(optimizer=SGD(0.5))
    before, callbacks_ = model.get_weights(), [SwapEMAWeights()]
    for run in (lambda: fit(model, callbacks=callbacks_), lambda: model.predict(X, verbose=0, callbacks=callbacks_)):
        with pytest.raises(ValueError, match=r"SwapEMAWeights: got SGD\(.*\), needs an optimizer with use_ema=True"):
            run()
    assert same(model.get_weights(), before)
    with pytest.raises(ValueError, match="needs an optimizer with use_ema=True"):
        Sequential([Input((4,)), Dense(1)]).predict(X, verbose=0, callbacks=callbacks_)
