"""How many threads: settings, environment, CPUs and control groups."""

import os
import subprocess
import sys
import threading

import pytest

from fastmlp.config import threads


@pytest.fixture(autouse=True)
def automatic(monkeypatch):
    monkeypatch.delenv("FASTMLP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    yield
    threads.set_num_threads(None)


def test_an_explicit_number_comes_first_then_the_environment_then_the_cpus(monkeypatch):
    assert threads.get_num_threads() == threads.available_cpus() >= 1
    monkeypatch.setenv("OMP_NUM_THREADS", "5,2")
    assert threads.get_num_threads() == 5
    monkeypatch.setenv("FASTMLP_NUM_THREADS", " 7 ")
    assert threads.get_num_threads() == 7
    threads.set_num_threads(3)
    assert threads.get_num_threads() == 3
    threads.set_num_threads(None)
    assert threads.get_num_threads() == 7


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "4,2", "257", "9" * 30])
def test_a_bad_own_variable_is_an_error_and_a_bad_foreign_one_is_ignored(text):
    with pytest.raises(ValueError, match=f"FASTMLP_NUM_THREADS: got {text!r}, needs an integer from 1 to 256"):
        threads.threads_in_environment({"FASTMLP_NUM_THREADS": text})
    expected = {"4,2": 4, "257": 256, "9" * 30: 256}.get(text)
    assert threads.threads_in_environment({"OMP_NUM_THREADS": text}) == expected
    assert threads.threads_in_environment({"FASTMLP_NUM_THREADS": "", "OMP_NUM_THREADS": ""}) is None


@pytest.mark.parametrize("value", [0, -1, 257, 1.5, "2", True])
def test_bad_numbers_change_nothing(value):
    threads.set_num_threads(2)
    with pytest.raises((ValueError, TypeError), match="threads: got"):
        threads.set_num_threads(value)
    assert threads.get_num_threads() == 2


def test_small_work_runs_on_one_thread_and_large_on_no_more_than_allowed():
    threads.set_num_threads(3)
    share = threads.WORK_PER_THREAD
    assert [threads.threads_for(work) for work in (0, share, 2 * share - 1, 2 * share, 99 * share)] == [1, 1, 1, 2, 3]


def test_a_thread_that_shares_has_a_part():
    threads.set_num_threads(3)
    found = []

    def compute():
        threads.share_threads(lambda: 2)
        found.append(threads.get_num_threads())
        threads.share_threads(lambda: 7)
        found.append(threads.get_num_threads())
        with threads.limited_threads(2):
            found.append(threads.get_num_threads())
        found.append(threads._sharing.share())

    other = threading.Thread(target=compute)
    other.start()
    other.join()
    assert found == [2, 3, 2, 7] and threads.get_num_threads() == 3


def test_limits_end_with_their_block():
    threads.set_num_threads(5)
    with threads.limited_threads(None):
        assert threads.get_num_threads() == 5
    with pytest.raises(ZeroDivisionError), threads.limited_threads(3):
        with threads.limited_threads(4):
            assert threads.get_num_threads() == 3
        with threads.limited_threads(2):
            assert threads.get_num_threads() == 2
        assert threads.get_num_threads() == 3
        raise ZeroDivisionError
    assert threads.get_num_threads() == 5


def quota(tmp_path, membership, files):
    (tmp_path / "cgroup").write_text(membership)
    for name, text in files.items():
        path = tmp_path / "sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return threads.cgroup_quota(tmp_path / "cgroup", tmp_path / "sys")


V1 = "3:cpuset:/x\n2:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n"


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/user/run\n", {"user/cpu.max": "200000 100000", "user/run/cpu.max": "max 100000"}, 2.0),
        ("0::/user/run\n", {"user/cpu.max": "400000 100000", "user/run/cpu.max": "300000 100000"}, 3.0),
        ("0::/../outside\n", {"cpu.max": "100000 100000"}, 1.0),
        ("0::/\n", {"cpu.max": "garbage"}, None),
        ("0::/\n", {"cpu.max": ""}, None),
        ("0::/\n", {"cpu.max": "100000 0"}, None),
        ("0::/\n", {}, None),
        ("", {"cpu.max": "100000 100000"}, None),
        ("nonsense\n", {}, None),
        (V1, {"cpu/docker/abc/cpu.cfs_quota_us": "250000\n", "cpu/docker/abc/cpu.cfs_period_us": "100000\n"}, 2.5),
        (V1, {"cpu/docker/abc/cpu.cfs_quota_us": "-1\n", "cpu/docker/abc/cpu.cfs_period_us": "100000\n"}, None),
        (V1, {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 0.5),
    ],
)
def test_quotas_of_control_groups(tmp_path, membership, files, expected):
    assert quota(tmp_path, membership, files) == expected


def test_a_quota_is_rounded_down_but_not_to_nothing(monkeypatch):
    for own, expected in [(0.5, 1), (1.9, 1), (None, 4), (2.0, 2), (64.0, 4)]:
        monkeypatch.setattr(threads, "_own_quota", lambda own=own: own)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
        assert threads.available_cpus() == expected


def test_no_more_threads_than_the_largest_number(monkeypatch):
    monkeypatch.setattr(threads, "_own_quota", lambda: None)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(300)), raising=False)
    assert threads.get_num_threads() == 256
    threads.set_num_threads(256)
    assert threads.get_num_threads() == 256


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_one_thread():
    code = """
import os
from fastmlp.config import threads
threads.set_num_threads(8)
pid = os.fork()
if pid == 0:
    os._exit(10 * threads.get_num_threads() + threads.threads_for(10**12))
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 11
assert threads.get_num_threads() == threads.threads_for(10**12) == 8
"""
    subprocess.run([sys.executable, "-c", code], check=True)
