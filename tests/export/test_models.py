"""The models that exports are tested with have all that there is."""

from fastmlp import layers
from fastmlp.activations import ACTIVATIONS
from fastmlp.export.forward import forward_of
from fastmlp.kernels.engine.description import ACTIVATIONS as KERNELS
from tests.export.models import MODELS


def test_every_layer_and_every_activation_is_in_a_model():
    models = [make("float32") for make in MODELS.values()]
    met = {type(leaf) for model in models for _, leaf, _ in model.leaves()}
    assert met | {layers.InputLayer} == {*layers.LAYERS.values()}
    outputs = MODELS["of_activations"]("float32").output_names
    assert {f"as_{name}" for name in ACTIVATIONS} <= {*outputs}
    steps = [step for model in models for step in forward_of(model).steps if step.kind == "activation"]
    assert {step.settings["activation"] for step in steps} == KERNELS.keys() - {"linear"}
