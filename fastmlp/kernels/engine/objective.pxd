from cython cimport floating

from fastmlp.kernels.engine.plan cimport Data, Part, Pass, Plan


cdef void compare(Plan *plan, const Data *data, Py_ssize_t start, const Part *part, const Pass *run,
                  const floating *tag) noexcept nogil
