"""What the attacks share: cases that pass are counted; each that crashes, fails or never ends is found and named."""

import os
import sys
import time

import pytest

from tests.hostile import attack

NAME = "tests.hostile.test_attack"


def check(number):
    """Pass, but for some numbers."""
    if number == 3:
        raise ValueError("of case 3")
    if number == 4:
        os.abort()
    if number == 5:
        time.sleep(600)
    return {"even": number % 2 == 0, "odd": number % 2}


def test_findings_are_named_and_the_others_go_on(capsys):
    assert attack.main(NAME, __doc__, check, 7, "numbers", ["--seed", "1"]) == 1
    printed = capsys.readouterr().out
    assert "case 3: ended with status 1" in printed and "ValueError: of case 3" in printed
    assert "case 4: ended by SIGABRT" in printed and "in check" in printed
    assert "case 5: ended with status 1" in printed and "Timeout" in printed
    assert f"repeat: python -m {NAME} --count 1 --seed 5" in printed
    assert "seeds 1 to 7: 7 numbers" in printed and "3 findings" in printed
    assert "2 even" in printed and "2 odd" in printed


def test_a_new_seed_is_printed(capsys):
    made = attack.parser(NAME, __doc__, 7, "numbers")
    assert attack.given(made, []).count == 7
    seed = int(capsys.readouterr().out.removeprefix("seed "))
    assert seed >= 0 and attack.given(made, ["--seed", "2", "--seconds", "1"]).count == sys.maxsize


@pytest.mark.parametrize("name", ["networks", "races", "forks"])
def test_the_commands_run(name, capsys):
    module = __import__(f"tests.hostile.{name}", fromlist=[name])
    assert module.main(["--count", "1", "--seed", "1"]) == 0, capsys.readouterr().out


if __name__ == "__main__":
    attack.LIMIT = 1.0
    sys.exit(attack.main(NAME, __doc__, check, 7, "numbers"))
