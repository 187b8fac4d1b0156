"""How much memory there is: of the machine, and within a container."""

import pytest

from fastmlp.config.memory import UNKNOWN, available_memory


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, UNKNOWN),
        ({"meminfo": "MemTotal: 9 kB\nMemAvailable:    5 kB\n"}, 5 * 1024),
        ({"meminfo": "MemAvailable: 5 kB\n", "memory.max": "max\n", "memory.current": "7\n"}, 5 * 1024),
        ({"meminfo": "MemAvailable: 5 kB\n", "memory.max": "3000\n", "memory.current": "700\n"}, 2300),
        ({"memory/memory.limit_in_bytes": "3000\n", "memory/memory.usage_in_bytes": "4000\n"}, 0),
    ],
)
def test_available_memory(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert available_memory(tmp_path / "meminfo", tmp_path) == expected
