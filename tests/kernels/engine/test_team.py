"""How many threads take part: decisions on recorded waits, and runs whose threads change on the way."""

import multiprocessing

import numpy as np
import pytest

from fastmlp.kernels.engine import Network, team

MS = 1_000_000  # nanoseconds
STEP = MS // 5
CALM, STALLED = (STEP, 0), (4 * MS, 3 * MS)


def test_calm_steps_keep_all_threads():
    assert team.decisions(2, [CALM] * 50) == [2] * 50
    assert team.decisions(1, [CALM, STALLED] * 5) == [1] * 10


def test_some_waiting_is_the_work_itself():
    assert team.decisions(2, [(10 * MS, 4 * MS)] * 20) == [2] * 20  # of products of unequal sizes
    assert team.decisions(2, [(STEP, STEP * 3 // 4)] * 20) == [2] * 20  # of short steps


def test_a_stall_leaves_one_thread_for_ten_times_as_long():
    found = team.decisions(2, [STALLED] + [CALM] * 300)
    alone = found.index(2)
    assert set(found[:alone]) == {1} and set(found[alone:]) == {2}
    assert (alone - 1) * STEP < 10 * 3 * MS <= alone * STEP
    later = team.decisions(2, [STALLED] + [CALM] * 1000 + [STALLED] + [CALM] * 300)
    assert later[1001:].index(2) == alone  # as after the first, as it is long ago


def test_stalls_that_come_again_at_once_leave_one_thread_for_longer_and_longer_up_to_a_second():
    steps, pauses = [], []
    for _ in range(8):
        steps.append(STALLED)
        assert team.decisions(2, steps)[-1] == 1
        count = 0
        while team.decisions(2, steps)[-1] == 1:
            steps += [CALM] * 25
            count += 25
        pauses.append(count * STEP / MS)
    assert pauses == pytest.approx([30, 60, 120, 240, 480, 960, 1000, 1000], abs=6)


def test_of_many_threads_half_go_on():
    steps = [STALLED, STALLED, *[CALM] * 900]
    found = team.decisions(8, steps)
    assert found[:2] == [4, 2] and found[-1] == 8 and sorted(set(found)) == [2, 4, 8]


def occupy(stop):
    while not stop.is_set():
        for _ in range(10000):
            pass


@pytest.fixture
def busy_machine():
    """Programs that want all CPUs."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    programs = [context.Process(target=occupy, args=(stop,), daemon=True) for _ in range(3)]
    for program in programs:
        program.start()
    yield
    stop.set()
    for program in programs:
        program.join()


def test_weights_are_the_same_while_threads_change(busy_machine):
    random = np.random.default_rng(2)
    x, y = random.normal(size=(300, 40)).astype(np.float32), random.normal(size=(300, 3)).astype(np.float32)
    layers = [
        {"kind": "dense", "units": 60, "activation": "tanh", "use_bias": True},
        {"kind": "dense", "units": 3, "use_bias": True},
    ]
    weights = [random.normal(size=shape) / 8 for shape in ((40, 60), (60,), (60, 3), (3,))]
    orders = np.stack([random.permutation(300) for _ in range(60)])
    found = []
    for threads in (1, 2, 3):
        network = Network(
            40,
            layers,
            "mean_squared_error",
            {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
        )
        network.set_weights(weights)
        network.threads = threads
        losses = []
        network.train_epochs(x, y, orders, 7, losses)
        assert len(losses) == 60 and network.step == 60 * 43
        found.append((network.get_weights(), losses))
    for arrays, losses in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(arrays, found[0][0], strict=True)) and losses == found[0][1]
