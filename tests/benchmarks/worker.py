"""A child process that holds one objective: a fresh start, its own precision, its own peak memory.

It reads requests as lines of JSON and answers each with one line. Needs neither PennyLane nor PySCF for saved problems.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

LATE = "took too long"
"""Error of a request whose process was ended by `Worker.kill_after`."""


class WorkError(Exception):
    """What went wrong in a child, in one sentence."""


class Worker:
    """The parent's end.

    Args:
        **environment: variables of the child's environment; the persistent cache is off where nothing else is said.
    """

    def __init__(self, **environment: str) -> None:
        env = {**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false", **environment}
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  (a pipe that is not read would fill up)
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=pipe, stdout=pipe, stderr=self._said, text=True, env=env
        )
        self._unread, self._is_late = 0, False

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def import_early(self) -> None:
        """Let the process import what it needs, without waiting for it and without touching the device."""
        self._send("imports")
        self._unread += 1

    def kill_after(self, seconds: float) -> None:
        """End the process after some time; the request that it is at fails then."""
        timer = threading.Timer(seconds, self._kill_late)
        timer.daemon = True
        timer.start()

    def _kill_late(self) -> None:
        self._is_late = True
        self._process.kill()

    def _send(self, do: str, **request: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # its last words say why

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Does one request.

        Raises:
            WorkError: if it failed, or the process is gone.
        """
        self._send(do, **request)
        while self._unread:
            self._unread -= 1
            self._answer()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            if self._is_late:
                raise WorkError(LATE)
            status = self._process.wait()
            self._said.seek(0)
            last = (self._said.read().strip().splitlines() or [f"the process ended with status {status}"])[-1]
            raise WorkError("out of memory (killed)" if status == -9 else last)  # so the kernel ends what is too large
        answer = json.loads(line)
        if "error" in answer:
            raise WorkError(answer["error"])
        return answer

    def seconds(self, calls: int) -> float:
        """Mean seconds of so many calls of energy and gradient."""
        return self.ask("time", calls=calls)["seconds"]


class Served:
    """The child's end: one problem, ansatz and objective at a time."""

    def open(self, problem: str, ansatz: str, layers: int = 4, batch: int = 0, unlike: int = -1) -> dict[str, Any]:
        """Builds an objective and calls it twice, each step timed.

        Args:
            problem: see `works.problem_of`.
            ansatz: see `works.ansatz_of`.
            layers: layers of those that have layers.
            batch: how many parameter vectors at once; 0 for one without a batch.
            unlike: number of parameters of which nothing is built.
        """
        begin = time.perf_counter()
        import jax
        import works

        import qvar

        jax.devices()
        self.__dict__.clear()  # two objectives at a time would not be the peak of one
        jax.clear_caches()
        seconds = {"import": time.perf_counter() - begin}

        def lap(name: str) -> None:
            nonlocal begin
            seconds[name] = time.perf_counter() - begin
            begin = time.perf_counter()

        begin = time.perf_counter()
        self.problem = works.problem_of(problem)
        lap("problem")
        chosen = works.ansatz_of(ansatz, self.problem, layers)
        lap("ansatz")
        if chosen.n_params == unlike:
            return {"n_params": unlike}
        self.objective = qvar.energy(self.problem, chosen)
        lap("tables")
        theta = jax.numpy.asarray(works.parameters(self.objective.n_params, ansatz, batch))
        function = self.objective.value_and_grad_batch if batch else self.objective.value_and_grad
        self.call = lambda: jax.block_until_ready(function(theta))
        self.theta = theta
        begin = time.perf_counter()
        self.value, self.gradient = self.call()
        lap("first")
        self.call()
        lap("warm")
        return {
            "seconds": seconds,
            "engine": self.objective.engine,
            "n_params": self.objective.n_params,
            "amplitudes": works.amplitudes(self.problem),
            "device": jax.devices()[0].device_kind,
            "platform": jax.default_backend(),
            **self.memory(),
        }

    def imports(self) -> dict[str, Any]:
        """Import what `open` and `train` need."""
        import jax
        import works

        import qvar

        return {"imported": [module.__name__ for module in (jax, works, qvar)], "energy": bool(qvar.energy)}

    def train(self, problem: str) -> dict[str, Any]:
        """Minimize the energy of UCCSD from MP2 amplitudes.

        Args:
            problem: see `works.problem_of`.
        """
        import jax
        import works

        import qvar

        begin = time.perf_counter()
        self.problem = works.problem_of(problem)
        objective = qvar.energy(self.problem, qvar.uccsd(self.problem).with_start("mp2"))
        tables = time.perf_counter() - begin
        result = qvar.minimize(objective, key=jax.random.key(0))
        return {
            "seconds": result.wall_s,
            "compile": result.compile_s,
            "tables": tables,
            "value": result.value,
            "evaluations": result.gradient_evaluations,
            "status": str(result.status),
            "device": jax.devices()[0].device_kind,
            "platform": jax.default_backend(),
            **self.memory(),
        }

    def open_basis(self, word: str) -> dict[str, Any]:
        """Computes the energy of a basis set with all its derivatives.

        Args:
            word: see `works.basis_of`.
        """
        import works

        form, target = works.basis_of(word)
        target.value_and_grad(form, form.start)
        return self.memory()

    def memory(self) -> dict[str, Any]:
        """Peak memory of the process and, if it reports it, of the device, in bytes."""
        import jax

        statistics = jax.devices()[0].memory_stats() or {}
        scale = 1 if sys.platform == "darwin" else 1024
        return {
            "peak": scale * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "device_peak": statistics.get("peak_bytes_in_use"),
        }

    def time(self, calls: int) -> dict[str, Any]:
        """Seconds of one of so many calls."""
        begin = time.perf_counter()
        for _ in range(calls):
            self.call()
        return {"seconds": (time.perf_counter() - begin) / calls}

    def compile(self, repeats: int) -> dict[str, Any]:
        """Seconds of compiling again: a first call less a second one."""
        import jax

        found = []
        for _ in range(repeats):
            jax.clear_caches()
            first = self.time(1)["seconds"]
            found.append(first - self.time(1)["seconds"])
        return {"seconds": found}

    def value_and_gradient(self) -> dict[str, Any]:
        """What the last call of `open` gave."""
        return {"value": self.value.tolist(), "gradient": self.gradient.tolist()}

    def summary(self) -> dict[str, Any]:
        """Sum of the values, and norm of the gradients, of the last call of `open`."""
        import numpy as np

        values, gradients = (np.asarray(part, dtype=np.float64) for part in (self.value, self.gradient))
        return {"summary": [float(values.sum()), float(np.linalg.norm(gradients))]}

    def check(self) -> dict[str, Any]:
        """Largest error of the energy, by PySCF's H|psi>, and of the slope along a line, by central differences."""
        import numpy as np
        import peers

        state = np.asarray(self.objective.state(self.theta))
        energy = float(np.vdot(state, peers.pyscf_product(self.problem)(state))) + self.problem.integrals.core_energy
        direction = np.cos(np.arange(self.theta.size))
        direction /= np.linalg.norm(direction)
        step = 1e-3
        ahead, behind = (float(self.objective.loss(self.theta + s * step * direction)) for s in (1, -1))
        slope = (ahead - behind) / (2 * step)
        return {
            "norm": abs(float(np.vdot(state, state)) - 1),
            "energy": abs(energy - float(self.value)),
            "slope": abs(slope - float(np.dot(direction, self.gradient))),
        }

    def copy(self, size: int) -> dict[str, Any]:
        """Bytes a second that a copy of an array moves, reading and writing counted; calls follow without waiting.

        Args:
            size: bytes of the array; a sixteenth of it on a CPU.
        """
        import jax
        import jax.numpy as jnp

        import qvar  # noqa: F401  (sets the precision)

        platform = jax.default_backend()
        source = jnp.zeros((size // 16 if platform == "cpu" else size) // jnp.zeros(0, float).itemsize, float)
        move = jax.jit(lambda x: x + 1)
        jax.block_until_ready(move(source))
        speeds = []
        for _ in range(9):
            begin = time.perf_counter()
            moved = source
            for _ in range(8):
                moved = move(moved)
            jax.block_until_ready(moved)
            speeds.append(8 * 2 * source.nbytes / (time.perf_counter() - begin))
        return {"bytes_per_second": speeds, "device": jax.devices()[0].device_kind, "platform": platform}


def main() -> None:
    """Answers requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    served = Served()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(served, request.pop("do"))(**request)
        except MemoryError:
            answer = {"error": "out of memory"}
        except Exception as error:
            lost = "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower()
            answer = {"error": "out of memory" if lost else f"{type(error).__name__}: {str(error).splitlines()[0]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
