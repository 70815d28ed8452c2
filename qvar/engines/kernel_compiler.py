"""Numba's compiler and its files of compiled code, without what loops over arrays do not need.

Half of the time to compile a kernel goes into passes over its statements that change nothing, into comparisons of
options, and into machine code of functions that are part of kernels alone. Loading compiled code takes a tenth of the
time if Numba's library of Python functions is not made ready for it.
"""

from __future__ import annotations

from typing import Any

from numba.core import compiler, typed_passes, untyped_passes
from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_machinery import PassManager
from numba.core.runtime.nrt import rtsys

_PASSES = (
    untyped_passes.TranslateByteCode,
    untyped_passes.FixupArgs,
    untyped_passes.IRProcessing,
    untyped_passes.GenericRewrites,
    untyped_passes.ReconstructSSA,
    typed_passes.NopythonTypeInference,
    typed_passes.PreLowerStripPhis,
    typed_passes.IRLegalization,
    typed_passes.NativeLowering,
    typed_passes.NoPythonBackend,
)
"""No inlining of closures, no pruning of branches by literals, no fusion of array expressions: kernels have none."""


class _Flags(compiler.Flags):
    """Options of a compilation that do not change any more, so that they are compared once and not at every call."""

    def __init__(self, copy_from: Any = None) -> None:
        super().__init__(copy_from)
        self._key: Any = None

    def _facts(self) -> tuple[int, Any]:
        if self._key is None:
            self._key = (super().__hash__(), self.values())
        return self._key

    def __hash__(self) -> int:
        return self._facts()[0]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Flags):
            return self is other or self._facts() == other._facts()
        return super().__eq__(other)


class KernelCompiler(compiler.CompilerBase):
    """Compiler of kernels."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.flags = _Flags(self.state.flags)
        self.state.type_annotation = None

    def define_pipelines(self) -> list[Any]:
        """Return the passes, as Numba asks for them."""
        passes = PassManager("kernel")
        for one in _PASSES:
            passes.add_pass(one, one.__name__)
        passes.finalize()
        return [passes]


class PartCompiler(KernelCompiler):
    """Compiler of functions that only kernels call, as parts of their code."""

    def define_pipelines(self) -> list[Any]:
        """Return the passes, as Numba asks for them."""
        self.state.library = _Part(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        return super().define_pipelines()


class _Part(JITCodeLibrary):
    """Code that is optimized, and made into machine code, where it is called."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return 0: there is no machine code."""
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> Any:
        return _WithoutEnvironments(super().codegen)


class _WithoutEnvironments:
    """Numba's code generator for code that has no memory yet, into which it would write objects of Python."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, *_: Any) -> None:
        """Write nothing."""


class KernelFiles(FunctionCache):
    """Files of compiled kernels."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled kernel for a signature; None if there is none.

        What Numba makes ready first is only needed to compile.
        """
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)
        return None
