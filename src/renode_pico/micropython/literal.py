"""Values as MicroPython's repr() writes them."""

from __future__ import annotations

import ast


def parse_literal(text: str) -> object:
    """Return the value of a literal; beyond Python's own, bytearray(b'...') anywhere in it. Raises ValueError."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ValueError(text) from error
    return _value(tree)


def _value(node: ast.expr) -> object:
    match node:
        case ast.Tuple(elts=elements):
            return tuple(_value(element) for element in elements)
        case ast.List(elts=elements):
            return [_value(element) for element in elements]
        case ast.Set(elts=elements):
            return {_value(element) for element in elements}
        case ast.Dict(keys=keys, values=values):
            return {_value(key): _value(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case ast.Call(func=ast.Name(id="bytearray"), args=[argument], keywords=[]):
            content = ast.literal_eval(argument)
            if isinstance(content, bytes):
                return bytearray(content)
            raise ValueError(ast.unparse(node))
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return set()
        case _:
            value: object = ast.literal_eval(node)
            return value
