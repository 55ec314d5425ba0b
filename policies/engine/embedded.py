# SPDX-License-Identifier: EUPL-1.2
"""The default engine: the rules compiled by OPA to WebAssembly, run by wasmtime.

The module sees nothing but the data document and the input: no file, no clock, no network,
no built-in of the host.
Each thread has its own instance; an instance is never shared, because its memory is the
evaluation (two threads in one memory would answer each other's question).
Host interface: https://www.openpolicyagent.org/docs/latest/wasm/ (ABI 1.2 and later).
"""

from __future__ import annotations

import copy
import ctypes
import json
import threading
from functools import lru_cache
from importlib.metadata import version
from typing import Final, NoReturn

import wasmtime

from policies.bundle import DOCUMENT_FILE, Bundle
from policies.engine import gate
from policies.engine.base import Answer, read_result
from policies.errors import BundleInvalid, EngineFailed

_ABI_MAJOR: Final = 1
_ABI_MINOR_MIN: Final = 2
"""``opa_eval`` as one call exists since ABI 1.2."""

_MAX_MEMORY_BYTES: Final = 64 * 1024 * 1024
_MAX_RESULT_BYTES: Final = 256 * 1024
_FUEL: Final = 100_000_000
"""Instructions one evaluation may take; about fifty times what the largest input needs."""

_I32: Final = wasmtime.ValType.i32()

_NAME: Final = f"opa-wasm/wasmtime-{version('wasmtime')}"
"""Looked up once: reading a package's metadata takes longer than a decision."""


class _Aborted(Exception):
    """The module called ``opa_abort`` or a built-in of the host."""


class EmbeddedEngine:
    """Evaluates the shipped, compiled rules inside this process."""

    def __init__(self, bundle: Bundle) -> None:
        """Compile the module once and try it.

        Raises:
            BundleInvalid: wrong ABI, a built-in that the module itself lacks, or it does not load.
        """
        self._bundle = bundle
        self._engine, self._module = _compile(bundle.wasm)
        self._local = threading.local()
        self._instance()

    def over(self, document: bytes) -> EmbeddedEngine:
        """Return an engine with the same compiled rules over another data document.

        For questions about the rules themselves (what if this guard were gone?); the bundle's
        digest is that of the changed bundle.

        Raises:
            BundleInvalid: the document cannot be read.
        """
        changed = copy.copy(self)
        changed._bundle = Bundle.of({**self._bundle.files, DOCUMENT_FILE: document})  # noqa: SLF001 - its own kind
        changed._local = threading.local()  # noqa: SLF001 - its own kind
        changed._instance()  # noqa: SLF001 - its own kind
        return changed

    @classmethod
    def load(cls) -> EmbeddedEngine:
        """Return an engine over the bundle that ships with this package."""
        return cls(Bundle.load())

    @property
    def name(self) -> str:
        """Name and version, for the log."""
        return _NAME

    @property
    def bundle_digest(self) -> str:
        """Digest of the bundle."""
        return self._bundle.digest

    def evaluate(self, canonical_json: bytes) -> list[Answer]:
        """Evaluate one input; see ``RuleEngine.evaluate``."""
        gate.check(canonical_json)
        instance = self._instance()
        try:
            raw = instance.evaluate(canonical_json)
        except Exception as error:
            # A trapped instance may hold half an evaluation: never use it again.
            del self._local.instance
            raise EngineFailed("trapped") from error
        return read_result(raw)

    def _instance(self) -> _Instance:
        instance: _Instance | None = getattr(self._local, "instance", None)
        if instance is None:
            instance = _Instance(self._engine, self._module, self._bundle.document)
            self._local.instance = instance
        return instance


@lru_cache(maxsize=2)
def _compile(wasm: bytes) -> tuple[wasmtime.Engine, wasmtime.Module]:
    """Compile once: a release that changes data alone, and the one before it, share the module."""
    config = wasmtime.Config()
    config.consume_fuel = True
    engine = wasmtime.Engine(config)
    try:
        return engine, wasmtime.Module(engine, wasm)
    except wasmtime.WasmtimeError:
        raise BundleInvalid("the compiled rules are not a module") from None


class _Instance:
    """One store, one memory, one thread."""

    def __init__(self, engine: wasmtime.Engine, module: wasmtime.Module, document: bytes) -> None:
        self._store = wasmtime.Store(engine)
        self._store.set_limits(memory_size=_MAX_MEMORY_BYTES)
        self._store.set_fuel(_FUEL)
        try:
            self._memory = self._new_memory(module)
            self._exports = self._link(engine, module).exports(self._store)
            self._check_abi()
            self._check_builtins()
            self._eval = self._func("opa_eval")
            self._data = self._load_document(document)
            self._base = int(self._func("opa_heap_ptr_get")(self._store))
        except (
            wasmtime.WasmtimeError,
            wasmtime.Trap,
            _Aborted,
            EngineFailed,
            KeyError,
            ValueError,
        ):
            raise BundleInvalid("the compiled rules do not start") from None

    def evaluate(self, source: bytes) -> bytes:
        """Run one evaluation; ``opa_eval`` starts from the heap as it was after loading."""
        self._store.set_fuel(_FUEL)
        self._write(self._base, source)
        heap = (self._base + len(source) + 7) & ~7
        address = self._eval(self._store, 0, 0, self._data, self._base, len(source), heap, 0)
        return self._read_c_string(int(address))

    def _new_memory(self, module: wasmtime.Module) -> wasmtime.Memory:
        for wanted in module.imports:
            if wanted.name == "memory" and isinstance(wanted.type, wasmtime.MemoryType):
                return wasmtime.Memory(self._store, wanted.type)
        raise BundleInvalid("the compiled rules import no memory")

    def _link(self, engine: wasmtime.Engine, module: wasmtime.Module) -> wasmtime.Instance:
        linker = wasmtime.Linker(engine)
        for wanted in module.imports:
            kind, name = wanted.type, wanted.name or ""
            if wanted.module != "env":
                raise BundleInvalid("the compiled rules import from an unknown module")
            if isinstance(kind, wasmtime.FuncType):
                linker.define(self._store, "env", name, wasmtime.Func(self._store, kind, _refuse))
            elif name == "memory":
                linker.define(self._store, "env", name, self._memory)
            else:
                raise BundleInvalid("the compiled rules import something unknown")
        return linker.instantiate(self._store, module)

    def _func(self, name: str) -> wasmtime.Func:
        found = self._exports[name]
        if not isinstance(found, wasmtime.Func):
            raise BundleInvalid("the compiled rules lack a function of the ABI")
        return found

    def _check_abi(self) -> None:
        major, minor = (
            self._exports[f"opa_wasm_abi_{part}"] for part in ("version", "minor_version")
        )
        if not isinstance(major, wasmtime.Global) or not isinstance(minor, wasmtime.Global):
            raise BundleInvalid("the compiled rules name no ABI")
        if major.value(self._store) != _ABI_MAJOR or minor.value(self._store) < _ABI_MINOR_MIN:
            raise BundleInvalid("the compiled rules have another ABI")

    def _check_builtins(self) -> None:
        """An unsupported built-in would be undefined at run time; refuse it before."""
        if self._dumped("builtins") != {}:
            raise BundleInvalid("the rules use a built-in function that the engine lacks")
        if self._dumped("entrypoints") != {"lotse/exchange/decision": 0}:
            raise BundleInvalid("the compiled rules have another entry point")

    def _dumped(self, name: str) -> object:
        value = self._func(name)(self._store)
        dump = self._func("opa_json_dump")(self._store, value)
        parsed: object = json.loads(self._read_c_string(int(dump)))
        return parsed

    def _load_document(self, document: bytes) -> int:
        address = int(self._func("opa_malloc")(self._store, len(document)))
        self._write(address, document)
        parsed = int(self._func("opa_json_parse")(self._store, address, len(document)))
        self._func("opa_free")(self._store, address)
        if parsed == 0:
            raise BundleInvalid("the data document cannot be read")
        return parsed

    def _write(self, address: int, content: bytes) -> None:
        missing = address + len(content) - self._memory.data_len(self._store)
        if missing > 0:
            self._memory.grow(self._store, (missing + 65_535) // 65_536)
        self._memory.write(self._store, content, address)

    def _read_c_string(self, address: int) -> bytes:
        size = self._memory.data_len(self._store)
        if not 0 < address < size:
            raise EngineFailed("bad_address")
        start = ctypes.addressof(self._memory.data_ptr(self._store).contents) + address
        window = ctypes.string_at(start, min(size - address, _MAX_RESULT_BYTES))
        end = window.find(b"\0")
        if end < 0:
            raise EngineFailed("endless_result")
        return window[:end]


def _refuse(*_arguments: object) -> NoReturn:
    raise _Aborted
