"""Which instruction set the C kernels use; the C objects are linked into this module alone."""

from fastmlp.errors import told

cdef extern from "c/kernels.h" nogil:
    const Isa *fastmlp_isa(int index)

cdef extern from *:
    const bint CYTHON_COMPILING_IN_LIMITED_API

cdef const Isa *in_use = fastmlp_isa(0)


cdef const Isa *selected() noexcept nogil:
    return in_use


def supported():
    """The instruction sets compiled in that this CPU runs, best first, as a tuple of names."""
    names = []
    cdef const Isa *isa = fastmlp_isa(0)
    while isa != NULL:
        names.append(isa.name.decode())
        isa = fastmlp_isa(<int> len(names))
    return tuple(names)


def select(name):
    """Use the instruction set of that name from now on; networks keep the one they were made with.

    Raises
    ------
    ValueError
        For a name that is not one of `supported()`.
    """
    global in_use
    names = supported()
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"name: got {told(name)}, needs one of {', '.join(names)}")
    in_use = fastmlp_isa(names.index(name))


def name():
    """The name of the instruction set in use."""
    return in_use.name.decode()


def has_openmp():
    """Whether the kernels were built with OpenMP."""
    return FASTMLP_OPENMP == 1


def has_limited_api():
    """Whether the kernels were built with Python's limited API, and so for later versions of Python too."""
    return CYTHON_COMPILING_IN_LIMITED_API


def choose(requested, available):
    """The instruction set to use, a pure function of what is asked for and what there is.

    Parameters
    ----------
    requested : str or None
        A name, usually from the environment; None or "" asks for the best.
    available : sequence of str
        Names, best first.

    Raises
    ------
    ValueError
        When the requested instruction set is not available.
    """
    if not requested:
        return available[0]
    if requested not in available:
        raise ValueError(
            f"FASTMLP_ISA: got {requested!r}, needs one that this machine has: {', '.join(available)}"
        )
    return requested
