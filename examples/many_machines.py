"""Networks trained by the workers of a Dask cluster, an ensemble and models of one's own, to the bits of training here.

Without --scheduler the cluster is two processes of this machine; with it, the workers are wherever that scheduler has
them. Needs dask: pip install "dask[distributed]". joblib sends the rows once to each worker, not with each network.
"""

import argparse

import joblib
import numpy as np
from distributed import Client

import fastmlp
from fastmlp.sklearn import MLPEnsembleClassifier


def main(arguments=None):
    """Return whether all networks are the same, here and there, and the ensemble's accuracy on test digits."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a cluster that runs, as tcp://10.0.0.1:8786")
    parser.add_argument("--networks", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few epochs, four networks")
    options = parser.parse_args(arguments)
    count, epochs = (4, 3) if options.quick else (options.networks, 40)
    (x, y), (x_test, y_test) = digits()
    ensemble = MLPEnsembleClassifier(count, (64,), max_iter=epochs, learning_rate_init=0.01, random_state=options.seed)
    expected = ensemble.fit(x, y).predict_proba(x_test)
    alone = [trained(x, y, seed, epochs) for seed in range(count)]

    with connected(options.scheduler) as client, joblib.parallel_config(backend="dask"):
        print(f"{len(client.nthreads())} workers, {count} networks each time")
        found = ensemble.fit(x, y).predict_proba(x_test)
        models = joblib.Parallel()(joblib.delayed(trained)(x, y, seed, epochs) for seed in range(count))

    same = np.array_equal(found, expected) and all(map(are_equal, models, alone))
    accuracy = np.mean(found.argmax(axis=1) == y_test)
    means = fastmlp.predict_many(models, x_test, voting="soft")
    print(f"the same bits as here: {same}\ntest accuracy of the ensemble {accuracy:.1%}, "
          f"of the models' mean {np.mean(means.argmax(axis=1) == y_test):.1%}")  # fmt: skip
    return same, accuracy


def connected(scheduler):
    """A client of the cluster at that address, or of one of two processes, which ends with it."""
    return Client(scheduler) if scheduler else Client(n_workers=2, threads_per_worker=1, dashboard_address=None)


def digits():
    (x, y), (x_test, y_test) = fastmlp.datasets.digits.load_data()
    return (x.reshape(len(x), -1) / 16.0, y), (x_test.reshape(len(x_test), -1) / 16.0, y_test)


def trained(x, y, seed, epochs):
    """A network of one's own, trained; a worker of Dask runs this, and what it returns goes back."""
    layers = [fastmlp.Input((x.shape[1],)), fastmlp.layers.Dense(32, "relu"), fastmlp.layers.Dense(10, "softmax")]
    model = fastmlp.Sequential(layers, seed=seed)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, batch_size=32, epochs=epochs, validation_split=0.1, verbose=0)
    return model


def are_equal(one, other):
    return all(map(np.array_equal, one.get_weights(), other.get_weights()))


if __name__ == "__main__":
    main()
