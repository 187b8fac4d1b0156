"""How many threads take part: decisions on recorded waits, and runs whose threads change on the way."""

import multiprocessing

import numpy as np
import pytest

from fastmlp.kernels.engine import Network, team

MS = 1_000_000  # nanoseconds
STEP = MS // 5  # on two threads


def each(times, waited=0):
    """A step that takes these times on 1, 2, 4, ... threads, and waits where there are several."""
    return {2**i: (int(time), waited if i > 0 else 0) for i, time in enumerate(times)}


CALM, SHARED = each([1.8 * STEP, STEP]), each([1.8 * STEP, 1.4 * 1.8 * STEP])  # two cores, and one for both threads
STALLED = {1: (2 * STEP, 0), 2: (4 * MS, 3 * MS)}


def decide(most, steps, known=(99, 10**18, 0)):
    """The threads of each step of a run that begins while it is known that all pay."""
    return team.decisions(most, steps, known)


def spent(steps, found):
    return sum(step[threads][0] for step, threads in zip(steps, found, strict=True))


def changes(found):
    """The numbers of threads, one after the other, and how many steps each lasts."""
    stretches = [[found[0], 0]]
    for threads in found:
        if threads != stretches[-1][0]:
            stretches.append([threads, 0])
        stretches[-1][1] += 1
    return stretches


def test_two_cores_are_used_but_for_trials_that_cost_less_than_a_hundredth():
    for count in (300, 1000, 10_000, 50_000):
        found = decide(2, [CALM] * count)
        assert 1 in found and found[-1] == 2
        assert spent([CALM] * count, found) < 1.012 * STEP * count
    assert spent([CALM] * count, found) < 1.002 * STEP * count  # trials become rare
    assert decide(2, [CALM] * 150) == [2] * 150
    assert decide(1, [CALM, STALLED] * 500) == [1] * 1000


def test_a_trial_is_a_few_steps():
    stretches = changes(decide(2, [CALM] * 3000))
    assert [threads for threads, _ in stretches] == [2, 1] * (len(stretches) // 2) + [2]
    assert all(length == 4 for threads, length in stretches if threads == 1)


def test_a_shared_core_is_noticed_without_any_waiting():
    steps = [SHARED] * 10_000
    found = decide(2, steps)
    assert found[:190] == [2] * 190 and found[-1] == 1
    assert spent(steps[1000:], found[1000:]) < 1.01 * 1.8 * STEP * 9000
    assert spent(steps, found) < 1.03 * 1.8 * STEP * len(steps)


@pytest.mark.parametrize("slower", [0.98, 1.0, 1.02])
def test_threads_that_neither_help_nor_harm_stay(slower):
    found = decide(2, [each([STEP, slower * STEP])] * 5000)
    assert found.count(1) < 100 and found[-1] == 2


def test_threads_come_back_within_about_a_second_after_a_core_was_shared():
    steps = [SHARED] * 20_000 + [CALM] * 20_000
    found = decide(2, steps)[20_000:]
    back = next(place for place in range(20_000) if found[place : place + 9] == [2] * 9)
    assert back * 1.8 * STEP < 1100 * MS and found[-1] == 2 and found[-10_000:].count(1) < 100


@pytest.mark.parametrize("usual, kept", [(CALM, 2), (SHARED, 1)])
@pytest.mark.parametrize("odd, count", [(0.7, 1), (50, 3)])
def test_some_odd_steps_decide_nothing(usual, kept, odd, count):
    """Not even where they are those of a trial."""
    start = 700  # with two trials
    strange = {threads: (int(odd * time), 0) for threads, (time, _) in usual.items()}
    for place in range(start - 600, start):
        steps = [usual] * place + [strange] * count + [usual] * (start + 600 - place)
        decided = decide(2, steps)
        assert decided[start:].count(kept) > 560, place


def test_a_slow_step_of_a_trial_does_not_count():
    first = decide(2, [SHARED] * 300).index(1)
    for place in range(first - 5, first + 9):
        steps = [SHARED] * 300
        steps[place] = {threads: (3 * time, 0) for threads, (time, _) in SHARED.items()}
        assert decide(2, steps)[-1] == 1


def test_batches_of_other_sizes_are_not_measured():
    near, small = each([1.2 * STEP, STEP]), {**each([STEP // 50, STEP // 50]), "rows": 2}
    for period in range(7, 20):
        found = decide(2, ([near] * period + [small]) * 200)
        assert found.count(1) < 60 and found[-1] == 2


def test_where_nothing_is_known_a_trial_comes_at_once():
    steps, findings = [SHARED] * 47, []
    found = team.decisions(2, steps, None, findings)
    assert changes(found) == [[2, 5], [1, 4], [2, 5], [1, 33]]  # one more step may have begun
    (threads, until, pause), *others = findings
    assert threads == 1 and not others and pause == 0 and until > 100 * STEP
    assert changes(team.decisions(2, [CALM] * 150, None, findings)) == [[2, 5], [1, 4], [2, 141]]
    assert findings[1][0] > 99 and findings[1][1] > 5000 * MS


def test_what_is_known_holds_at_first():
    known = 1, 100 * 1.8 * STEP, 0
    assert changes(decide(2, [SHARED] * 150, known)) == [[1, 103], [2, 5], [1, 42]]
    found = decide(2, [CALM] * 5000, known)
    assert found[:103] == [1] * 103 and found[200:].count(1) < 60
    assert decide(8, [each([8 * STEP, 4 * STEP, 2 * STEP, STEP])] * 9, (4, 10**18, 0)) == [4] * 9


def test_a_stall_is_a_finding():
    findings = []
    team.decisions(2, [STALLED] + [CALM] * 9, None, findings)
    assert findings == [(1, 1 + 4 * MS + 30 * MS, 30 * MS)]


def test_stalls_of_networks_that_come_after_each_other_make_the_pause_longer():
    known, pauses = None, []
    for _ in range(5):
        findings = []
        rest = 0 if known is None else round(known[1] / (1.8 * STEP)) + 4
        found = team.decisions(2, [CALM] * rest + [STALLED] * 2 + [CALM] * 9, known, findings)
        assert set(found[: max(rest - 4, 0)]) <= {1} and found[-1] == 1
        known = 1, 40 * MS, findings[-1][2]  # the next one begins before the pause has ended
        pauses.append(known[2] // MS)
    assert pauses == [30, 120, 480, 1000, 1000]


def test_a_new_network_begins_with_what_another_has_found(busy_machine):
    x, y = rows_of(300)
    order = np.arange(300)
    expected = [network_of(1).train_epoch(x, y, order, 7) for _ in range(2)]
    assert [network_of(2).train_epoch(x, y, order, 7) for _ in range(2)] == expected


def test_of_many_threads_as_many_go_on_as_are_fastest():
    for times, best in (([8, 4, 2, 1], 8), ([8, 4, 2, 3], 4), ([8, 4, 5, 6], 2), ([8, 9, 10, 11], 1)):
        found = decide(8, [each([time * STEP for time in times])] * 8000)
        assert found[4000:].count(best) > 3900, best


def test_some_waiting_is_the_work_itself():
    long, short = each([18 * MS, 10 * MS], 4 * MS), each([2 * STEP, STEP], STEP * 3 // 4)
    assert decide(2, [long] * 20) == [2] * 20  # of products of unequal sizes
    assert decide(2, [short] * 20) == [2] * 20  # of short steps


def test_a_stall_leaves_one_thread_for_ten_times_as_long():
    alone = round((10 * 3 * MS - STEP) / (1.8 * STEP)) + 3  # with those that steps of more are compared with
    found = decide(2, [CALM, STALLED] + [CALM] * 100)
    assert changes(found)[:2] == [[2, 3], [1, alone]]  # one more step may have begun
    later = decide(2, [STALLED] + [CALM] * 5000 + [STALLED] + [CALM] * 100)
    assert changes(later[5001:])[:2] == [[2, 2], [1, alone]]  # as after the first, as it is long ago


def test_stalls_that_come_again_at_once_leave_one_thread_for_longer_and_longer_up_to_a_second():
    steps, pauses = [CALM], []
    for _ in range(5):
        steps.append(STALLED)
        assert decide(2, [*steps, CALM, CALM])[-1] == 1
        start = len(steps)
        while len(steps) < start + 3 or decide(2, steps)[-1] == 1:
            steps += [CALM] * 20
        pauses.append((len(steps) - start) * 1.8 * STEP / MS)
    assert pauses == pytest.approx([30, 120, 480, 1000, 1000], abs=16)


def test_of_many_threads_half_go_on_after_a_stall():
    calm, stalled = each([8 * STEP, 4 * STEP, 2 * STEP, STEP]), each([4 * MS] * 4, 3 * MS)
    found = decide(8, [stalled] * 4 + [calm] * 900)
    assert found[:5] == [8, 8, 4, 4, 2] and found[-1] == 8


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


def network_of(threads):
    """A network with weights, and data for it."""
    random = np.random.default_rng(2)
    layers = [
        {"kind": "dense", "units": 60, "activation": "tanh", "use_bias": True},
        {"kind": "dense", "units": 3, "use_bias": True},
    ]
    adam = {"name": "adam", "learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    network = Network(40, layers, "mean_squared_error", adam)
    network.set_weights([random.normal(size=weights.shape) / 8 for weights in network.get_weights()])
    network.threads = threads
    return network


def rows_of(count):
    random = np.random.default_rng(3)
    return tuple(random.normal(size=(count, width)).astype(np.float32) for width in (40, 3))


def test_weights_are_the_same_while_threads_change(busy_machine):
    x, y = rows_of(300)
    random = np.random.default_rng(4)
    orders = np.stack([random.permutation(300) for _ in range(60)])
    found = []
    for threads in (1, 2, 3):
        network, losses = network_of(threads), []
        network.train_epochs(x, y, orders, 7, losses)
        assert len(losses) == 60 and network.step == 60 * 43
        found.append((network.get_weights(), losses))
    for arrays, losses in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(arrays, found[0][0], strict=True)) and losses == found[0][1]


def test_runs_of_one_step_are_the_same_while_threads_change(busy_machine):
    x, y = rows_of(7)
    found = []
    for threads in (1, 2, 3):
        network = network_of(threads)
        losses = [network.train_epoch(x, y, np.arange(7), 7) for _ in range(400)]
        gradients = [network.gradients(x, y) for _ in range(400)]
        found.append((losses, gradients[0], gradients[-1], network.get_weights()))
    for losses, first, last, weights in found[1:]:
        assert losses == found[0][0] and str(first) == str(last) == str(found[0][1])
        assert all(np.array_equal(a, b) for a, b in zip(weights, found[0][3], strict=True))


def test_evaluations_and_predictions_are_the_same_while_threads_change(busy_machine):
    x, y = rows_of(128 * 600 + 5)  # longer than until the first trial
    whole = [network_of(threads) for threads in (1, 2, 3)]
    one, *others = [(network.evaluate(x, y), [network.predict(x) for _ in range(3)]) for network in whole]
    for totals, predictions in others:
        assert totals == one[0] and all(np.array_equal(found, one[1][0]) for found in predictions)
