"""Many small networks at once against one after the other: `python -m bench.many`.

64 networks of 20-64-64-1 are trained on 10,000 rows, batch 32, Adam, mean squared error: by `fit_many`, by `fit` one
after the other, and by `fit` in a pool of as many threads of Python. fastmlp's contenders take turns in this process;
the least times of the turns are compared, since noise only adds, and their histories must be equal. PyTorch and
scikit-learn, where they are there, train fewer models, whose time is multiplied (marked by *); torch.func.vmap trains
all 64 as one, which it can as they are alike.
"""

import argparse
import importlib.util
import itertools
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import fastmlp
from bench.table import aligned, processor, ratio_text, time_text

WIDTHS = (20, 64, 64, 1)
BATCH, RATE = 32, 1e-3
TIMES = 2  # that the others train, of which the least counts


def main(arguments=None):
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.many", description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args(arguments)
    threads = fastmlp.get_num_threads()
    print(f"{options.models} models of {'-'.join(map(str, WIDTHS))}, {options.rows:,} rows, {options.epochs} epochs\n")
    times, at_work = measured(data(options.rows), options, threads)
    ours = times["fit_many"]
    rows = [("contender", "time ", "time/fit_many ")]
    rows += [(name, time_text(seconds), ratio_text(seconds / ours)) for name, seconds in times.items()]
    print("\n".join(aligned(rows)))
    print(f"\nfit_many on {threads} threads had the CPU for {at_work:.0%} of the time of all of them\n{processor()}")


def data(rows):
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, WIDTHS[0])).astype(np.float32)
    return x, np.tanh(x[:, :1] * x[:, 1:2]) + random.normal(0, 0.1, (rows, 1)).astype(np.float32)


def measured(given, options, threads):
    """The least time of each contender, in seconds; and the share of the threads' time that fit_many's had a CPU."""
    contenders = {"fit_many": together, "fit, one after the other": one_by_one, f"fit in {threads} threads": pooled}
    times, shares = {name: [] for name in contenders}, []
    for _ in range(options.turns):
        losses = []
        for name, train in contenders.items():
            models = [model(seed) for seed in range(options.models)]
            seconds, used = timed(train, models, *given, options.epochs)
            times[name].append(seconds)
            losses.append([one.history.history["loss"] for one in models])
            if train is together:
                shares.append(used / seconds / threads)
        assert losses[0] == losses[1] == losses[2], "the models are not the same"
    least = {name: min(found) for name, found in times.items()}
    for name, module, train in OTHERS:
        if importlib.util.find_spec(module) is not None:
            least[name] = train(*given, options)
    return least, max(shares)


def timed(function, *arguments):
    """Seconds of the clock, and of all CPUs."""
    started, used = time.perf_counter(), time.process_time()
    function(*arguments)
    return time.perf_counter() - started, time.process_time() - used


def model(seed):
    layers = fastmlp.layers
    hidden = [layers.Dense(units, "relu") for units in WIDTHS[1:-1]]
    made = fastmlp.Sequential([fastmlp.Input((WIDTHS[0],)), *hidden, layers.Dense(WIDTHS[-1])], seed=seed)
    made.compile(fastmlp.optimizers.Adam(RATE), "mse")
    return made


def together(models, x, y, epochs):
    fastmlp.fit_many(models, x, y, BATCH, epochs, verbose=0)


def one_by_one(models, x, y, epochs):
    for one in models:
        one.fit(x, y, BATCH, epochs, verbose=0)


def pooled(models, x, y, epochs):
    with ThreadPoolExecutor(fastmlp.get_num_threads()) as pool:
        list(pool.map(lambda one: one.fit(x, y, BATCH, epochs, verbose=0), models))


def pytorch(x, y, options):
    """One after the other, eager; an epoch of a few."""
    import torch
    from torch import nn, optim

    torch.set_num_threads(1)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def train():
        network = torch_network(torch)
        optimizer = optim.Adam(network.parameters(), RATE, fused=True)
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = nn.functional.mse_loss(network(inputs[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    train()
    return min(timed(train)[0] for _ in range(TIMES)) * options.models * options.epochs


def torch_network(torch):
    layers = []
    for n, m in itertools.pairwise(WIDTHS):
        layers += [torch.nn.Linear(n, m), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def vmapped(x, y, options):
    """All at once by torch.func.vmap, each with rows in its own order; an epoch, on all threads."""
    import torch
    from torch import nn, optim
    from torch.func import functional_call, stack_module_state, vmap

    torch.set_num_threads(fastmlp.get_num_threads())
    networks = [torch_network(torch) for _ in range(options.models)]
    parameters, _ = stack_module_state(networks)
    optimizer = optim.Adam(parameters.values(), RATE, fused=True)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def losses(parameters, rows, goals):
        return nn.functional.mse_loss(functional_call(networks[0], parameters, (rows,)), goals)

    def train():
        orders = torch.stack([torch.randperm(len(x)) for _ in networks])
        for rows in orders.split(BATCH, dim=1):
            loss = vmap(losses)(parameters, inputs[rows], targets[rows]).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return min(timed(train)[0] for _ in range(TIMES)) * options.epochs


def scikit_learn(x, y, options):
    """A few by joblib's processes, as many as threads, which are started before."""
    from joblib import Parallel, delayed

    jobs = fastmlp.get_num_threads()
    with Parallel(n_jobs=jobs) as parallel:

        def train():
            parallel(delayed(fit_perceptron)(seed, x, y[:, 0]) for seed in range(jobs))

        train()
        return min(timed(train)[0] for _ in range(TIMES)) * options.models / jobs * options.epochs


def fit_perceptron(seed, x, y):
    """One epoch, in a process of its own."""
    from sklearn.neural_network import MLPRegressor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that one epoch is not enough
        settings = {"hidden_layer_sizes": WIDTHS[1:-1], "batch_size": BATCH, "alpha": 0.0, "random_state": seed}
        MLPRegressor(**settings, max_iter=1).fit(x, y)


OTHERS = [
    ("PyTorch, one after the other *", "torch", pytorch),
    ("PyTorch, torch.func.vmap *", "torch", vmapped),
    ("scikit-learn, in processes *", "sklearn", scikit_learn),
]

if __name__ == "__main__":
    main()
