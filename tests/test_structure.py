"""The structure of the code: rooms whose imports point downward, no circles, every file on the README's tour."""

import ast
import importlib
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = (".py", ".pyx", ".pxd", ".c", ".h")
PATHS = re.compile(r"(?<![\w/<.])((?:[\w-]+/)+[\w-]+\.(?:py|pyx|pxd|c|h))\b")  # folder/file.py and so on

# Each room may import those that follow it. A name ending in ".*" is a folder without its __init__.
ROOMS = [
    "fastmlp.cli",
    "fastmlp.commands",
    "fastmlp",
    "fastmlp.backend",
    "fastmlp.plots",
    "fastmlp.report",
    "fastmlp.sklearn",
    "fastmlp.tables",
    "fastmlp.models",
    "fastmlp.export",
    "fastmlp.training",
    "fastmlp.callbacks",
    "fastmlp.optimizers",
    "fastmlp.metrics",
    "fastmlp.layers",
    "fastmlp.losses",
    "fastmlp.activations",
    "fastmlp.initializers",
    "fastmlp.regularizers",
    "fastmlp.constraints",
    "fastmlp.utils",
    "fastmlp.datasets",
    "fastmlp.data",
    "fastmlp.config",
    "fastmlp.settings",
    "fastmlp.elsewhere",
    "fastmlp.kernels",
    "fastmlp.kernels.engine",
    "fastmlp.kernels.*",
    "fastmlp.errors",
]

# What users of Keras, of scikit-learn and of the kernels import.
PUBLIC = """
fastmlp: Input MLPClassifier MLPEnsembleClassifier MLPEnsembleRegressor MLPRegressor Model Sequential
fastmlp: fit_many get_num_threads load_model predict_many
fastmlp: set_num_threads show_config
fastmlp.activations: get relu softmax
fastmlp.callbacks: Callback CSVLogger EarlyStopping History ModelCheckpoint TensorBoard
fastmlp.config: epsilon floatx set_floatx show_config
fastmlp.constraints: MaxNorm get max_norm
fastmlp.datasets: load
fastmlp.datasets.digits: load_data
fastmlp.datasets.fashion_mnist: load_data
fastmlp.datasets.mnist: load_data
fastmlp.initializers: GlorotUniform get glorot_uniform
fastmlp.kernels: Network adam dense_forward relu
fastmlp.kernels.engine: Network
fastmlp.layers: BatchNormalization Dense Dropout Flatten Input Layer
fastmlp.losses: Huber Loss get mean_squared_error
fastmlp.metrics: AUC Metric get
fastmlp.models: Model Sequential load_model save_model
fastmlp.optimizers: SGD Adam Optimizer get schedules
fastmlp.optimizers.schedules: CosineDecay LearningRateSchedule
fastmlp.plots: calibration confusion_matrix curves images importance lines residuals
fastmlp.regularizers: L1L2 get l2
fastmlp.report: html importance write
fastmlp.sklearn: MLPClassifier MLPEnsembleClassifier MLPEnsembleRegressor MLPRegressor load save
fastmlp.sklearn: TableClassifier TableRegressor
fastmlp.tables: Column Preparation describe find_columns find_task read read_batches
fastmlp.utils: PyDataset set_random_seed to_categorical
"""


def modules(root, package):
    """The files of a package by module; a .pyx, its .pxd and its .pyi are one module."""
    found = {}
    for path in sorted((root / package).rglob("*")):
        if path.suffix in (".py", ".pyi", ".pyx", ".pxd"):
            parts = path.relative_to(root).with_suffix("").parts
            found.setdefault(".".join(parts[:-1] if parts[-1] == "__init__" else parts), []).append(path)
    return found


def imported(path):
    """The dotted names that a file imports: when it is loaded, inside functions, or for types only."""
    text = path.read_text()
    if path.suffix in (".pyx", ".pxd"):  # not Python, so not for ast
        lines = re.sub(r"\([^()]*\)", lambda found: found[0].replace("\n", " "), text).splitlines()
        for package, names in re.findall(r"^\s*from ([\w.]+) c?import (.*)$", "\n".join(lines), re.MULTILINE):
            yield from (f"{package}.{name}" for name in re.findall(r"\w+", names.partition("#")[0]))
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: needs an absolute import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports(root, package):
    """The modules of the package that each of its modules imports."""
    known = modules(root, package)
    graph = {}
    for module, paths in known.items():
        graph[module] = set()
        for name in (name for path in paths for name in imported(path)):
            while name not in known and "." in name:  # a class or function of a module
                name = name.rpartition(".")[0]
            if name in known and name != module:
                graph[module].add(name)
    return graph


def room(module):
    """The place in ROOMS of a module's room: the longest name that it has or begins with."""
    inside = {place: name.removesuffix(".*") for place, name in enumerate(ROOMS)}
    own = [place for place, name in inside.items() if name == module and not ROOMS[place].endswith(".*")]
    holding = [place for place, name in inside.items() if module.startswith(f"{name}.") and name != "fastmlp"]
    chosen = own or sorted(holding, key=lambda place: (len(inside[place]), ROOMS[place].endswith(".*")))[-1:]
    assert chosen, f"{module}: needs a room of the list"
    return chosen[0]


def upward(graph):
    """The imports that do not point to the same room or to one that follows."""
    return [(a, b) for a, others in graph.items() for b in others if room(a) > room(b)]


def circle(graph):
    """Modules that import each other in a circle, or None."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]


def forgotten(root):
    """The files of code that the README's tour does not name: by a link, or in the row that links their folder."""
    tour = (root / "README.md").read_text().partition("\n## A reading tour")[2].partition("\n## ")[0]
    rows = [line for line in tour.splitlines() if line.startswith("| [")]
    missing = []
    for package in ("reference", "fastmlp"):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in CODE:
                folder = path.parent.relative_to(root).as_posix()
                in_row = any(f"({folder})" in row and named(path.stem, row) for row in rows)
                if not in_row and f"({folder}/{path.name})" not in tour:
                    missing.append(f"{folder}/{path.name}")
    return missing


def stale(root):
    """Paths of code that comments, docstrings and documents name, of which there is no file: [file, path] each."""
    texts = [path for folder in ("fastmlp", "reference", "docs") for path in (root / folder).rglob("*")]
    texts = [path for path in [*texts, *root.glob("*.md")] if path.suffix in (*CODE, ".md")]
    files = [f"/{path.relative_to(root).as_posix()}" for path in root.rglob("*") if path.suffix in CODE]
    found = []
    for path in texts:
        for name in re.findall(
            r"(?<![\w/<.])((?:[\w-]+/)+[\w-]+\.(?:py|pyx|pxd|c|h))\b", path.read_text(encoding="utf-8")
        ):
            if not any(file.endswith(f"/{name}") for file in files) and not name.startswith(("linux/", "sys/")):
                found.append([path.name, name])
    return found


def named(stem, row):
    """Whether the row of a folder names a file; it stands for its __init__ itself."""
    return stem == "__init__" or f"`{stem}`" in row


def test_no_files_import_each_other_in_a_circle():
    assert circle(imports(ROOT, "fastmlp")) is None
    assert circle(imports(ROOT, "reference")) is None


def test_imports_point_downward():
    assert upward(imports(ROOT, "fastmlp")) == []


def test_the_oracle_and_the_engine_know_nothing_of_each_other():
    for package, other in (("reference", "fastmlp"), ("fastmlp", "reference")):
        names = [name for paths in modules(ROOT, package).values() for path in paths for name in imported(path)]
        assert len(names) > 20 and not [name for name in names if name.split(".")[0] in (other, "tests", "bench")]


def test_every_file_is_on_the_tour():
    assert forgotten(ROOT) == []


def test_paths_in_comments_and_documents_exist():
    assert stale(ROOT) == []


@pytest.mark.parametrize("line", PUBLIC.strip().splitlines(), ids=lambda line: line.partition(":")[0])
def test_public_names_have_their_paths(line):
    module, _, names = line.partition(": ")
    found = importlib.import_module(module)
    for name in names.split():
        assert getattr(found, name) is not None


WRONG = {
    "loaded": "from fastmlp.models import sequential",
    "function": "def f():\n    from fastmlp.models.sequential import Sequential",
    "types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import fastmlp.models.sequential",
}


def checkout(tmp_path, **files):
    """A folder with a small package of these files, by their paths with "__" for "/"."""
    for name, text in files.items():
        path = tmp_path / (name.replace("__", "/") + (".pyx" if name.endswith("kernel") else ".py"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_wrong_import_of_each_kind_is_found(tmp_path, text):
    sequential = "from fastmlp.data import rows"
    graph = imports(checkout(tmp_path, fastmlp__data__rows=text, fastmlp__models__sequential=sequential), "fastmlp")
    assert upward(graph) == [("fastmlp.data.rows", "fastmlp.models.sequential")]
    assert set(circle(graph)) == {"fastmlp.data.rows", "fastmlp.models.sequential"}


def test_a_wrong_import_of_compiled_code_is_found(tmp_path):
    files = {"fastmlp__kernels__engine__kernel": "cdef enum:\n    A", "fastmlp__data__rows": ""}
    lines = "from fastmlp.kernels.engine.kernel cimport (\n    A,\n)\nfrom fastmlp.data.rows import Data\n"
    graph = imports(checkout(tmp_path, fastmlp__kernels__a_kernel=lines, **files), "fastmlp")
    assert graph["fastmlp.kernels.a_kernel"] == {"fastmlp.kernels.engine.kernel", "fastmlp.data.rows"}
    assert len(upward(graph)) == 2


def test_a_forgotten_file_is_found(tmp_path):
    root = checkout(tmp_path, fastmlp__data__rows="", fastmlp__data__arrays="", fastmlp__cli="", fastmlp__utils="")
    row = "| [`fastmlp/data/`](fastmlp/data) | `rows` |\n| [`cli.py`](fastmlp/cli.py) | the command |\n"
    (root / "README.md").write_text(f"# A\n\n## A reading tour\n\n{row}\n## Next\n\n`arrays` (fastmlp/utils.py)\n")
    assert forgotten(root) == ["fastmlp/data/arrays.py", "fastmlp/utils.py"]


def test_a_stale_path_is_found(tmp_path):
    root = checkout(tmp_path, fastmlp__data__rows="# as in data/arrays.py", fastmlp__data__files="# as in data/rows.py")
    assert stale(root) == [["rows.py", "data/arrays.py"]]
