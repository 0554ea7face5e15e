"""
The expressions of security rules: a useful part of the language, read once and asked often.

Known are `|| && ! == != === !== < <= > >= + -`, parentheses, literals, `auth`, `now`, `root`,
`data`, `newData`, the `$` names of the path, and the methods of `METHODS`; see
https://firebase.google.com/docs/reference/security/database. Unknown words are a `SyntaxError`
when the rules are set, and a clash of types is an `Unfit`, which counts as "no".
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ingestor.sandbox.rtdb.keys import Path
from ingestor.sandbox.rtdb.nodes import Branch, priority_of, scalar_of
from ingestor.sandbox.rtdb.tree import Tree

# Values of a language with dynamic types: scalars, None, auth's dicts, snapshots.
Value: TypeAlias = Any
Scope: TypeAlias = Mapping[str, Value]
Expression: TypeAlias = Callable[[Scope], Value]

TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?)
      | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<name>[$A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>===|!==|==|!=|<=|>=|&&|\|\||[<>!()+\-.,\[\]])
      )""",
    re.VERBOSE,
)
ROOTS: Final = frozenset({"auth", "now", "root", "data", "newData"})
LITERALS: Final[Mapping[str, Value]] = {"true": True, "false": False, "null": None}


class Unfit(Exception):
    """An operation on values of the wrong type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A location as rules see it."""

    tree: Tree
    path: Path

    def child(self, path: str) -> "Snapshot":
        keys = tuple(key for key in path.split("/") if key)
        return Snapshot(tree=self.tree, path=self.path + keys)

    def parent(self) -> "Snapshot":
        return Snapshot(tree=self.tree, path=self.path[:-1])

    def val(self) -> Value:
        """A scalar; for a branch something that equals nothing else."""
        node = self.tree.at(self.path)
        return node if isinstance(node, Branch) else scalar_of(node)

    def exists(self) -> bool:
        return self.tree.at(self.path) is not None

    def keys(self) -> frozenset[str]:
        node = self.tree.at(self.path)
        return frozenset(node.children) if isinstance(node, Branch) else frozenset()


def _has_children(snapshot: Snapshot, names: "list[str] | None" = None) -> bool:
    keys = snapshot.keys()
    return bool(keys) if names is None else keys.issuperset(names)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(left: Value, right: Value) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


METHODS: Final[Mapping[tuple[type, str], Callable[..., Value]]] = {
    (Snapshot, "val"): Snapshot.val,
    (Snapshot, "exists"): Snapshot.exists,
    (Snapshot, "child"): Snapshot.child,
    (Snapshot, "parent"): Snapshot.parent,
    (Snapshot, "hasChild"): lambda at, path: at.child(path).exists(),
    (Snapshot, "hasChildren"): _has_children,
    (Snapshot, "isString"): lambda at: isinstance(at.val(), str),
    (Snapshot, "isNumber"): lambda at: _is_number(at.val()),
    (Snapshot, "isBoolean"): lambda at: isinstance(at.val(), bool),
    (Snapshot, "getPriority"): lambda at: priority_of(at.tree.at(at.path)),
    (str, "contains"): lambda text, part: part in text,
    (str, "beginsWith"): str.startswith,
    (str, "endsWith"): str.endswith,
    (str, "replace"): str.replace,
    (str, "toLowerCase"): str.lower,
    (str, "toUpperCase"): str.upper,
}
METHOD_NAMES: Final = frozenset(name for _, name in METHODS)

COMPARISONS: Final[Mapping[str, Callable[[Value, Value], Value]]] = {
    "==": _same,
    "===": _same,
    "!=": lambda left, right: not _same(left, right),
    "!==": lambda left, right: not _same(left, right),
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def parsed(text: str) -> Expression:
    """Read one expression. Raises `SyntaxError` with a sentence."""
    reader = _Reader(text)
    expression = reader.either()
    reader.expect("end")
    return expression


class _Reader:
    """Recursive descent; each method reads what binds tighter than its caller's sign."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.kind = ""
        self.word = ""
        self._advance()

    def either(self) -> Expression:
        left = self._both()
        while self._took("||"):
            left = _or(left, self._both())
        return left

    def expect(self, word: str) -> None:
        if word == "end" and self.kind == "end":
            return
        if not self._took(word):
            raise SyntaxError(f"expected {word!r} near {self.word!r} in {self._text!r}")

    def _both(self) -> Expression:
        left = self._compared()
        while self._took("&&"):
            left = _and(left, self._compared())
        return left

    def _compared(self) -> Expression:
        left = self._added()
        if self.kind == "sign" and self.word in COMPARISONS:
            compare = COMPARISONS[self.word]
            self._advance()
            return _applied(compare, left, self._added())
        return left

    def _added(self) -> Expression:
        left = self._negated()
        while self.kind == "sign" and self.word in "+-":
            sign = operator.add if self.word == "+" else operator.sub
            self._advance()
            left = _applied(sign, left, self._negated())
        return left

    def _negated(self) -> Expression:
        if self._took("!"):
            return _not(self._negated())
        return self._member(self._primary())

    def _primary(self) -> Expression:
        kind, word = self.kind, self.word
        if self._took("("):
            inner = self.either()
            self.expect(")")
            return inner
        if self._took("["):
            return self._list(closing="]")
        self._advance()
        if kind == "number":
            return _constant(float(word))
        if kind == "string":
            return _constant(re.sub(r"\\(.)", r"\1", word[1:-1]))
        if kind == "name" and word in LITERALS:
            return _constant(LITERALS[word])
        if kind == "name" and (word in ROOTS or word.startswith("$")):
            return lambda scope: scope[word]
        raise SyntaxError(f"the sandbox does not understand {word!r} in {self._text!r}")

    def _member(self, owner: Expression) -> Expression:
        while self._took("."):
            name = self.word
            self._advance()
            if self._took("("):
                if name not in METHOD_NAMES:
                    raise SyntaxError(f"the sandbox does not know the method {name!r}")
                owner = _called(owner, name, self._list(closing=")"))
            else:
                owner = _field(owner, name)
        return owner

    def _list(self, *, closing: str) -> Expression:
        items: list[Expression] = []
        while not self._took(closing):
            if items:
                self.expect(",")
            items.append(self.either())
        return lambda scope: [item(scope) for item in items]

    def _took(self, sign: str) -> bool:
        if self.kind == "sign" and self.word == sign:
            self._advance()
            return True
        return False

    def _advance(self) -> None:
        rest = self._text[self._at :]
        if not rest.strip():
            self.kind, self.word = "end", "end"
            return
        match = TOKEN.match(rest)
        if match is None or match.lastgroup is None:
            raise SyntaxError(f"unexpected characters near {rest.strip()[:20]!r}")
        self._at += match.end()
        self.kind, self.word = match.lastgroup, match[match.lastgroup]


def _constant(value: Value) -> Expression:
    return lambda _: value


def _or(left: Expression, right: Expression) -> Expression:
    return lambda scope: _truth(left(scope)) or _truth(right(scope))


def _and(left: Expression, right: Expression) -> Expression:
    return lambda scope: _truth(left(scope)) and _truth(right(scope))


def _not(inner: Expression) -> Expression:
    return lambda scope: not _truth(inner(scope))


def _truth(value: Value) -> bool:
    if not isinstance(value, bool):
        raise Unfit
    return value


def _applied(
    combine: Callable[[Value, Value], Value], left: Expression, right: Expression
) -> Expression:
    def apply(scope: Scope) -> Value:
        try:
            return combine(left(scope), right(scope))
        except TypeError:
            raise Unfit from None

    return apply


def _field(owner: Expression, name: str) -> Expression:
    def look(scope: Scope) -> Value:
        value = owner(scope)
        if isinstance(value, str) and name == "length":
            return len(value)
        if isinstance(value, Mapping):
            return value.get(name)
        raise Unfit

    return look


def _called(owner: Expression, name: str, arguments: Expression) -> Expression:
    def call(scope: Scope) -> Value:
        value = owner(scope)
        method = METHODS.get((type(value), name))
        if method is None:
            raise Unfit
        try:
            return method(value, *arguments(scope))
        except (TypeError, AttributeError):
            raise Unfit from None

    return call
