"""Wrong versions of checks, of the formulas they call and of the files they read: proof that each claim can fail.

A claim that holds whatever is computed tests nothing. This module makes *mutants*, one small slip each, and records which claims
turn false under them:

- ``check``: a slip in the function of the question, in a helper or in a constant of its module: another arithmetic operator, a lost
  minus, another number, a product for a sum, a logarithm left out, two arguments exchanged …
- ``formula``: the same slips in the functions of other modules of the package that the check calls;
- ``evidence``: what a claim on trained models reads from a build, with the sign turned, the scale changed or the values shuffled.

Not touched, as a change there proves nothing: what a claim says (id, statement, method, stated and published value), its tolerance,
the thresholds of comparisons, comparisons themselves, text, seeds, settings of optimisers, and conditions that raise errors.

Mutants of a claim are tried from the expression it computes outwards: first that expression, then the assignments which feed it,
then the functions called there, and so on; a question is done as soon as each of its claims has been seen failing.

    PYTHONPATH=src:tests python -m claims.mutants [--results results/<dataset>] [--sources check formula evidence] QUESTION…

prints the claims that no mutant turned false. An assignment in the place of a question stands for all of its questions.

Proofs take minutes, so they are kept: ``proved.csv`` holds, for each question, the :func:`version` of the code for which all of its
claims were seen failing. The tests prove again what has another version; ``make prove`` does so and keeps it, and before a release
``make prove ARGS=--again`` proves all of them, as training code decides what the files hold and is no part of the version.
"""

import argparse
import ast
import builtins
import contextlib
import copy
import csv
import fcntl
import functools
import hashlib
import inspect
import io
import signal
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import torch
from shipped import FOLDERS, claims

import dgm
from dgm.assignments import NAMESPACE
from dgm.claims.claim import Claim, Finding
from dgm.claims.evidence import Evidence
from dgm.maths.measured import Measured
from dgm.workflow.fingerprint import fingerprint

PROVED = Path(__file__).with_name("proved.csv")
"""Question and version of the code of each proof that is kept."""

CODE = (str(Path(dgm.__file__).parent), *map(str, FOLDERS.values()))
"""Folders of the files in which slips are made."""
OURS = ("dgm.", f"{NAMESPACE}.")
"""How the names of the modules begin that such a file belongs to."""

SOURCES = ("check", "formula", "evidence")
SKIPPED_MODULES = (
    "dgm.claims.claim",
    "dgm.claims.evidence",
    "dgm.claims.registry",
    "dgm.runtime.files",
    "dgm.models",
    "dgm.settings",
    "dgm.protocols",
    "dgm.runtime.streams",
    "dgm.runtime.seeds",
    "dgm.claims.methods",
)
"""Code that reads files, checks settings or seeds generators; ``dgm.models`` is the module of that name, not the ones below it."""

OPERATORS: Mapping[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
}
EXCHANGED = {"min": "max", "max": "min", "all": "any", "any": "all", "argmin": "argmax", "argmax": "argmin", "sum": "prod",
             "fsum": "prod", "prod": "sum", "mean": "sum", "minimum": "maximum", "maximum": "minimum", "logaddexp": "add",
             "logsumexp": "sum", "cos": "sin", "sin": "cos", "zeros_": "ones_", "kaiming_uniform_": "kaiming_normal_",
             "Sigmoid": "Identity", "Tanh": "Identity", "ReLU": "Identity", "LeakyReLU": "Identity"}  # fmt: skip
LEFT_OUT = {"log", "exp", "sqrt", "log1p", "expm1", "square", "abs", "sigmoid", "softmax", "tanh", "softplus", "relu", "detach"}
LATER = ("10 * ", "difference of equals", "argument of ", "abs ", "max ", "min ")
SEEDS = {"default_rng", "manual_seed", "Generator", "Generators", "seed", "SeedSequence"}
SETTINGS = {"options", "tol", "xatol", "fatol", "gtol", "ftol", "epsabs", "epsrel", "maxiter", "limit", "bounds", "atol", "rtol",
            "seed", "dtype", "dim", "axis", "dps", "tolerance"}  # fmt: skip
LIBRARIES = {"math", "np", "torch", "sympy", "mpmath"}
UNORDERED = {"zip", "range", "isinstance", "allclose", "isclose", "max", "min", "gcd", "Claim", "holds", "Finding", "getattr"}
ARGUMENTS = {
    "Claim": ("id", "statement", "method", "stated", "found", "tolerance", "needs_full_budget", "published", "printed"),
    "holds": ("id", "statement", "method", "found", "needs_full_budget", "published", "printed"),
    "Finding": ("id", "statement", "estimate", "above", "below", "published", "printed"),
}
COMPUTED = {"Claim": "found", "holds": "found", "Finding": "estimate"}
LIMITS = ("tolerance", "above", "below")
"""What a claim or a finding is compared with; no slip is made there."""


# ----------------------------------------------------------------------------------------------------------- slips in code


@dataclass(frozen=True)
class Target:
    """A function or a constant of a module that a slip may be made in."""

    module: types.ModuleType
    name: str
    node: ast.stmt
    """The definition or the assignment."""
    outer: ast.stmt
    """The statement at the top level that holds it: itself, or its class."""
    function: types.FunctionType | None = None

    @property
    def source(self) -> str:
        return "check" if self.module.__name__.startswith(NAMESPACE) else "formula"

    def __hash__(self) -> int:
        return hash((self.module.__name__, self.name))


@dataclass(frozen=True)
class Slip:
    """One change of one node, found by its place in the order of ``ast.walk``."""

    target: Target
    place: int
    label: str
    delay: int
    """How much later than the first ones around it this slip is tried."""
    change: Callable[[Any], None] = field(compare=False, hash=False)

    @property
    def source(self) -> str:
        return self.target.source

    def __str__(self) -> str:
        return f"{self.target.module.__name__}.{self.target.name}: {self.label}"


def slips_at(node: ast.AST) -> Iterator[tuple[str, Callable[[Any], None]]]:
    """The changes that a node allows, each with a name."""
    if isinstance(node, ast.BinOp | ast.AugAssign):
        for new in OPERATORS.get(type(node.op), ()):
            yield f"{type(node.op).__name__} -> {new.__name__}", functools.partial(setattr_, "op", new())
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            yield "difference of equals", lambda at: setattr(at, "right", copy.deepcopy(at.left))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "minus lost", functools.partial(setattr_, "op", ast.UAdd())
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "statement left out", functools.partial(setattr_, "value", ast.Constant(None))
    elif isinstance(node, ast.Return) and node.value is not None:
        yield "result negated", lambda at: setattr(at, "value", ast.UnaryOp(ast.USub(), at.value))
        yield "result halved", lambda at: setattr(at, "value", ast.BinOp(ast.Constant(0.5), ast.Mult(), at.value))
        if isinstance(node.value, ast.Tuple):
            yield "results exchanged", lambda at: at.value.elts.reverse()
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        yield f"{node.value} + 1", functools.partial(setattr_, "value", node.value + 1)
        if isinstance(node.value, float) and node.value:
            yield f"1.1 * {node.value}", functools.partial(setattr_, "value", 1.1 * node.value)
        if isinstance(node.value, int):
            yield f"{node.value} - 1", functools.partial(setattr_, "value", node.value - 1)
        if node.value:
            yield f"10 * {node.value}", functools.partial(setattr_, "value", 10 * node.value)


def setattr_(name: str, value: object, node: ast.AST) -> None:
    """``setattr`` with the object last."""
    setattr(node, name, value)


def _calls(node: ast.Call) -> Iterator[tuple[str, Callable[[Any], None]]]:
    called = _called(node)
    if called in EXCHANGED:
        yield f"{called} -> {EXCHANGED[called]}", functools.partial(_exchange, EXCHANGED[called])
    if called in LEFT_OUT:
        yield f"{called} left out", _leave_out
    plain = len(node.args) >= 2 and not any(isinstance(argument, ast.Starred) for argument in node.args)
    if plain and called not in UNORDERED and ast.dump(node.args[0]) != ast.dump(node.args[1]):
        yield f"arguments of {called} exchanged", lambda at: at.args.insert(0, at.args.pop(1))
    if node.args and called not in UNORDERED and not isinstance(node.args[0], ast.Starred | ast.Constant | ast.GeneratorExp):
        yield f"argument of {called} negated", lambda at: at.args.insert(0, ast.UnaryOp(ast.USub(), at.args.pop(0)))


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _exchange(new: str, node: ast.Call) -> None:
    if isinstance(node.func, ast.Attribute):
        node.func.attr = new
    elif isinstance(node.func, ast.Name) and hasattr(builtins, new):
        node.func.id = new
    else:  # from the module that has the old one, or from math for the built-in sum
        module = "'math'" if _called(node) == "sum" else f"{_called(node)}.__module__"
        node.func = ast.parse(f"__import__('importlib').import_module({module}).{new}", mode="eval").body


def _leave_out(node: ast.Call) -> None:
    """f(x) becomes x, and x.f() too."""
    if node.args:
        node.func = ast.parse("(lambda value, *_, **__: value)", mode="eval").body
    else:
        node.args, node.func = [node.func.value], ast.parse("(lambda value: value)", mode="eval").body  # type: ignore[attr-defined]


def touched(node: ast.AST, tolerances: frozenset[str] = frozenset()) -> Iterator[ast.AST]:
    """The nodes under ``node`` in which a slip would prove something."""
    if isinstance(node, ast.JoinedStr | ast.Raise | ast.Assert | ast.Import | ast.ImportFrom | ast.arguments | ast.Lambda):
        if isinstance(node, ast.Lambda):
            yield from touched(node.body, tolerances)
        return
    if isinstance(node, ast.If) and all(isinstance(inner, ast.Raise) for inner in node.body) and not node.orelse:
        return
    if isinstance(node, ast.Assign) and tolerances and _bound(node) <= tolerances:
        return
    if isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield from touched(node.value, tolerances)
        return
    if isinstance(node, ast.Call):
        name = _called(node)
        if name in SEEDS:
            return
        if name in ARGUMENTS:
            yield from (inner for part in computed_parts(node) for inner in touched(part, tolerances))
            return
        yield node
        parts: list[ast.AST] = [node.func, *node.args, *(keyword.value for keyword in node.keywords if keyword.arg not in SETTINGS)]
    elif isinstance(node, ast.Compare):
        parts = [side for side in (node.left, *node.comparators) if not _literal(side)]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _literal(node):
        yield node
        return
    elif isinstance(node, ast.FunctionDef):
        parts = list(node.body)
    else:
        yield node
        parts = list(ast.iter_child_nodes(node))
    for part in parts:
        yield from touched(part, tolerances)


def computed_parts(call: ast.Call) -> list[ast.expr]:
    """What a claim or a finding computes, unless it is a mere number."""
    computed = COMPUTED[_called(call)]
    at = ARGUMENTS[_called(call)].index(computed)
    parts = [argument for place, argument in enumerate(call.args) if place == at or isinstance(argument, ast.Starred)]
    parts += [keyword.value for keyword in call.keywords if keyword.arg in (computed, None)]
    return [part for part in parts if not _literal(part) or any(isinstance(inner, ast.BinOp) for inner in ast.walk(part))]


def _literal(node: ast.expr) -> bool:
    """Whether an expression is made of numbers, perhaps with functions around them, and of nothing computed before."""
    inner = list(ast.walk(node))
    functions = {id(call.func) for call in inner if isinstance(call, ast.Call)}
    used = [part for part in inner if isinstance(part, ast.Name) and id(part) not in functions and part.id not in LIBRARIES]
    return not used and not any(isinstance(part, ast.comprehension) for part in inner)


def _bound(node: ast.AST) -> set[str]:
    """The names that a statement gives a value to, or changes in place."""
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = list(node.targets)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For | ast.NamedExpr):
        targets = [node.target]
    elif isinstance(node, ast.With):
        targets = [item.optional_vars for item in node.items if item.optional_vars]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        targets = [node.value.func.value]  # values.append(x), optimiser.step()
    return {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}


def _tolerances(function: ast.AST) -> frozenset[str]:
    """Names that nothing but tolerances is made of."""
    inside: set[int] = set()
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and _called(call) in ARGUMENTS:
            after = ARGUMENTS[_called(call)].index(COMPUTED[_called(call)]) + 1
            parts = [*call.args[after:], *(keyword.value for keyword in call.keywords if keyword.arg in LIMITS)]
            inside |= {id(node) for part in parts for node in ast.walk(part)}
    loads = [node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    return frozenset({node.id for node in loads if id(node) in inside} - {node.id for node in loads if id(node) not in inside})


# ------------------------------------------------------------------------------------------------ wrong files of a build


WAYS = ("negated", "grown", "shuffled", "scattered", "shortened", "undefined")
"""``shortened`` drops the last entry of an array and the first half of a history, ``undefined`` loses the first value."""


@dataclass(frozen=True)
class Misread(Evidence):
    """Evidence with one kind of file changed in one way; as a mutant it says where the slip is."""

    kind: str = ""
    way: str = ""

    @property
    def source(self) -> str:
        return "evidence"

    def __str__(self) -> str:
        return f"evidence.{self.kind} {self.way}"

    def _wrong(self, kind: str, key: str, values: Any) -> Any:
        if kind != self.kind:
            return values
        return changed(np.asarray(values), self.way, crc32(f"{kind}/{key}".encode()))

    def _arrays(self, kind: str, name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {key: self._wrong(kind, f"{name}/{key}", values) for key, values in arrays.items()}

    def metric(self, run: str, metric: str, split: str = "test", field: str = "value") -> float:
        right = super().metric(run, metric, split, field)
        return float(self._wrong("metric", f"{run}/{metric}/{split}/{field}", right))

    def measured(self, run: str, metric: str, split: str = "test") -> Measured:
        right = super().measured(run, metric, split)
        return replace(right, value=float(self._wrong("measured", f"{run}/{metric}/{split}", right.value)))

    def history(self, run: str) -> pd.DataFrame:
        right = super().history(run)
        if (self.kind, self.way) == ("history", "shortened"):
            return right.iloc[len(right) // 2 :]
        return right.assign(value=self._wrong("history", run, right["value"].to_numpy()))

    def samples(self, run: str) -> dict[str, np.ndarray]:
        return self._arrays("samples", run, super().samples(run))

    def arrays(self, demonstration: str) -> dict[str, np.ndarray]:
        return self._arrays("arrays", demonstration, super().arrays(demonstration))

    def evaluations(self, run: str) -> dict[str, np.ndarray]:
        return self._arrays("evaluations", run, super().evaluations(run))

    def points(self, ring: str) -> dict[str, np.ndarray]:
        return self._arrays("points", ring, super().points(ring))

    def images(self) -> dict[str, np.ndarray]:
        return self._arrays("images", "", super().images())

    def model_path(self, run: str) -> Path:
        right = super().model_path(run)
        if self.kind != "model_path":
            return right
        saved = torch.load(right, weights_only=True)
        saved["state"] = {
            name: torch.from_numpy(self._wrong("model_path", f"{run}/{name}", tensor.numpy())).to(tensor.dtype)
            for name, tensor in saved["state"].items()
        }
        wrong = Path(_folder().name) / f"{self.way}-{run}.pt"
        torch.save(saved, wrong)
        return wrong


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where wrong models lie until the process ends."""
    return tempfile.TemporaryDirectory(prefix="misread-")


def changed(values: np.ndarray, way: str, seed: int) -> np.ndarray:
    """The same array with wrong values of the same type."""
    rng = np.random.default_rng(seed)
    if values.dtype.kind not in "biuf":
        return values
    if way == "shortened":
        return values[:-1] if values.ndim else values
    if way == "undefined":
        lost = np.arange(values.size).reshape(values.shape) == 0
        return np.where(lost, np.nan, values).astype(values.dtype) if values.dtype.kind == "f" else np.where(lost, 0, values)
    if way == "shuffled" and values.size > 1:
        return rng.permutation(values.ravel()).reshape(values.shape)
    if values.dtype == bool:
        return ~values
    if values.dtype == np.uint8:
        return {"negated": 255 - values, "grown": values // 2}.get(way, rng.permutation(values.ravel()).reshape(values.shape))
    wrong = {"negated": -values, "grown": 1.5 * values + 1}.get(way, values * rng.uniform(-2, 2, values.shape))
    return np.asarray(wrong).astype(values.dtype)


READERS = ("metric", "measured", "history", "samples", "arrays", "evaluations", "points", "images", "model_path")
Mutant = Slip | Misread


# -------------------------------------------------------------------------------------------------------- running a check


class TimeUp(Exception):
    """A mutant ran for longer than its time."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Stop the body after so many seconds of this process's own time, which leaves alone the timer that pytest uses."""

    def stop(*_: object) -> None:
        raise TimeUp

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextlib.contextmanager
def fresh_caches(among: Callable[[str], bool] = lambda name: True) -> Iterator[None]:
    """Cached functions of the package with empty caches; afterwards the full ones are back."""
    replaced = []
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(OURS)]
    new: dict[int, Any] = {}
    for module in modules:
        for name, value in list(vars(module).items()):
            if isinstance(value, functools._lru_cache_wrapper) and among(value.__name__):
                fresh = new.setdefault(id(value), functools.lru_cache(**value.cache_parameters())(value.__wrapped__))
                replaced.append((module, name, value))
                setattr(module, name, fresh)
    try:
        yield
    finally:
        for module, name, value in replaced:
            setattr(module, name, value)


@dataclass
class Run:
    """The claims that a check made before it ended or was stopped."""

    claims: list[Claim | Finding] = field(default_factory=list)
    origins: list[tuple[types.CodeType, int]] = field(default_factory=list)
    """The function and the line at which each was yielded."""
    error: Exception | None = None
    seconds: float = 0.0


def run(check: Callable[[Evidence], Iterable[Claim | Finding]], evidence: Evidence, last: int | None = None) -> Run:
    """Collect claims up to the one at place ``last``, or to the end, or to an exception."""
    result, started = Run(), time.process_time()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            generator = iter(check(evidence))
            for claim in generator:
                result.claims.append(claim)
                result.origins.append(_origin(generator))
                if last is not None and len(result.claims) > last:
                    break
        except Exception as error:
            result.error = error
    result.seconds = time.process_time() - started
    return result


def _origin(generator: Any) -> tuple[types.CodeType, int]:
    while isinstance(getattr(generator, "gi_yieldfrom", None), types.GeneratorType):
        generator = generator.gi_yieldfrom
    if not isinstance(generator, types.GeneratorType):
        raise TypeError(f"a check must yield its claims, not return a {type(generator).__name__}")
    return generator.gi_code, generator.gi_frame.f_lineno


def fails(claim: Claim | Finding) -> bool:
    """Whether a claim misses its expected value, or a finding is not shown; what was published does not matter here."""
    return not replace(claim, published=None).passed


# ------------------------------------------------------------------------------------------------- which code to change


@functools.cache
def _tree(path: str) -> ast.Module:
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def _functions(module: types.ModuleType) -> Iterator[Target]:
    """All functions and methods that a module defines."""
    assert module.__file__
    for outer in _tree(module.__file__).body:
        owners = [(outer, "", vars(module))] if isinstance(outer, ast.FunctionDef) else []
        if isinstance(outer, ast.ClassDef) and hasattr(module, outer.name):
            held = vars(getattr(module, outer.name))
            owners = [(node, f"{outer.name}.", held) for node in outer.body if isinstance(node, ast.FunctionDef)]
        for node, prefix, held in owners:
            found = held.get(node.name)
            found = getattr(found, "fget", None) or getattr(found, "func", None) or getattr(found, "__func__", None) or found
            function = inspect.unwrap(found) if callable(found) else None
            if isinstance(function, types.FunctionType) and function.__module__ == module.__name__:
                yield Target(module, prefix + node.name, node, outer, function)


def _constants(module: types.ModuleType) -> Iterator[Target]:
    assert module.__file__
    for node in _tree(module.__file__).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield Target(module, node.targets[0].id, node, node)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _codes(inner)


@contextlib.contextmanager
def listening(called: set[types.CodeType]) -> Iterator[None]:
    """Note the code of each function of the package that is called."""

    def note(frame: types.FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(CODE):
            called.add(frame.f_code)

    before = sys.gettrace()
    sys.settrace(note)  # without a local function it sees calls alone, and none of functions in C
    try:
        yield
    finally:
        sys.settrace(before)


@contextlib.contextmanager
def made(slips: Sequence[Slip]) -> Iterator[None]:
    """The slips in force: code of functions exchanged, constants set anew."""
    undo: list[Callable[[], None]] = []
    try:
        for target in dict.fromkeys(slip.target for slip in slips):
            undo.append(_apply(target, [slip for slip in slips if slip.target == target]))
        changed_names = {slip.target.name.split(".")[-1] for slip in slips}
        with fresh_caches(lambda name: bool(changed_names & _reached(name))):
            yield
    finally:
        for back in undo:
            back()


def _apply(target: Target, slips: Sequence[Slip]) -> Callable[[], None]:
    outer = copy.deepcopy(target.outer)
    if target.outer is target.node:
        node: ast.AST = outer
    else:
        node = outer.body[target.outer.body.index(target.node)]  # type: ignore[attr-defined]
    nodes = list(ast.walk(node))
    for slip in slips:
        slip.change(nodes[slip.place])
    ast.fix_missing_locations(outer)
    if target.function is None:
        assert isinstance(outer, ast.Assign)
        before = getattr(target.module, target.name)
        value = eval(compile(ast.Expression(outer.value), str(target.module.__file__), "eval"), vars(target.module))
        setattr(target.module, target.name, value)
        return lambda: setattr(target.module, target.name, before)
    compiled = compile(ast.Module([outer], []), str(target.module.__file__), "exec")
    code = next(code for code in _codes(compiled) if code.co_qualname == target.name)
    function, right = target.function, target.function.__code__
    function.__code__ = code
    return lambda: setattr(function, "__code__", right)


@functools.cache
def _mentions() -> Mapping[str, frozenset[str]]:
    """For each function or constant of the loaded modules, by its last name, the names in it."""
    found: dict[str, set[str]] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith(OURS) and getattr(module, "__file__", None):
            for target in (*_functions(module), *_constants(module)):
                found.setdefault(target.name.split(".")[-1], set()).update(_names(target.node))
    return {name: frozenset(inner) for name, inner in found.items()}


@functools.cache
def _reached(name: str) -> frozenset[str]:
    reached, waiting = {name}, [name]
    while waiting:
        for inner in _mentions().get(waiting.pop(), ()):
            if inner not in reached:
                reached.add(inner)
                waiting.append(inner)
    return frozenset(reached)


def _names(*nodes: ast.AST) -> list[str]:
    found = [
        inner.id if isinstance(inner, ast.Name) else inner.attr
        for node in nodes
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name | ast.Attribute) and isinstance(inner.ctx, ast.Load)
    ]
    return list(dict.fromkeys(found))


class Suspects:
    """The mutants of a check, for each claim in the order in which they are tried."""

    def __init__(self, check: Callable[..., Any], evidence: Evidence, codes: set[types.CodeType]) -> None:
        own = sys.modules[check.__module__]
        modules = [module for name, module in list(sys.modules.items()) if name.startswith(OURS) and name not in SKIPPED_MODULES]
        modules = [module for module in modules if getattr(module, "__file__", None)]
        self.targets = [target for module in modules for target in _functions(module) if codes & set(_codes(_code(target)))]
        self.targets.sort(key=lambda target: target.module is not own)
        self.by_name: dict[str, list[Target]] = {}
        for target in (*self.targets, *_constants(own)):
            self.by_name.setdefault(target.name.split(".")[-1], []).append(target)
            if target.name.endswith((".forward", ".__init__", ".__call__", ".__post_init__")):
                self.by_name.setdefault(target.name.split(".")[0], []).append(target)
        self.evidence = evidence
        self.read = {kind for kind in READERS if getattr(Evidence, kind).__code__ in codes}
        self.tolerances = {target: _tolerances(target.node) for target in self.targets}

    def inside(self, origin: tuple[types.CodeType, int]) -> list[Mutant]:
        """Mutants of the expressions in the very statement that yields a claim."""
        target, statement = self._statement(origin)
        return sorted(self._slips(target, [statement]), key=lambda slip: slip.delay)

    def queue(self, origin: tuple[types.CodeType, int]) -> list[Mutant]:
        """All mutants for a claim: from what it computes outwards, numbers after operators; what that misses comes last."""
        target, statement = self._statement(origin)
        ranked: list[tuple[int, int, Mutant]] = []
        reached: set[int] = set()
        waiting: list[tuple[int, Target, ast.AST]] = [(0, target, statement)]
        while waiting:
            depth, holder, node = min(waiting, key=lambda item: item[0])
            waiting.remove((depth, holder, node))
            if id(node) in reached:
                continue
            reached.add(id(node))
            for place, slip in enumerate(self._slips(holder, [node])):
                ranked.append((depth + slip.delay, place, slip))
            computed = _names(*_looked_at(node))
            for name in computed if not isinstance(node, ast.Yield) else dict.fromkeys((*computed, *_names(node))):
                further = depth + 1 + 2 * (name not in computed)  # names in what is expected come later
                if name in self.read:
                    ranked += [(further, place, Misread(self.evidence.results, name, way)) for place, way in enumerate(WAYS)]
                waiting += [(further, holder, binding) for binding in _bindings(holder, name, node)]
                waiting += [(further, other, other.node) for other in self.by_name.get(name, ()) if other is not holder]
        last = 1 + max((rank for rank, *_ in ranked), default=0)
        ranked += [(last, place, slip) for other in self.targets for place, slip in enumerate(self._slips(other, [other.node]))]
        return list(dict.fromkeys(mutant for *_, mutant in sorted(ranked, key=lambda item: item[:2])))

    def _statement(self, origin: tuple[types.CodeType, int]) -> tuple[Target, ast.AST]:
        code, line = origin
        target = next(target for target in self.targets if code in _codes(_code(target)))
        yields = [node for node in ast.walk(target.node) if isinstance(node, ast.Yield) and node.lineno <= line <= node.end_lineno]
        return target, min(yields, key=lambda node: node.end_lineno - node.lineno)

    def _slips(self, target: Target, nodes: Sequence[ast.AST]) -> Iterator[Slip]:
        places = {id(node): place for place, node in enumerate(ast.walk(target.node))}
        lists = {id(inner) for node in ast.walk(target.node) if _is_list(node) for inner in ast.walk(node)}
        found = [inner for node in nodes for inner in _touched_in(node, self.tolerances.get(target, frozenset()))]
        found.sort(key=lambda node: [ast.Return, ast.BinOp, ast.UnaryOp, ast.Call, type(node)].index(type(node)))
        for node in found:
            for label, change in slips_at(node):
                delay = 4 if id(node) in lists else isinstance(node, ast.Constant) + 2 * label.startswith(LATER)
                yield Slip(target, places[id(node)], f"line {node.lineno}, {label}", delay, change)  # type: ignore[attr-defined]


def _is_list(node: ast.AST) -> bool:
    """Whether a list, tuple or dictionary of literals stands here, most often of given or stated numbers."""
    return (
        isinstance(node, ast.List | ast.Tuple | ast.Dict)
        and _literal(node)
        and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    )


def _code(target: Target) -> types.CodeType:
    assert target.function is not None
    return target.function.__code__


def _looked_at(node: ast.AST) -> list[ast.AST]:
    """The parts of a statement that give a value to what it binds, or that a claim computes."""
    if isinstance(node, ast.Yield):
        return [*_touched_in(node, frozenset()), node]
    if isinstance(node, ast.For):
        return [node.iter]
    if isinstance(node, ast.With):
        return [item.context_expr for item in node.items]
    return [node]


def _touched_in(node: ast.AST, tolerances: frozenset[str]) -> Iterator[ast.AST]:
    if isinstance(node, ast.For):
        yield from touched(node.iter, tolerances)
    elif isinstance(node, ast.With):
        for item in node.items:
            yield from touched(item.context_expr, tolerances)
    else:
        yield from touched(node, tolerances)


def _bindings(target: Target, name: str, near: ast.AST) -> list[ast.AST]:
    """The statements of a function that give a name its value, the nearest ones above the place of use first."""
    found = [node for node in ast.walk(target.node) if node is not target.node and name in _bound(node)]
    line = near.lineno  # type: ignore[attr-defined]
    return sorted(found, key=lambda node: (node.lineno > line, abs(node.lineno - line)))  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------------------ the proof


@dataclass
class Proof:
    """For one question: the claims by id, each with the mutant that it was seen failing under."""

    seen: dict[str, str]
    unseen: list[str]
    runs: int
    seconds: float

    @property
    def by_source(self) -> dict[str, int]:
        """How many claims each source of mutants turned false first."""
        kinds = [text.split(":")[0] for text in self.seen.values()]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


SLOW = 0.5
"""Seconds of a check beyond which a mutant is run no further than to the claim that it is meant for."""

UNTRAINED = "untrained: false on the files themselves"


def prove(
    check: Callable[[Evidence], Iterable[Claim | Finding]],
    evidence: Evidence,
    sources: Sequence[str] = SOURCES,
    most: int = 400,
) -> Proof:
    """Run mutants until each claim has been seen failing, or ``most`` mutants have been tried in vain for a claim."""
    started = time.process_time()
    codes: set[types.CodeType] = set()
    with fresh_caches():
        with listening(codes):
            right = run(check, evidence)
        if right.error is not None:
            raise right.error
        _mentions.cache_clear()
        _reached.cache_clear()
        work = _Work(check, evidence, right)
        suspects = Suspects(check, evidence, codes)
        if "check" in sources:
            work.all_at_once(suspects)
        for place, origin in enumerate(right.origins):
            if place in work.unseen:
                work.one_by_one(place, [mutant for mutant in suspects.queue(origin) if mutant.source in sources], most)
    unseen = [right.claims[place].id for place in work.unseen]
    return Proof(work.seen, unseen, work.runs, time.process_time() - started)


def repeated(check: Callable[[Evidence], Iterable[Claim | Finding]]) -> list[str]:
    """Ids of the claims of a check that compare one expression with itself, with assignments put in."""
    module = sys.modules[check.__module__]
    functions = {target.name: target.node for target in _functions(module)}
    reached, waiting = set(), [check.__name__]
    while waiting:
        name = waiting.pop()
        if name in functions and name not in reached:
            reached.add(name)
            waiting += _names(functions[name])
    found = []
    for function in (functions[name] for name in functions if name in reached):
        known = _assigned_once(function)
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and _called(call) in ("Claim", "holds"):
                parts = dict(zip(ARGUMENTS[_called(call)], call.args, strict=False)) | {
                    word.arg: word.value for word in call.keywords if word.arg
                }
                stated = parts.get("stated", ast.Constant(True))
                if "found" in parts and _spelt(stated, known) == _spelt(parts["found"], known):
                    said = parts["id"]
                    found.append(str(said.value) if isinstance(said, ast.Constant) else ast.unparse(said))
    return found


def _assigned_once(function: ast.AST) -> dict[str, ast.expr]:
    bindings = [node for node in ast.walk(function) if node is not function and _bound(node)]
    names_of = [name for node in bindings for name in _bound(node)]
    return {
        node.targets[0].id: node.value
        for node in bindings
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and names_of.count(node.targets[0].id) == 1
    }


def _spelt(node: ast.expr, known: Mapping[str, ast.expr]) -> str:
    class PutIn(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.AST:
            return _Plain().visit(self.visit(copy.deepcopy(known[name.id]))) if name.id in known else name

    return ast.dump(_Plain().visit(PutIn().visit(copy.deepcopy(node))))


class _Plain(ast.NodeTransformer):
    """Conversions such as ``float(x)`` replaced by what they convert."""

    def visit_Call(self, call: ast.Call) -> ast.AST:
        self.generic_visit(call)
        return call.args[0] if _called(call) in ("float", "int", "bool", "item") and len(call.args) == 1 else call


class _Work:
    def __init__(self, check: Callable[[Evidence], Iterable[Claim | Finding]], evidence: Evidence, right: Run) -> None:
        self.check, self.evidence, self.right = check, evidence, right
        self.places = {claim.id: place for place, claim in enumerate(right.claims)}
        self.seen = {claim.id: UNTRAINED for claim in right.claims if fails(claim)}
        self.unseen = {place: None for place, claim in enumerate(right.claims) if not fails(claim)}
        self.reached: dict[Mutant, int] = {}
        """How far the check went under each mutant: the place of the last claim."""
        self.runs = 0

    def one_by_one(self, place: int, queue: Sequence[Mutant], most: int) -> None:
        """Try mutants for the claim at one place until it fails.

        A mutant that ran as far before needs no second run, and a slip at a node is not tried where another one at that node
        changed nothing.
        """
        idle: set[tuple[Target, int]] = set()
        tried = 0
        for mutant in queue:
            node = (mutant.target, mutant.place) if isinstance(mutant, Slip) else None
            if self.reached.get(mutant, -1) >= place or node in idle:
                continue
            done = self.attempt([mutant], place if self.right.seconds > SLOW else max(self.unseen))
            self.reached[mutant] = len(done.claims) - 1 if done.error is None else len(self.right.claims)
            tried += 1
            if place not in self.unseen or tried >= most:
                return
            if node and done.claims == self.right.claims[: len(done.claims)] and len(done.claims) > place:
                idle.add(node)

    def attempt(self, mutants: Sequence[Mutant], last: int) -> Run:
        """Run with all of these mutants up to one claim, and note the claims that fail."""
        self.runs += 1
        slips = [mutant for mutant in mutants if isinstance(mutant, Slip)]
        evidence = next((mutant for mutant in mutants if isinstance(mutant, Misread)), self.evidence)
        result = Run()
        try:
            with made(slips), limited(1 + 2 * self.right.seconds):
                result = run(self.check, evidence, last)
        except Exception as error:  # the slip cannot be made, or time was up between two claims
            result.error = error
        whole = len(result.claims) == len(self.right.claims)
        for at, claim in enumerate(result.claims):
            place = self.places.get(claim.id, at if whole else None)
            if place in self.unseen and fails(claim):
                del self.unseen[place]
                text = "; ".join(map(str, mutants)) if len(mutants) == 1 else "its own expression, with those of others"
                self.seen[self.right.claims[place].id] = f"{mutants[0].source}: {text}"
        return result

    def all_at_once(self, suspects: Suspects, rounds: int = 3) -> None:
        """One slip in the expression of each claim, all in one run, as none of them touches the value of another claim."""
        waiting: dict[int, list[Mutant]] = {}
        for place in self.unseen:
            waiting[place] = suspects.inside(self.right.origins[place])
        for _ in range(rounds):
            chosen = {self.right.origins[place]: waiting[place][0] for place in self.unseen if waiting[place]}
            while chosen:
                done = self.attempt(list(chosen.values()), max(self.unseen))
                failed_at = len(done.claims)
                if done.error is None or failed_at >= len(self.right.origins):
                    break
                if chosen.pop(self.right.origins[failed_at], None) is None:
                    break  # something else went wrong
                if not self.unseen:
                    break
            waiting = {place: waiting[place][1:] for place in self.unseen}
            if not self.unseen:
                return


def registered(wanted: Sequence[str]) -> dict[str, Callable[[Evidence], Iterable[Claim | Finding]]]:
    """The checks of the questions or assignments named, of all without names."""
    checks = {name: check for assignment in FOLDERS for name, check in claims(assignment).items()}
    chosen = {name: check for name, check in checks.items() if not wanted or name in wanted or name.split("-")[0] in wanted}
    if not chosen:
        raise ValueError(f"no check of {', '.join(wanted)}; there are {', '.join(checks)}")
    return chosen


def version(check: Callable[..., object]) -> str:
    """Digest of what a proof rests on: the module of the check, all modules of the package it reaches, and this one."""
    own = ast.dump(ast.parse(Path(__file__).read_text(encoding="utf-8")))
    return hashlib.sha256(f"{fingerprint(check.__module__)} {own}".encode()).hexdigest()[:16]


def kept(record: Path = PROVED) -> dict[str, str]:
    """Version by question, of the proofs that are kept."""
    with record.open(newline="", encoding="utf-8") as file:
        return {row["question"]: row["version"] for row in csv.DictReader(file)}


def keep(question: str, proved: str, record: Path = PROVED) -> None:
    """Add a proof to those that are kept; questions that are no more fall out. Processes take turns."""
    with record.open(encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = registered([])
        rows = {name: text for name, text in {**kept(record), question: proved}.items() if name in known}
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("question", "version"), *sorted(rows.items())])
        record.write_text(text.getvalue(), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Print, for each question, the claims that were never seen failing."""
    parser = argparse.ArgumentParser(description="Search for claims that cannot fail.")
    parser.add_argument("--results", type=Path, default=Path("results/mnist-5k"), help="results/<dataset>")
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES)
    parser.add_argument("--most", type=int, default=400, help="mutants tried for a claim")
    parser.add_argument("--verbose", action="store_true", help="print under which mutant each claim failed")
    parser.add_argument("questions", nargs="*", metavar="QUESTION")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    total, sums, missing = 0, dict.fromkeys((*SOURCES, "untrained"), 0), 0
    for question, check in registered(options.questions).items():
        proof = prove(check, Evidence(options.results), options.sources, options.most)
        total += len(proof.seen) + len(proof.unseen)
        missing += len(proof.unseen)
        for kind, count in proof.by_source.items():
            sums[kind] += count
        print(f"{question}: {len(proof.seen)} of {len(proof.seen) + len(proof.unseen)} seen failing, ", end="")
        print(f"{proof.runs} mutants, {proof.seconds:.1f} s", flush=True)
        if options.verbose:
            print("".join(f"    {name}\n        {mutant}\n" for name, mutant in proof.seen.items()), end="")
        print("".join(f"    NEVER {name}\n" for name in proof.unseen), end="", flush=True)
    print(f"{total} claims, {missing} never seen failing; first seen by " + ", ".join(f"{k} {v}" for k, v in sums.items()))
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main())
