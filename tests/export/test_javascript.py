"""Models as data for JavaScript, computed by Chromium."""

import json
from dataclasses import replace

import numpy as np
import pytest

import fastmlp
from fastmlp import layers
from fastmlp.export import javascript
from fastmlp.export.forward import forward_of
from fastmlp.export.onnx import STEPS
from fastmlp.kernels.engine.description import ACTIVATIONS as KERNELS
from tests.browser import needs_browser
from tests.export.models import MODELS, drawn, predicted

ROWS = [0, 1, 2, 20, 49]
HTML = """<!doctype html><title>t</title><script>{program}
const predict = networkOf({network});
const found = {rows}.map((inputs) => predict(...inputs).map((y) => [...y]));
</script>"""


def computed(page, folder, model, xs):
    """What the page computes of some rows: an array for each output, [rows, numbers]."""
    rows = [[x[row].ravel().tolist() for x in xs] for row in ROWS]
    network = json.dumps(javascript.described(forward_of(model)), allow_nan=False)
    file = folder / "page.html"
    file.write_text(HTML.format(program=javascript.program(), network=network, rows=json.dumps(rows)))
    page.open(file)
    found = json.loads(page.ask("JSON.stringify(found)"))
    assert page.problems == []
    return [np.array(each) for each in zip(*found, strict=True)]


@needs_browser
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_the_page_computes_what_predict_does(tmp_path, page, name, dtype):
    model, xs = drawn(name, dtype)
    found = computed(page, tmp_path, model, xs)
    for end, ours, expected in zip(model.output_names, found, predicted(model, xs), strict=True):
        np.testing.assert_allclose(ours, expected[ROWS].reshape(ours.shape), rtol=1e-5, atol=1e-5, err_msg=end)


@needs_browser
def test_rows_of_several_axes_are_joined_along_the_last(tmp_path, page):
    x = fastmlp.Input((5, 3))
    model = fastmlp.Model(x, layers.Concatenate()([layers.Dense(2)(x), x]), seed=0)
    rows = np.random.default_rng(0).normal(size=(50, 5, 3)).astype("float32")
    (found,) = computed(page, tmp_path, model, [rows])
    np.testing.assert_allclose(found, predicted(model, [rows])[0][ROWS].reshape(len(ROWS), 25), rtol=1e-5, atol=1e-5)


def test_every_kind_of_step_and_every_activation_is_there():
    assert set(javascript.STEPS) == STEPS.keys()
    assert set(javascript.ACTIVATIONS) == KERNELS.keys()


def test_what_is_not_known_is_an_error():
    model, _ = drawn("in_a_row", "float32")
    forward = forward_of(model)
    unknown = replace(forward.steps[0], kind="convolution")
    with pytest.raises(ValueError, match=r"model: got 'convolution' in layer 'rescaling', needs one of activation"):
        javascript.described(replace(forward, steps=[unknown]))
