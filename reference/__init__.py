"""The multilayer perceptron as nested loops over lists of floats: the specification of fastmlp.kernels.

Every function here has a compiled twin of the same name and arguments, which in float64 gives the same bits. Only the
standard library is used. `python -m reference` trains a small network with it.
"""

from reference import (
    activations,
    crossentropies,
    curves,
    dense,
    dropout,
    losses,
    network,
    ops,
    optimizers,
    pieces,
    rectifiers,
    similarities,
)

MODULES = (ops, activations, rectifiers, pieces, curves)
MODULES += (losses, crossentropies, similarities, optimizers, dropout, dense, network)

# What a module names in its own __all__ is a name of the package too; the function dropout takes its module's place.
PUBLIC = {name: getattr(module, name) for module in MODULES for name in module.__all__}
globals().update(PUBLIC)

__all__ = sorted(PUBLIC)
