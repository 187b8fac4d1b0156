"""Callbacks that watch a value: Keras' EarlyStopping and ReduceLROnPlateau by their documentation."""

import pytest

from fastmlp.callbacks import EarlyStopping, LambdaCallback, ModelCheckpoint, ReduceLROnPlateau
from fastmlp.optimizers import SGD
from tests.callbacks.models import fit, make, same

NAN = float("nan")


def watch(values, callback, name="val_loss", epochs=None):
    """Run a callback on made-up values; return the model as it is then."""
    model = make()
    feed = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update({name: values[epoch]}))
    model.watched = fit(model, epochs=epochs or len(values), callbacks=[feed, callback])
    return model


@pytest.mark.parametrize(
    ("values", "settings", "epochs"),
    [
        ([3, 2, 2, 1], {}, 3),
        ([3, 2, 2, 2, 1], {"patience": 2}, 4),
        ([3, 2, 2, 1, 1, 1], {"patience": 2}, 6),
        ([3, 2.9, 2.8, 2.7], {"min_delta": 0.5, "patience": 2}, 3),
        ([3, 2.9, 2.8, 2.7], {"min_delta": -0.5, "patience": 2}, 3),
        ([1, 2, 3, 2, 9], {"mode": "max"}, 4),
        ([1, 2, 3, 2, 9], {"monitor": "val_accuracy"}, 4),
        ([1, 2, 1], {"monitor": "val_accuracy", "mode": "min"}, 2),
        ([5, 4, 3, 2, 1], {"baseline": 0.5, "patience": 2}, 5),
        ([5, 5, 3, 2, 1], {"baseline": 0.5, "patience": 2}, 2),
        ([9, 9, 9, 2, 1, 1], {"start_from_epoch": 3}, 6),
        ([NAN] * 4, {"patience": 2}, 3),
        ([NAN, 3, 2, 2, 2], {"patience": 2}, 5),
        ([3, NAN, NAN, 2], {"patience": 2}, 3),
        ([0.2, 0.5, 0.9, 0.6], {"monitor": "val_f1", "mode": "max", "patience": 2}, 4),
    ],
)
def test_early_stopping(values, settings, epochs):
    callback = EarlyStopping(**settings)
    model = watch(values, callback, settings.get("monitor", "val_loss"))
    assert len(model.watched.epoch) == epochs


def test_early_stopping_restores_the_best_weights(capsys):
    snapshots = []
    model = make()
    feed = LambdaCallback(
        on_epoch_end=lambda epoch, logs: (
            logs.update(val_loss=[3, 1, 2, 2, 0][epoch]),
            snapshots.append(model.get_weights()),
        )
    )
    stopping = EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    fit(model, epochs=5, callbacks=[feed, stopping])
    assert len(snapshots) == 4 and same(model.get_weights(), snapshots[1]) and stopping.best_epoch == 1
    assert capsys.readouterr().out == (
        "Epoch 4: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )


def test_what_was_nan_in_the_first_epoch_may_become_better():
    """Keras takes the NaN for the best value for ever: it ends with the weights of the first epoch."""
    stopping, checkpoint = EarlyStopping(patience=2, restore_best_weights=True), ModelCheckpoint("m.safetensors")
    watch([NAN, 3, 2], stopping)
    assert (stopping.best, stopping.best_epoch) == (2, 2)
    watch([NAN, NAN, NAN], stopping)
    assert stopping.best_epoch == 0
    checkpoint.best = NAN
    assert checkpoint.is_better(1.0, checkpoint.best) and not checkpoint.is_better(NAN, checkpoint.best)
    model = make(optimizer=SGD(1.0))
    values = [NAN, 1.0, 1.0, 1.0]
    feed = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_loss=values[epoch]))
    rates = fit(model, epochs=4, callbacks=[feed, ReduceLROnPlateau(patience=2)]).history["learning_rate"]
    assert rates == [1.0, 1.0, 1.0, 1.0] and model.optimizer.learning_rate == 0.1


@pytest.mark.parametrize("callback", [EarlyStopping(), ReduceLROnPlateau()])
def test_a_value_that_is_not_there_is_warned_of(callback):
    with pytest.warns(UserWarning, match="got no 'val_loss' to monitor, needs one of: accuracy"):
        fit(make(), callbacks=[callback])


def test_reduce_lr_on_plateau(capsys):
    callback = ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.15, verbose=1)
    model = make(optimizer=SGD(1.0))
    feed = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_loss=1.0 - 1e-6 * epoch))
    rates = fit(model, epochs=10, callbacks=[feed, callback]).history["learning_rate"]
    # Improvements below 1e-4 do not count; after a change one epoch is not counted.
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.15, 0.15, 0.15]
    assert model.optimizer.learning_rate == 0.15
    assert "\nEpoch 3: ReduceLROnPlateau reducing learning rate to 0.5.\n" in capsys.readouterr().out
