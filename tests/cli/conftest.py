"""The command in this process."""

import json

import pytest

from fastmlp import cli
from fastmlp.config.threads import set_num_threads


@pytest.fixture(autouse=True)
def settings_stay_here():
    yield
    set_num_threads(None)


@pytest.fixture
def command(capsys):
    """Run the command in this process: its exit status, stdout and stderr."""

    def run(*arguments):
        try:
            cli.main([str(argument) for argument in arguments])
            status = 0
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def result(command):
    """Run the command with --json: the object it printed."""

    def run(*arguments):
        status, out, err = command("--json", "--quiet", *arguments)
        assert (status, err) == (0, "")
        return json.loads(out)

    return run


@pytest.fixture
def predicted(capsys):
    """Run fastmlp-predict in this process: its exit status, stdout and stderr."""

    def run(*arguments):
        try:
            cli.predict([str(argument) for argument in arguments])
            status = 0
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return run
