"""The oracle's dropout: its generator's published numbers, and what its masks depend on."""

import math
import sys

import pytest

import reference
from tests.by_hand import random_matrix


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_philox_known_answers(counter, key, expected):
    """The philox4x32 vectors of ten rounds in Random123's kat_vectors."""
    words = [[int(word, 16) for word in text.split()] for text in (counter, key, expected)]
    assert reference.philox4x32(words[0], words[1]) == words[2]


def test_dropout_uses_one_word_an_element():
    rows, columns, rate, seed, step, layer = 3, 5, 0.4, 7 + 9 * 2**32, 11 + 13 * 2**32, 3
    x = random_matrix(rows, columns)
    y = reference.dropout(x, rate, seed, step, layer)
    for i in range(rows):
        for j in range(columns):
            e = i * columns + j
            word = reference.philox4x32([e // 4, 3, 11, 13], [7, 9])[e % 4]
            assert y[i][j] == (x[i][j] * (1.0 / (1.0 - rate)) if word >= int(rate * 2**32) else 0.0)


def test_dropout_keeps_a_word_at_the_threshold(monkeypatch):
    module = sys.modules["reference.dropout"]  # the name reference.dropout is the function
    monkeypatch.setattr(module, "random_words", lambda *_: [2**31 - 1, 2**31])
    assert reference.dropout([[1.0, 1.0]], 0.5, 0, 0, 0) == [[0.0, 2.0]]


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout_drops_about_the_rate(rate):
    count = 100 * 100
    y = reference.dropout([[1.0] * 100 for _ in range(100)], rate, 1, 2, 3)
    dropped = sum(row.count(0.0) for row in y)
    assert abs(dropped - rate * count) < 4.0 * math.sqrt(count * rate * (1.0 - rate))
    assert {v for row in y for v in row} == {0.0, 1.0 / (1.0 - rate)}
    by_column = [sum(row[j] == 0.0 for row in y) for j in range(100)]
    assert max(by_column) - min(by_column) < 100 * 8.0 * math.sqrt(rate * (1.0 - rate) / 100)


def test_dropout_depends_on_seed_step_and_layer_alone():
    x = [[1.0] * 16 for _ in range(4)]
    first = reference.dropout(x, 0.5, 1, 2, 3)
    assert reference.dropout(x, 0.5, 1, 2, 3) == first
    others = [reference.dropout(x, 0.5, *key) for key in ((2, 2, 3), (1, 3, 3), (1, 2, 4), (2**32 + 1, 2, 3))]
    assert all(other != first for other in others)
    assert reference.dropout(x[:2], 0.5, 1, 2, 3) == first[:2]


def test_dropout_at_the_ends():
    x = random_matrix(3, 3)
    assert reference.dropout(x, 0.0, 1, 2, 3) == x
    assert reference.dropout(x, 1.0, 1, 2, 3) == [[0.0] * 3] * 3
