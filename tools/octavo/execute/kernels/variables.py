"""The environment variables of a kernel: those of the user, made so that results repeat.

What a page prints must not depend on the number of cores, the terminal, the user's settings, the day, or on which of
two like machines it ran. A book's code is code: it sees the user's other variables, secrets included; nothing of them
is recorded.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping
from pathlib import Path

from octavo.execute.machine.lease import Lease

_DROPPED = (
    "PYTHON",  # settings of the toolchain's interpreter, not of the kernel's
    "VIRTUAL_ENV",
    "CONDA_",
    "FORCE_COLOR",
    "CLICOLOR_FORCE",
    "PY_COLORS",
    "PYTEST_",  # ipykernel does not capture what C code prints when it believes itself under test
    "MPL",
    "JUPYTER_",
    "JPY_",
    "IPYTHON",
    "IPYKERNEL",
    "LC_",
    "LANGUAGE",
)

_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)

MATPLOTLIBRC = "svg.hashsalt: octavo\nsvg.fonttype: none\n"
"""Identifiers in SVG pictures come from a hash instead of chance, and their text stays text."""


def kernel_variables(
    base: Mapping[str, str],
    *,
    environment: Path,
    private: Path,
    library: Path | None = None,
    threads: int = 1,
    numpy_features: str = "",
    lease: Lease | None = None,
) -> dict[str, str]:
    """The variables for a process of the environment in the folder ``environment``.

    ``private`` is a folder of this process alone, which :func:`prepare` has filled; ``library`` the folder that the
    book's library is imported from; ``threads`` how many threads each numerical library may use; ``numpy_features``
    the instruction sets that NumPy is told to leave alone; ``lease`` has the cards that it may see, without one none.
    """
    result = {name: value for name, value in base.items() if not name.startswith(_DROPPED)}
    number = str(threads)
    result |= {
        "VIRTUAL_ENV": str(environment),
        "PATH": f"{environment / 'bin'}:{base.get('PATH') or '/usr/local/bin:/usr/bin:/bin'}",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        # must be set and empty: where the user's shell says 1, every import would compile again
        "PYTHONDONTWRITEBYTECODE": "",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "SOURCE_DATE_EPOCH": "0",
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "COLUMNS": "80",
        "LINES": "24",
        "TMPDIR": str(private / "tmp"),
        "IPYTHONDIR": str(private / "ipython"),
        "JUPYTER_CONFIG_DIR": str(private / "jupyter"),
        "MATPLOTLIBRC": str(private / "matplotlibrc"),
        "MPLCONFIGDIR": str(environment / "cache" / "matplotlib"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_DETERMINISTIC_OPS": "1",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "XLA_FLAGS": " ".join(
            filter(
                None,
                (
                    base.get("XLA_FLAGS", ""),
                    f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}",
                    "--xla_gpu_deterministic_ops=true",
                    "--xla_cpu_max_isa=AVX2" if _has_avx2() else "",
                ),
            )
        ),
        # the path is part of what JAX finds its programs by: one that goes through links would not find them
        "JAX_COMPILATION_CACHE_DIR": str(environment.resolve() / "cache" / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    result |= dict.fromkeys(_THREADS, number)
    if _has_avx2():
        # One instruction set for all: sums in wider registers round differently, and a page's last digits would
        # depend on the machine. Only ever lowered, never raised. STRICT: nor on the address that memory happens to get,
        # which showed in the seventh digit of one plot in three.
        result |= {
            "ATEN_CPU_CAPABILITY": "avx2",
            "MKL_CBWR": "AVX2,STRICT",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "DNNL_MAX_CPU_ISA": "AVX2",
            "OPENBLAS_CORETYPE": "Haswell",
        }
        if numpy_features:
            result["NPY_DISABLE_CPU_FEATURES"] = numpy_features
    if library is not None:
        result["PYTHONPATH"] = str(library)
    return result | _card_variables(lease or Lease())


def _card_variables(lease: Lease) -> dict[str, str]:
    """What keeps a kernel to the cards of its lease, and to its share of them."""
    if not lease.cards:
        # an empty list hides every card; JAX would still look for one, and warn that it cannot use it
        return {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    cards = ",".join(card.uuid for card in lease.cards)
    result = {
        "CUDA_VISIBLE_DEVICES": cards,
        "HIP_VISIBLE_DEVICES": cards,
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        # JAX and TensorFlow would take the whole card, or three quarters of it, before they compute anything
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "MXNET_CUDNN_AUTOTUNE_DEFAULT": "0",  # it prints that it measures, and what it finds differs
    }
    smallest = min(card.memory for card in lease.cards)
    if 0 < lease.gpu_memory < smallest:
        share = lease.gpu_memory / smallest
        result |= {
            "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{share:.3f}",
            "MXNET_GPU_MEM_POOL_RESERVE": str(max(1, round(100 * (1 - share)))),
        }
    return result


def prepare(private: Path) -> None:
    """Fill a process's private folder: an empty home for IPython, temporary files, matplotlib's settings."""
    for name in ("tmp", "ipython", "jupyter"):
        (private / name).mkdir()
    (private / "matplotlibrc").write_text(MATPLOTLIBRC, encoding="utf-8")


@functools.cache
def _has_avx2() -> bool:
    """Whether this machine is one of the usual kind, an x86-64 with AVX2 and FMA, as Linux tells."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return {"avx2", "fma"} <= set(flags)
