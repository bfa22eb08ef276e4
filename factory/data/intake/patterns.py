"""Paths with named parts: '{label}_{subject}/*.csv'."""

import re
from collections.abc import Mapping
from functools import lru_cache

from factory.contracts.errors import RecipeError

_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<name>[a-z_]+)(?::(?P<form>[^{}]+))?\}|\[(?P<set>[^\]]+)\]|\*\*/?|\*|\?|[{}]")


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> "re.Pattern[str]":
    """The expression that fits a whole path, with a group for each named part.

    A named part reaches as far as it can within its folder: '{label}_{subject}' splits at the last '_'.

    Raises:
        RecipeError: A brace without its mate, a name used twice, or a form that is no regular expression.
    """
    parts, place = [], 0
    for token in _TOKEN.finditer(pattern):
        parts += [re.escape(pattern[place : token.start()]), _expression(token, pattern)]
        place = token.end()
    parts.append(re.escape(pattern[place:]))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error as error:
        raise RecipeError(
            f"pattern '{pattern}' cannot be used ({error}): write parts as {{name}}, each name once"
        ) from error


def fit(pattern: str, path: str) -> dict[str, str] | None:
    """The named parts of `path`, or None if the pattern does not fit it; both with forward slashes."""
    found = compile_pattern(pattern).fullmatch(path)
    return None if found is None else found.groupdict()


def fields_of(pattern: str) -> tuple[str, ...]:
    """The names of a pattern's parts."""
    return tuple(compile_pattern(pattern).groupindex)


def is_template(text: str) -> bool:
    """Whether a column's name is made of path fields."""
    return "{" in text.replace("{{", "")


def braced(template: str) -> list[str]:
    """The fields of a template, in braces: '{subject}_{label}' has '{subject}' and '{label}'."""
    return re.findall(r"\{[a-z_]+\}", template)


def fill(template: str, fields: Mapping[str, str]) -> str:
    """A template with its fields filled in.

    Raises:
        RecipeError: A field that the path does not have; names those it has.
    """

    def value(token: "re.Match[str]") -> str:
        if token[0] in ("{{", "}}"):
            return token[0][0]
        if token["name"] is None:
            return token[0]
        if token["name"] not in fields:
            raise RecipeError(
                f"'{template}' asks for {{{token['name']}}}, the file's path has "
                f"{', '.join(sorted(fields))}: name that part in 'files'"
            )
        return fields[token["name"]]

    return _TOKEN.sub(value, template)


def _expression(token: "re.Match[str]", pattern: str) -> str:
    text = token[0]
    if token["name"]:
        return f"(?P<{token['name']}>{token['form'] or '[^/]+'})"
    if token["set"]:
        return f"[{re.escape(token['set'])}]"
    fixed = {"{{": r"\{", "}}": r"\}", "**/": r"(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if text not in fixed:
        raise RecipeError(f"pattern '{pattern}' has a lone '{text}': write {text * 2} for the sign itself")
    return fixed[text]
