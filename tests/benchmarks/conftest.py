"""Benchmarks run in the users' mode: no runtime type checks."""

import pytest

import qvar  # noqa: F401  (switches JAX to 64 bit first)

THREADS = 2


@pytest.fixture(autouse=True)
def _group(benchmark, request):
    """One table per benchmarked work, peers side by side."""
    benchmark.group = request.node.name.split("[")[0] + " " + str(request.node.callspec.params.get("work", ""))
