"""Builds the extension modules; everything else about the package is in pyproject.toml.

The C kernels are compiled once per instruction set and linked into `fastmlp.kernels.isa`, which picks one at import.
`FASTMLP_OPENMP=0` builds without threads, `FASTMLP_DEBUG=1` with bounds checks, `FASTMLP_SANITIZE=address,undefined` or
`thread` with the compiler's sanitizers; `python -m tests.sanitizers` runs the tests on those that check.
"""

import os
import platform
import sysconfig
import tempfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError

KERNELS = Path("fastmlp/kernels")
C_FILES = sorted(str(path) for path in (KERNELS / "c").iterdir())
OPENMP = os.environ.get("FASTMLP_OPENMP", "1") != "0"
DEBUG = os.environ.get("FASTMLP_DEBUG", "0") != "0"
SANITIZE = os.environ.get("FASTMLP_SANITIZE", "")
ABI3 = not sysconfig.get_config_var("Py_GIL_DISABLED")  # one build for Python 3.11 and all later ones that have the GIL
SHARED = "fastmlp.kernels._cython"  # what Cython would otherwise write into every module

PLAIN = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]  # nothing fused, nothing reordered
LOOPS = "-falign-loops=64"  # to a cache line: else what stands before a loop may slow it (Adam, AVX-512: by 4 %)
COMPILE = {
    "unix": ["-std=gnu11", "-O3", *PLAIN, LOOPS, "-Werror=incompatible-pointer-types", "-g" if DEBUG else "-g0"],
    "msvc": ["/std:c11", "/O2", "/fp:precise"],
}
LINK = {"unix": ["-lm"], "msvc": []}  # else the C library's oldest functions are found, which are slower
OPENMP_FLAGS = {"unix": (["-fopenmp"], ["-fopenmp"]), "msvc": (["/openmp"], [])}  # to compile and to link
if platform.system() == "Darwin":
    OPENMP_FLAGS["unix"] = (["-Xpreprocessor", "-fopenmp"], ["-lomp"])
if SANITIZE:  # the first finding ends the process, at a line of the source
    COMPILE["unix"] += [f"-fsanitize={SANITIZE}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-O1", "-g"]
    COMPILE["unix"] += ["-fno-wrapv", "-Werror=sign-compare"]
    LINK["unix"] += [f"-fsanitize={SANITIZE}"]
X86 = {"base": [], "avx2": ["-march=x86-64-v3"], "avx512": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}
FAMILIES = {  # what the platform calls itself: macro for c/isa.c, its instruction sets with their flags
    **dict.fromkeys(("x86_64", "amd64"), ("FASTMLP_X86", X86)),
    **dict.fromkeys(("aarch64", "arm64"), ("FASTMLP_NEON", {"neon": []})),
}
PORTABLE = ("FASTMLP_PORTABLE", {"base": []})
MACHINE = os.environ.get("_PYTHON_HOST_PLATFORM", platform.machine()).rpartition("-")[2]  # the former to cross-compile


class BuildKernels(build_ext):
    def build_extensions(self):
        kind = "msvc" if self.compiler.compiler_type == "msvc" else "unix"
        compile_openmp, link_openmp = OPENMP_FLAGS[kind] if OPENMP else ([], [])
        self.parallel = self.parallel or os.cpu_count()
        self.probe(COMPILE[kind] + compile_openmp, LINK[kind] + link_openmp)
        for extension in self.extensions:
            extension.extra_compile_args = COMPILE[kind] + compile_openmp
            extension.extra_link_args = LINK[kind] + link_openmp
            if extension.name == "fastmlp.kernels.isa":
                extension.extra_objects = self.compile_instruction_sets(kind)
        super().build_extensions()

    def probe(self, compile_flags, link_flags):
        """Fail at once and with advice where there is no C11 compiler, or no OpenMP."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text('#include "c/dispatch.h"\n#include "c/threads.h"\nint main(void) { return 0; }\n')
            arguments = {"include_dirs": [str(KERNELS)], "extra_postargs": compile_flags}
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder, **arguments)
                self.compiler.link_executable(objects, "probe", output_dir=folder, extra_postargs=link_flags)
            except CCompilerError as error:
                raise SystemExit(
                    f"fastmlp needs a C11 compiler with OpenMP; a test program with {compile_flags} failed: {error}\n"
                    "FASTMLP_OPENMP=0 builds without OpenMP, for one thread."
                ) from None

    def compile_instruction_sets(self, kind):
        """Return the objects of the C kernels, one for each instruction set, and of what picks one of them."""
        family, sets = FAMILIES.get(MACHINE.lower(), PORTABLE) if kind == "unix" else PORTABLE
        objects = self.compiler.compile([f"{KERNELS}/c/isa.c"], output_dir=self.build_temp, macros=[(family, None)])
        for isa, flags in sets.items():
            folder = os.path.join(self.build_temp, isa)  # one source gives several objects, so each has its folder
            arguments = {"macros": [("ISA", isa)], "extra_postargs": COMPILE[kind] + flags}
            objects += self.compiler.compile([f"{KERNELS}/c/kernels.c"], output_dir=folder, **arguments)
        return objects


def extension(name, source):
    macros = [("Py_LIMITED_API", "0x030B0000")] if ABI3 else []
    places = {"include_dirs": [str(KERNELS)], "depends": C_FILES}
    return Extension(name, [f"{KERNELS}/{source}"], define_macros=macros, py_limited_api=ABI3, **places)


setup(
    ext_modules=cythonize(
        [extension("*", "**/*.pyx"), extension(SHARED, "_cython.c")],
        build_dir="build/cython",
        shared_utility_qualified_name=SHARED,
        compiler_directives={
            "language_level": 3,
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": DEBUG,
            "cdivision": True,
            "freethreading_compatible": True,
        },
    ),
    options={"bdist_wheel": {"py_limited_api": "cp311" if ABI3 else False}},
    cmdclass={"build_ext": BuildKernels},
)
