"""fastmlp-train: what it trains, prints and writes, how it fails, and its exit status."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import fastmlp
from fastmlp import activations, cli, datasets, optimizers
from fastmlp.config.threads import set_num_threads
from fastmlp.datasets.idx import write_idx
from fastmlp.kernels import limits
from fastmlp.layers import Dense, Dropout, Rescaling
from fastmlp.models import Sequential, load_model

COMMAND = [sys.executable, "-m", "fastmlp.cli"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(fastmlp.__file__).parents[1])}
ENVIRONMENT.pop("PYTHONUNBUFFERED", None)  # it hides what goes wrong with a stream's last bytes
QUICK = ("--epochs", "1", "--hidden", "16", "--threads", "1")
FIELDS = [
    *("dataset", "train_samples", "test_samples", "parameters", "epochs", "seconds", "samples_per_second"),
    *("train_loss", "test_loss", "test_accuracy", "dtype", "threads", "isa", "seed", "history"),
]
BAR = r"45/45 \S{20} \d+s \d+(s|ms|us)/step - accuracy: \d\.\d{4} - loss: \d\.\d{4}"
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals, pipes and limits")


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


def process(*arguments, environment=None, **settings):
    """Run the command in a process of its own."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
    environment = ENVIRONMENT | (environment or {})
    return subprocess.run([*COMMAND, *map(str, arguments)], env=environment, encoding="utf-8", timeout=600, **pipes)


def is_error(text, message=""):
    """Whether `text` is one line of error, with `message` in it."""
    return re.fullmatch(f"fastmlp-train: error: .*{re.escape(message)}.*\n", text) is not None


def write_folder(folder, x, y, x_test=None, y_test=None):
    """Write a dataset of IDX files; the test part is the training part unless it is given."""
    parts = {"train": (x, y), "test": (x if x_test is None else x_test, y if y_test is None else y_test)}
    for part, (images, labels) in parts.items():
        write_idx(folder / f"{part}-images.idx", images)
        write_idx(folder / f"{part}-labels.idx", labels)
    return folder


X = np.random.default_rng(0).integers(0, 200, size=(30, 5)).astype(np.uint8)
Y = np.repeat(np.arange(3, dtype=np.uint8), 10)


# What it trains and prints


def test_the_default_command_learns_the_digits_in_under_three_seconds():
    """Of the CPUs' time, since other programs may be running; start and end included."""
    seconds = []
    for _ in range(3):
        before = os.times()
        run = process("--json")
        after = os.times()
        assert run.returncode == 0
        assert run.stdout.count("\n") == 1
        found = json.loads(run.stdout)
        lines = run.stderr.splitlines()
        assert lines[0::2] == [f"Epoch {epoch}/20" for epoch in range(1, 21)]
        assert all(re.fullmatch(BAR, line) for line in lines[1::2])
        assert found["test_accuracy"] >= 0.97
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
        if seconds[-1] < 3.0:
            break
    assert min(seconds) < 3.0


@pytest.mark.slow
def test_the_default_network_learns_the_digits_with_every_seed(result):
    accuracies = [result("--threads", 1, "--seed", seed)["test_accuracy"] for seed in range(10)]
    assert min(accuracies) >= 0.97
    assert len(set(accuracies)) > 1


@pytest.mark.slow
@pytest.mark.usefixtures("mnist_available")
def test_mnist_with_one_hidden_layer(result):
    found = result("mnist", "--hidden", 512, "--optimizer", "adam", "--batch-size", 128, "--epochs", 5)
    assert (found["train_samples"], found["test_samples"], found["parameters"]) == (60_000, 10_000, 407_050)
    assert found["test_accuracy"] >= 0.977


def test_the_fields_of_json(result):
    found = result("--hidden", 64, "--epochs", 3, "--threads", 1, "--validation-split", 0.25, "--seed", 5)
    assert list(found) == FIELDS
    expected = {"dataset": "digits", "train_samples": 1077, "test_samples": 360, "epochs": 3, "seed": 5, "threads": 1}
    expected |= {"parameters": 64 * 64 + 64 + 64 * 10 + 10, "dtype": "float32", "isa": fastmlp.kernels.isa.name()}
    assert found.items() >= expected.items()
    assert list(found["history"]) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert {len(values) for values in found["history"].values()} == {3}
    assert found["train_loss"] == found["history"]["loss"][-1]
    assert 0.0 < found["test_loss"] < 2.0 and 0.5 < found["test_accuracy"] < 1.0
    assert found["seconds"] > 0.0
    assert found["samples_per_second"] == pytest.approx(3 * 1077 / found["seconds"])


def test_the_result_for_people_and_the_progress_are_apart(command):
    status, out, err = command(*QUICK)
    assert status == 0
    pattern = (
        r"test accuracy \d\d\.\d\d%, test loss \d\.\d{4}\n"
        r"trained 1,210 parameters in \d+\.\d\d s, [\d,]+ samples/s\n"
        r"float32 on \w+, threads 1, seed 0\n"
    )
    assert re.fullmatch(pattern, out)
    assert re.fullmatch(BAR + "\n", err)


def test_quiet_shows_no_progress(command):
    status, out, err = command("--quiet", *QUICK)
    assert (status, out[:13], err) == (0, "test accuracy", "")


def test_a_download_is_progress_too(command, monkeypatch):
    def load(name):
        print("on stdout")
        print("on stderr", file=sys.stderr)
        return digits

    digits = datasets.load("digits")
    monkeypatch.setattr(datasets, "load", load)
    _, out, err = command(*QUICK)
    assert "on stdout" not in out and err.startswith("on stdout\non stderr\n")
    assert command("--quiet", *QUICK)[2] == ""


def test_the_options_reach_the_network_and_its_training(command, tmp_path):
    path = tmp_path / "model.safetensors"
    status, _, err = command(
        *("--hidden", "7,5", "--activation", "tanh", "--dropout", "0.25", "--optimizer", "rmsprop"),
        *("--learning-rate", "0.002", "--l2", "0.001", "--dtype", "float64", "--batch-size", "100", "--epochs", "2"),
        *("--seed", "3", "--output", path),
    )
    assert status == 0
    assert re.findall(r"\d+/\d+ (?=\S{20} )", err) == ["15/15 ", "15/15 "]
    model = load_model(path)
    shown = [(layer.units, layer.activation.__name__) for layer in model.layers if isinstance(layer, Dense)]
    assert shown == [(7, "tanh"), (5, "tanh"), (10, "softmax")]
    assert [layer.kernel_regularizer.l2 for layer in model.layers if isinstance(layer, Dense)] == [0.001] * 3
    assert [layer.rate for layer in model.layers if isinstance(layer, Dropout)] == [0.25, 0.25]
    assert (type(model.optimizer), model.optimizer.learning_rate) == (optimizers.RMSprop, 0.002)
    assert (model.dtype, model.seed, model.epochs_trained) == ("float64", 3, 2)


def test_the_optimizers_own_learning_rate_is_the_default(command, tmp_path):
    path = tmp_path / "model.safetensors"
    for name in cli.OPTIMIZERS:
        assert command(*QUICK, "--optimizer", name, "--output", path)[0] == 0
        learning_rate = load_model(path).optimizer.learning_rate
        assert learning_rate == optimizers.get(name).learning_rate == (0.01 if name == "sgd" else 0.001)  # as in --help


def test_choices_are_all_there_are():
    assert set(cli.ACTIVATIONS) == set(activations.ACTIVATIONS)
    assert set(cli.OPTIMIZERS) == set(optimizers.OPTIMIZERS)
    assert cli.MAX_THREADS == limits.MAX_THREADS


def test_the_model_file_takes_the_pixels_as_they_are(result, tmp_path):
    path = tmp_path / "model.safetensors"
    found = result("--epochs", 3, "--output", path)
    _, (x, y) = datasets.digits.load_data()
    model = load_model(path)
    assert model.evaluate(x, y, verbose=0) == [found["test_loss"], found["test_accuracy"]]
    assert [layer.scale for layer in model.layers if isinstance(layer, Rescaling)] == [1 / 16]
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_the_same_seed_gives_the_same_weights_for_any_number_of_threads(command, tmp_path):
    weights = []
    for name, seed, threads in [("a", 1, 1), ("b", 1, 2), ("c", 2, 1)]:
        path = tmp_path / f"{name}.safetensors"
        arguments = ("--epochs", 2, "--hidden", "512,256", "--dropout", 0.1, "--seed", seed, "--threads", threads)
        assert command(*arguments, "--output", path)[0] == 0
        weights.append(b"".join(array.tobytes() for array in load_model(path).get_weights()))
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads_than_asked_for(result, threads):
    assert result("--epochs", 1, "--batch-size", 1437, "--threads", threads)["threads"] == threads


@pytest.mark.parametrize(
    ("x", "scales"),
    [
        (X, [1 / int(X.max())]),
        (X.astype(np.int16) - 1000, [1 / (1000 - int(X.min()))]),
        (np.zeros_like(X), [1.0]),
        (X / np.float32(200), []),
        (X / 200.0, []),
    ],
    ids=["uint8", "int16", "zeros", "float32", "float64"],
)
def test_integer_features_of_a_folder_are_scaled_and_floats_are_not(result, tmp_path, x, scales):
    path = tmp_path / "model.safetensors"
    found = result(write_folder(tmp_path, x, Y), *QUICK, "--output", path)
    assert (found["dataset"], found["train_samples"], found["parameters"]) == (str(tmp_path), 30, 5 * 16 + 16 + 51)
    assert [layer.scale for layer in load_model(path).layers if isinstance(layer, Rescaling)] == scales


def test_version(command):
    try:
        expected = metadata.version("fastmlp")
    except metadata.PackageNotFoundError:
        pytest.skip("fastmlp is not installed, only on the path")
    assert command("--version") == (0, f"fastmlp-train {expected}\n", "")


def test_help(command):
    status, out, err = command("--help")
    assert (status, err) == (0, "")
    options = (
        "hidden activation dropout optimizer learning-rate batch-size epochs l2 validation-split dtype threads seed"
    )
    for option in [*options.split(), "seed", "output MODEL.safetensors", "quiet", "json", "version"]:
        assert f"--{option}" in out


@pytest.mark.parametrize("arguments", [["--help"], ["--epochs", "0"], ["nowhere"]])
def test_help_and_usage_errors_need_not_wait_for_numpy(arguments):
    code = f"""
import sys
from fastmlp import cli
try:
    cli.main({arguments})
except SystemExit:
    print(*sorted(sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, stdout=subprocess.PIPE, check=True)
    modules = run.stdout.decode().splitlines()[-1].split()
    assert "fastmlp.cli" in modules
    assert not {"numpy", "rich", "safetensors", "pooch"} & set(modules)


# Bad usage and bad input: status 2, one line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "argument DATASET: got 'nowhere', needs one of digits, fashion_mnist, mnist, or a folder"),
        (["digits", "mnist"], "unrecognized arguments: mnist"),
        (["--hidden", "512,x"], "argument --hidden: got 'x', needs an integer of at least 1"),
        (["--hidden", "512,"], "argument --hidden: got '', needs"),
        (["--hidden", "0"], "argument --hidden: got '0', needs"),
        (["--activation", "swoosh"], "argument --activation: invalid choice: 'swoosh' (choose from"),
        (["--optimizer", "lbfgs"], "argument --optimizer: invalid choice: 'lbfgs' (choose from"),
        (["--dropout", "1.5"], "argument --dropout: got '1.5', needs a number in [0, 1)"),
        (["--dropout", "nan"], "argument --dropout: got 'nan', needs"),
        (["--learning-rate", "0"], "argument --learning-rate: got '0', needs a finite number above 0"),
        (["--learning-rate", "inf"], "argument --learning-rate: got 'inf', needs"),
        (["--batch-size", "0"], "argument --batch-size: got '0', needs"),
        (["--batch-size", "1.5"], "argument --batch-size: got '1.5', needs an integer"),
        (["--epochs", "0"], "argument --epochs: got '0', needs"),
        (["--l2", "-1"], "argument --l2: got '-1', needs a finite number of at least 0"),
        (["--validation-split", "1"], "argument --validation-split: got '1', needs a number in [0, 1)"),
        (["--validation-split", "0.9999"], "validation_split: got 0.9999 of 1437 rows"),
        (["--dtype", "float16"], "argument --dtype: invalid choice: 'float16'"),
        (["--threads", "0"], "argument --threads: got '0', needs an integer from 1 to 256"),
        (["--threads", "257"], "argument --threads: got '257', needs"),
        (["--seed", "-1"], "argument --seed: got '-1', needs an integer of at least 0"),
        (["--epoch=3"], "unrecognized arguments: --epoch=3"),
        (["--json", "--hidden"], "argument --hidden: expected one argument"),
        (["--hidden", "10000000000000"], "units: got 10000000000000, needs an integer of at least 1 and below 2"),
        (["--output", "model.h5"], "argument --output: got 'model.h5', needs a name ending in .safetensors"),
        (["--output", "nowhere/m.safetensors"], "argument --output: got 'nowhere/m.safetensors', needs a name in a"),
        (["--output", "folder.safetensors"], "argument --output: got 'folder.safetensors', needs a new name"),
    ],
)  # fmt: skip
def test_bad_usage(command, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.safetensors").mkdir()
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert is_error(err, message)


def test_bad_usage_of_the_real_command():
    run = process("--hidden", "512,x")
    assert (run.returncode, run.stdout) == (2, "")
    assert is_error(run.stderr, "argument --hidden")


@pytest.mark.parametrize("variable", ["FASTMLP_ISA", "FASTMLP_NUM_THREADS"])
def test_impossible_environments(variable):
    run = process(environment={variable: "mmx"})
    assert (run.returncode, run.stdout) == (2, "")
    assert is_error(run.stderr, variable)


def changed(array, value, dtype):
    array = array.astype(dtype)
    array.flat[-1] = value
    return array


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((X, Y, X, changed(Y, 7, np.uint8)), "labels: got 7 in the test part, needs only labels of the training part"),
        ((X, changed(Y, 2**31 - 1, np.int32)), "labels: got 2147483647 as the largest one of 30 rows, needs 1 to 29"),
        ((X, np.zeros_like(Y)), "labels: got 0 as the largest one of 30 rows, needs 1 to 29"),
        ((X, Y.astype(np.float32)), "labels need integers"),
        ((X, Y, X[:, :4]), "a training row is"),
        ((X, Y, X, Y[:-1]), "got 29 labels for 30 rows"),
        ((changed(X, np.inf, np.float32), Y, X.astype(np.float32)), "x: got inf in row 29, needs finite numbers"),
        ((X.astype(np.float64), Y, changed(X, np.nan, np.float64)), "test x: got nan in row 29, needs finite numbers"),
    ],
)  # fmt: skip
def test_bad_folders(command, tmp_path, arrays, message):
    path = tmp_path / "model.safetensors"
    status, out, err = command(write_folder(tmp_path, *arrays), "--output", path)
    assert (status, out) == (2, "")
    assert is_error(err, message)
    assert not path.exists()


def test_a_network_too_large_for_memory(command, tmp_path):
    folder = write_folder(tmp_path, np.zeros((30, 2**14), np.uint8), Y)
    status, out, err = command(folder, "--hidden", 2**31 - 1)  # more bytes than an address can reach
    assert (status, out) == (2, "")
    assert is_error(err, "not enough memory: layer 'dense': cannot make its kernel of shape (16384, 2147483647)")


def test_a_folder_without_files_and_a_dataset_that_cannot_be_had(command, tmp_path, monkeypatch):
    status, out, err = command(tmp_path)
    assert (status, out) == (2, "") and is_error(err, "got no file named train-*images*")

    def load(name):
        raise ConnectionError("cannot download\nmnist")

    monkeypatch.setattr(datasets, "load", load)
    assert command("mnist") == (2, "", "fastmlp-train: error: cannot download mnist\n")


# Writing the model


@posix
def test_a_full_disk_shows_before_training(tmp_path):
    import resource  # not on Windows

    path = tmp_path / "model.safetensors"
    path.write_bytes(b"the model of yesterday")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    run = process(*QUICK, "--hidden", 512, "--output", path, preexec_fn=limit)
    assert (run.returncode, run.stdout) == (2, "")
    assert is_error(run.stderr, f"--output: cannot write '{path}': {os.strerror(errno.EFBIG)}")
    assert path.read_bytes() == b"the model of yesterday"
    assert os.listdir(tmp_path) == ["model.safetensors"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, where even root cannot write")
def test_a_folder_that_cannot_be_written_to_shows_before_training(command):
    status, out, err = command(*QUICK, "--output", "/proc/model.safetensors")
    assert (status, out) == (2, "")
    assert is_error(err, "--output: cannot write '/proc/model.safetensors': ")


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_is_read_only_stays_as_it_is(command, tmp_path):
    path = tmp_path / "model.safetensors"
    path.touch(mode=0o444)
    status, out, err = command(*QUICK, "--output", path)
    assert (status, out, path.stat().st_size) == (2, "", 0)
    assert is_error(err, "needs a new name, or that of a file that may be overwritten")


def test_a_disk_that_fills_up_during_training(command, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    save = Sequential.save

    def fail(model, filepath):
        if filepath == path:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(model, filepath)

    monkeypatch.setattr(Sequential, "save", fail)
    status, out, err = command(*QUICK, "--quiet", "--output", path)
    assert (status, out) == (1, "")
    assert is_error(err, f"cannot write '{path}': No space left on device")


# When training fails: status 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "loss is nan after epoch 2"),
        (["--epochs", 1], "test_loss is nan after epoch 1"),
        (["--epochs", 1, "--validation-split", "0.5"], "val_loss is nan after epoch 1"),
    ],
)
def test_a_loss_that_is_not_finite(command, tmp_path, arguments, message):
    path = tmp_path / "model.safetensors"
    diverging = ("--quiet", "--optimizer", "sgd", "--learning-rate", "1e30", "--batch-size", 1437)
    status, out, err = command(*diverging, *arguments, "--output", path)
    assert (status, out) == (1, "")
    advice = "try a smaller --learning-rate than 1e+30"
    assert err == f"fastmlp-train: error: training failed: {message}; {advice}\n"
    assert not path.exists()


def test_what_else_to_try(command, tmp_path):
    folder = write_folder(tmp_path, X * np.float32(1e36), Y)
    status, _, err = command(folder, "--quiet", "--l2", "0.5", "--learning-rate", "1e20")
    assert status == 1
    advice = "try a smaller --learning-rate than 1e+20 or a smaller --l2 than 0.5 or features of smaller magnitude"
    assert is_error(err, advice)


# Streams and signals


@posix
@pytest.mark.parametrize("arguments", [["--quiet", *QUICK], ["--help"]])
def test_nobody_reads_stdout(arguments):
    read, write = os.pipe()
    os.close(read)
    run = process(*arguments, stdout=write)
    os.close(write)
    assert run.returncode == 1
    assert is_error(run.stderr, f"cannot print the result: {os.strerror(errno.EPIPE)}")


@posix
def test_stdout_is_closed():
    run = process("--quiet", *QUICK, preexec_fn=lambda: os.close(1))
    assert run.returncode == 1
    assert is_error(run.stderr, "cannot print the result: stdout is closed")


@posix
def test_nobody_reads_stderr():
    read, write = os.pipe()
    os.close(read)
    run = process("--epochs", 10_000, stderr=write)
    os.close(write)
    assert (run.returncode, run.stdout) == (1, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_stdout_is_full():
    with open("/dev/full", "w") as full:
        run = process("--quiet", *QUICK, stdout=full)
    assert run.returncode == 1
    assert is_error(run.stderr, f"cannot print the result: {os.strerror(errno.ENOSPC)}")


@posix
def test_ctrl_c_while_training(tmp_path):
    path = tmp_path / "model.safetensors"
    arguments = [*COMMAND, "--epochs", "1000000", "--json", "--output", str(path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}

    def default():  # a test run in the background may have it ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)

    with subprocess.Popen(arguments, env=ENVIRONMENT, preexec_fn=default, **pipes) as child:
        lines = [child.stderr.readline() for _ in range(4)]
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=300)
    assert lines[2] == "Epoch 2/1000000\n"
    assert (child.returncode, out) == (130, "")
    assert err.endswith("fastmlp-train: interrupted\n") and "Traceback" not in err
    assert os.listdir(tmp_path) == []


def test_ctrl_c_while_loading(command, monkeypatch):
    def load(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "load", load)
    assert command("mnist") == (130, "", "fastmlp-train: interrupted\n")
