"""Rows as people have them: pictures in folders by class, .npz files, tables of pixels, and what is piped in."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from fastmlp.datasets import digits
from tests.cli.command import is_error

Image = pytest.importorskip("PIL.Image")

QUICK = ("--epochs", "8", "--hidden", "32", "--threads", "1")


def write_pictures(folder, x, y, mode="L"):
    for number, (picture, label) in enumerate(zip(x, y, strict=True)):
        place = folder / f"digit {label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).convert(mode).save(place / f"{number:04}.png")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with pictures of digits, in parts to train and to test on."""
    (x, y), (x_test, y_test) = digits.load_data()
    x, x_test = (np.minimum(each.reshape(-1, 8, 8) * 16, 255).astype(np.uint8) for each in (x, x_test))
    write_pictures(tmp_path / "pictures" / "train", x[:300], y[:300])
    write_pictures(tmp_path / "pictures" / "Test", x_test[:40], y_test[:40])
    np.savez(tmp_path / "keras.npz", x_train=x[:300], y_train=y[:300], x_test=x_test[:40], y_test=y_test[:40])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def piped(predicted, monkeypatch):
    """Run fastmlp-predict with bytes on standard input."""

    def run(content, *arguments):
        source = io.BytesIO(content)
        source.name = "<stdin>"
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=source, isatty=lambda: False))
        return predicted(*arguments)

    return run


def test_folders_of_pictures(result, predicted, folder):
    found = result("pictures", "--epochs", "40", *QUICK[2:], "--output", "m.safetensors")
    assert (found["train_samples"], found["test_samples"]) == (300, 40)
    assert found["classes"] == [f"digit {digit}" for digit in range(10)]
    assert found["test_accuracy"] > 0.6
    status, out, err = predicted("m.safetensors", "pictures/Test/digit 3")
    rows = list(csv.DictReader(out.splitlines()))
    assert (status, err) == (0, "") and len(rows) == len(list((folder / "pictures/Test/digit 3").iterdir()))
    assert list(rows[0])[:3] == ["file", "prediction", "probability_digit 0"]
    for row in rows:
        shares = {name.removeprefix("probability_"): float(row[name]) for name in list(row)[2:]}
        assert row["prediction"] == max(shares, key=shares.get) and sum(shares.values()) == pytest.approx(1, abs=1e-4)
        alone = predicted("m.safetensors", row["file"], "--json")[1]
        assert json.loads(alone)["predictions"] == [row["prediction"]]
        assert json.loads(alone)["files"] == [row["file"]]
    assert predicted("m.safetensors", "pictures/Test/digit 3", "--output", "out.csv") == (0, "", "")
    assert (folder / "out.csv").read_text() == out


def test_a_part_of_each_class_is_held_out(result, folder):
    found = result("pictures/train", *QUICK, "--test-split", "0.3")
    assert (found["train_samples"], found["test_samples"]) == (210, 90)
    assert result("pictures/train", *QUICK)["test_samples"] == 60


def test_pictures_of_several_sizes_and_with_colours(result, command, predicted, folder):
    first = next((folder / "pictures" / "train" / "digit 3").iterdir())
    with Image.open(first) as picture:
        larger = picture.convert("RGB").resize((16, 24))
    larger.save(first)
    status, out, err = command("pictures", *QUICK)
    assert (status, out) == (2, "") and is_error(err, "--image-size: got pictures of 8x8 pixels of ")
    assert "16x24 of " in err
    for size, width, height in (("10", 10, 10), ("6x9", 6, 9)):
        found = result("pictures", *QUICK, "--image-size", size, "--output", "m.safetensors")
        assert found["parameters"] == (width * height * 3 + 1) * 32 + 33 * 10
    assert predicted("m.safetensors", str(first))[0] == 0  # scaled as in training


def test_pictures_of_sixteen_bits_keep_their_greys(folder):
    from fastmlp.datasets.pictures import read_pictures

    values = np.array([[0, 256, 1000, 65535]], np.uint16)
    Image.fromarray(values).save(folder / "deep.png")
    assert read_pictures([folder / "deep.png"], (1, 4)).tolist() == [[[0, 1, 3, 255]]]


def test_a_damaged_picture_is_named(command, folder):
    path = folder / "pictures" / "train" / "digit 3" / "0000.png"
    path.write_bytes(b"\x89PNG no picture")
    status, _, err = command("pictures", *QUICK)
    assert status == 2 and is_error(err, "0000.png: got a damaged picture: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pictures", "--test-split", "0.2"], "--test-split: got 0.2, needs None: "),
        (["pictures", "--split", "letters"], "split: got 'letters' for pictures, needs None: it is for folders of IDX"),
        (["keras.npz", "--image-size", "8"], "--image-size: got (8, 8) for keras.npz, needs None"),
        (["keras.npz", "--image-size", "x"], "argument --image-size: got 'x', needs N or WIDTHxHEIGHT"),
        (["keras.npz", "--test-split", "0.2"], "--test-split: got 0.2 for keras.npz, needs None: it has x_test"),
    ],
)
def test_bad_usage(command, folder, arguments, message):
    status, out, err = command("--quiet", *arguments)
    assert (status, out) == (2, "") and is_error(err, message)


def test_without_pillow_the_extra_is_named(command, folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    status, _, err = command("pictures", *QUICK)
    assert status == 2 and is_error(err, "pictures: needs Pillow: pip install 'fastmlp[pictures]'")


def test_arrays_in_one_file(result, predicted, folder):
    found = result("keras.npz", *QUICK, "--output", "m.safetensors")
    assert (found["train_samples"], found["test_samples"]) == (300, 40)
    answers = predicted("m.safetensors", "keras.npz")[1].split()
    with np.load("keras.npz") as arrays:
        x, y = arrays["x_train"], arrays["y_train"]
        np.save("x.npy", arrays["x_test"])
        assert np.mean(np.array(answers, int) == arrays["y_test"]) == pytest.approx(found["test_accuracy"])
    assert predicted("m.safetensors", "x.npy")[1].split() == answers
    np.savez("pair.npz", x=x, y=y)
    assert result("pair.npz", *QUICK)["test_samples"] == 60


def test_rows_of_numbers_in_one_file_are_a_table(result, predicted, folder):
    pytest.importorskip("polars")
    pytest.importorskip("sklearn")
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3))
    np.savez("numbers.npz", x=x, y=x[:, 0] * 2 + 0.5)
    found = result("numbers.npz", *QUICK, "--dropout", "0", "--output", "m.safetensors")
    assert (found["task"], found["target"]) == ("numbers", "y")
    np.savez("new.npz", x=x[:5])
    assert len(predicted("m.safetensors", "new.npz")[1].split()) == 6
    np.savez("parts.npz", x_train=x, x_test=x[:4])
    assert len(predicted("m.safetensors", "parts.npz")[1].split()) == 5


def test_a_table_of_pixels(result, predicted, folder):
    pl = pytest.importorskip("polars")
    pytest.importorskip("sklearn")
    (x, y), _ = digits.load_data()
    names = [f"pixel{place}" for place in range(64)]
    table = pl.DataFrame(x.reshape(-1, 64)[:600].astype(int), schema=names).with_columns(label=pl.Series(y[:600]))
    table.write_csv("pixels.csv")
    settings = ("--epochs", "60", "--dropout", "0", "--hidden", "64", "--batch-size", "16", "--threads", "1")
    found = result("pixels.csv", "--target", "label", *settings, "--output", "m.safetensors")
    assert found["test"]["accuracy"] > 0.9
    assert found["parameters"] < 70 * 64 + 65 * 64 + 65 * 10  # a number for each pixel, and no code
    assert len(predicted("m.safetensors", "pixels.csv")[1].split()) == 601


def test_rows_from_standard_input(result, predicted, piped, folder):
    pl = pytest.importorskip("polars")
    pytest.importorskip("sklearn")
    random = np.random.default_rng(0)
    table = pl.DataFrame({"x": random.normal(size=60).round(3), "kind": random.choice(["a", "b"], 60)})
    table = table.with_columns(y=pl.col("x") + (pl.col("kind") == "a"), more=1)
    table.write_csv("t.csv")
    result("t.csv", "--target", "y", "--drop", "more", *QUICK, "--dropout", "0", "--output", "m.safetensors")
    table.select("kind", "x").write_csv("few.csv")
    expected = predicted("m.safetensors", "few.csv")
    assert expected[0] == 0 and expected[2] == "" and expected[1].count("\n") == 61
    text = (folder / "few.csv").read_bytes()
    for content, arguments in ((text, ["-"]), (text, []), (text.replace(b",", b"\t"), ["-"])):
        assert piped(content, "m.safetensors", *arguments) == expected
    # a column that is not known is named once; the target and those that were dropped are no surprise
    monkey = table.with_columns(new=pl.lit("x"))
    status, out, err = piped(monkey.write_csv().encode(), "m.safetensors")
    assert (status, out) == expected[:2]
    assert err == "fastmlp-predict: standard input: not used, as not there in training: 'y', 'new'\n"
    status, out, err = piped(table.select("x").write_csv().encode(), "m.safetensors")
    assert (status, out) == (2, "") and "standard input: got a table without 'kind', needs the columns of fit" in err
    status, out, err = piped(b"x,kind\n1,a\n2\n", "m.safetensors")
    assert (status, out) == (2, "") and "line 3: got 1 cells, needs 2 as in the first row" in err
    status, out, err = piped(b"", "m.safetensors")
    assert (status, out) == (2, "") and "it is empty, needs a table" in err


def test_images_from_standard_input(result, piped, predicted, folder):
    from fastmlp.datasets.idx import write_idx

    result("keras.npz", *QUICK, "--output", "m.safetensors")
    with np.load("keras.npz") as arrays:
        write_idx("x.idx", arrays["x_test"])
    expected = predicted("m.safetensors", "x.idx")
    assert expected[0] == 0 and piped((folder / "x.idx").read_bytes(), "m.safetensors") == expected
    with np.load("keras.npz") as arrays:
        lines = [",".join(map(str, row)) for row in arrays["x_test"].reshape(-1, 64).tolist()]
    pytest.importorskip("polars")
    assert piped("\n".join(lines).encode(), "m.safetensors", "-") == expected
