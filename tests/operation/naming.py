"""Which acts the source can record, found by reading it."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import neighborhood_api

SOURCE = Path(neighborhood_api.__file__).parent
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Reader:
    """Reads which acts one file records, however their names come to the call."""

    module: ModuleType
    functions: list[Function]

    def acts(self) -> Iterator[str]:
        """Give each name; of what is put together, the parts that vary are a star."""
        for function in self.functions:
            for call in _calls(function, "record_act"):
                yield from self._read(function, call.args[1])
            for call in _calls(function, "Act"):
                given = {one.arg: one.value for one in call.keywords}
                yield from self._read(function, given["what"])

    def _read(self, function: Function, name: ast.expr) -> Iterator[str]:
        match name:
            case ast.Constant(value=str(text)):
                yield text
            case ast.IfExp(body=one, orelse=other):
                yield from self._read(function, one)
                yield from self._read(function, other)
            case ast.JoinedStr(values=parts):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts
                )
            case ast.Attribute(value=ast.Name(id=event), attr="name"):
                yield self._event(function, event).name
            case ast.Name(id=variable):
                yield from self._variable(function, variable)
            case _:
                raise AssertionError(f"{self.module.__name__}: {ast.unparse(name)}")

    def _event(self, function: Function, name: str) -> Any:  # noqa: ANN401  (a class)
        for value in _assigned(function, name):
            if isinstance(value, ast.Call):
                return getattr(self.module, ast.unparse(value.func))
        return getattr(self.module, name)

    def _variable(self, function: Function, name: str) -> Iterator[str]:
        values = list(_assigned(function, name))
        for value in values:
            yield from self._read(function, value)
        arguments = [one.arg for one in function.args.args]
        if name in arguments:
            at = arguments.index(name)
            for caller in self.functions:
                for call in _calls(caller, function.name):
                    yield from self._read(caller, call.args[at])
        elif not values:
            yield getattr(self.module, name)


def acts_by_file() -> dict[str, set[str]]:
    """Return what acts each file records."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text()
        if path.name == "acts.py" or "record_act(" not in text:
            continue
        inside = path.relative_to(SOURCE.parent).with_suffix("").parts
        functions = [one for one in ast.walk(ast.parse(text)) if isinstance(one, Function)]
        reader = Reader(importlib.import_module(".".join(inside)), functions)
        found["/".join(inside[1:])] = set(reader.acts())
    return found


def _calls(inside: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(inside):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
            yield node


def _assigned(function: Function, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            yield node.value
