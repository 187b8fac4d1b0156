"""python -m reference: the digits that it reads, and a short training."""

import gzip
import re

import pytest

from reference.__main__ import load_digits, main, read_idx


def test_read_idx_refuses_a_file_that_does_not_hold_what_it_says(tmp_path):
    path = tmp_path / "values.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(6))))
    assert read_idx(path) == ((2, 3), bytes(range(6)))
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(5))))
    with pytest.raises(ValueError, match="needs 6 values of type 8, got 5"):
        read_idx(path)


def test_the_digits_have_64_pixels_and_ten_classes():
    images, labels = load_digits("test")
    assert len(images) == len(labels) > 300
    assert {len(image) for image in images} == {64}
    assert 0.0 <= min(map(min, images)) < max(map(max, images)) == 16.0
    assert set(labels) == set(range(10))


def test_main_trains(capsys):
    main(["--rows", "150", "--epochs", "5", "--hidden", "16", "--seed", "3"])
    lines = capsys.readouterr().out.splitlines()
    losses = [float(re.fullmatch(r"epoch \d/5: loss (\S+), accuracy \S+", line)[1]) for line in lines[:-1]]
    assert len(losses) == 5
    assert losses[-1] < 0.5 * losses[0]
    assert float(re.fullmatch(r"test: loss \S+, accuracy (\S+)", lines[-1])[1]) > 0.5  # chance is 0.1


def test_main_refuses_no_rows(capsys):
    with pytest.raises(SystemExit):
        main(["--rows", "0"])
    assert "argument --rows: needs to be at least 1, got 0" in capsys.readouterr().err
