"""The varying parts of many names of one layout: 'walk_P1', 'going_up_P2' -> an activity, '_P', a number."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from factory.data.guess.path_words import Kind, Token, tokens

_MOST_FIXED = 5
"""Tokens at either end that may be fixed where names have different numbers of them."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of all names: the same text in each, or one that varies.

    Attributes:
        texts: Per name; one text for all if it is fixed.
        kinds: Per name what the text looks like; empty for fixed text.
    """

    texts: tuple[str, ...]
    kinds: tuple[Kind, ...] = field(default=())

    @property
    def fixed(self) -> bool:
        """Whether it is the same text in every name."""
        return not self.kinds

    @property
    def distinct(self) -> int:
        """Number of different texts."""
        return len(set(self.texts))


def split_parts(names: Sequence[str]) -> list[Part]:
    """Fixed and varying parts of names, in order; texts of all parts, joined, are the names.

    Args:
        names: One component of the path of each file, without suffix; not empty.
    """
    if len(set(names)) == 1:
        return [Part((names[0],))]
    if key := _key(names):
        return [Part((key,)), Part(tuple(name.removeprefix(key) for name in names), _value_kinds(names, key))]
    if tail := _tail(names):
        return [*split_parts([name.removesuffix(tail) for name in names]), Part((tail,))]
    unique = list(dict.fromkeys(names))
    best = min(_candidates(unique), key=lambda candidate: _cost(*candidate))[0]
    place = {name: index for index, name in enumerate(unique)}
    at = [place[name] for name in names]
    return [
        part if part.fixed else Part(tuple(part.texts[i] for i in at), tuple(part.kinds[i] for i in at))
        for part in best
    ]


def _key(names: Sequence[str]) -> str | None:
    """'user=' where every name is 'user=...'."""
    key, sign, _ = names[0].partition("=")
    start = key + sign
    return start if sign and key and all(n.startswith(start) and len(n) > len(start) for n in names) else None


def _tail(names: Sequence[str]) -> str | None:
    """'RAW' where every name is '...RAW', glued to lower case or digits."""
    found = {tail[0] if (tail := re.search(r"(?<=[a-z\d])[A-Z][A-Za-z]*$", name)) else "" for name in names}
    return found.pop() or None if len(found) == 1 else None


def _value_kinds(names: Sequence[str], key: str) -> tuple[Kind, ...]:
    return tuple(_joint_kind(tokens(name.removeprefix(key), codes=True, counted_runs=False)[0]) for name in names)


def _joint_kind(found: Sequence[Token]) -> Kind:
    kinds = {token.kind for token in found}
    return kinds.pop() if len(kinds) == 1 else Kind.WORD


def _candidates(names: list[str]) -> Iterator[tuple[list[Part], bool]]:
    """Every way to lay the names beside each other, and whether mixed letters and digits were taken for codes."""
    yield [Part(tuple(names), tuple(_joint_kind(tokens(name, True, False)[0]) for name in names))], True
    seen: list[list[list[Token]]] = []
    for codes, counted_runs in product((True, False), repeat=2):
        rows = [_cells(name, codes, counted_runs) for name in names]
        if rows not in seen:
            seen.append(rows)
            for aligned in _aligned(rows):
                yield _merged(_parts(aligned)), codes


def _cells(name: str, codes: bool, counted_runs: bool) -> list[Token]:
    """Tokens whose texts and signs, joined, are the name."""
    found, tail = tokens(name, codes, counted_runs)
    if not found:
        return [Token("", name, Kind.WORD)]
    return [*found, Token(tail, "", Kind.WORD)] if tail else found


def _aligned(rows: list[list[Token]]) -> Iterator[list[list[Token]]]:
    """Rows of equal length: as they are, or with the tokens in the middle joined, or the last one left out of some."""
    lengths = {len(row) for row in rows}
    if len(lengths) == 1:
        yield rows
        return
    shortest = min(lengths)
    for left in range(min(shortest, _MOST_FIXED + 1)):
        for right in range(min(shortest - left, _MOST_FIXED + 1)):
            yield [_middle(row, left, right) for row in rows]
    if lengths == {shortest, shortest + 1} and all(
        row[-1].before and row[-1].kind in (Kind.NUMBER, Kind.STAMP) for row in rows if len(row) > shortest
    ):
        yield [_with_tail(row, len(row) > shortest) for row in rows]


def _middle(row: list[Token], left: int, right: int) -> list[Token]:
    inner = row[left : len(row) - right]
    joined = replace(inner[0], text=inner[0].text + _text(inner[1:]), kind=_joint_kind(inner))
    return [*row[:left], joined, *row[len(row) - right :]]


def _with_tail(row: list[Token], present: bool) -> list[Token]:
    """Its last token with the sign in front of it, or an empty one."""
    if not present:
        return [*row, Token("", "", Kind.NUMBER)]
    return [*row[:-1], Token("", row[-1].before + row[-1].text, row[-1].kind)]


def _text(row: Sequence[Token]) -> str:
    return "".join(token.before + token.text for token in row)


def _parts(rows: list[list[Token]]) -> list[Part]:
    """Fixed and varying parts of rows of equal length; where signs differ, they belong to the text."""
    parts: list[Part] = []
    for column in zip(*rows, strict=True):
        signs, texts = {token.before for token in column}, {token.text for token in column}
        kinds = tuple(token.kind for token in column)
        if len(signs) > 1:
            whole = Part(tuple(token.before + token.text for token in column), kinds)
            parts = [*parts[:-1], _join([parts[-1], whole])] if parts and not parts[-1].fixed else [*parts, whole]
            continue
        parts += [Part((column[0].before,))] if column[0].before else []
        parts.append(Part((column[0].text,)) if len(texts) == 1 else Part(tuple(t.text for t in column), kinds))
    return _fixed_joined([part for part in parts if part.texts != ("",)])


def _fixed_joined(parts: list[Part]) -> list[Part]:
    joined: list[Part] = []
    for part in parts:
        if joined and part.fixed and joined[-1].fixed:
            joined[-1] = Part((joined[-1].texts[0] + part.texts[0],))
        else:
            joined.append(part)
    return joined


def _join(parts: Sequence[Part]) -> Part:
    """Several parts as one that varies."""
    count = max(len(part.texts) for part in parts)
    texts = zip(*(part.texts * count if part.fixed else part.texts for part in parts), strict=True)
    kinds = zip(*(part.kinds for part in parts if not part.fixed), strict=True)
    return Part(
        tuple("".join(text) for text in texts),
        tuple(kind[0] if len(set(kind)) == 1 else Kind.WORD for kind in kinds),
    )


def _merged(parts: list[Part]) -> list[Part]:
    """Neighbours that are one thing, joined: 'open'_'door', 'C'01, '1'_'walk'."""
    at = 0
    while at < len(parts):
        if parts[at].fixed:
            at += 1
            continue
        following = next((i for i in range(at + 1, min(at + 3, len(parts))) if not parts[i].fixed), None)
        if following is not None and _one_thing(parts[at], parts[following], following == at + 1):
            kinds = set(parts[at].kinds) | set(parts[following].kinds)
            joined = _join(parts[at : following + 1])
            if Kind.LABEL in kinds:
                joined = replace(joined, kinds=(Kind.LABEL,) * len(joined.kinds))
            parts = [*parts[:at], joined, *parts[following + 1 :]]
            at = 0
        else:
            at += 1
    return parts


def _one_thing(first: Part, second: Part, adjacent: bool) -> bool:
    together = len(set(zip(first.texts, second.texts, strict=True)))
    kinds = set(first.kinds), set(second.kinds)
    if adjacent and kinds == ({Kind.WORD}, {Kind.NUMBER}) and max(map(len, first.texts)) <= 2:
        return True
    if kinds[0] == kinds[1] == {Kind.WORD}:
        return together == max(first.distinct, second.distinct)
    if kinds[0] == {Kind.LABEL} and kinds[1] <= {Kind.WORD, Kind.PLACE} and Kind.WORD in kinds[1]:
        return together == first.distinct == second.distinct < len(first.texts)
    if kinds in (({Kind.NUMBER}, {Kind.LABEL}), ({Kind.LABEL}, {Kind.NUMBER})):
        return together == first.distinct == second.distinct > 2 and len(first.texts) == together
    return False


def _cost(parts: list[Part], codes: bool) -> float:
    """Small where a few different texts, each of one kind, make all names."""
    total = 0.0
    for part in parts:
        if part.fixed:
            total -= 0.01 * len(part.texts[0])
            continue
        kinds = {kind: sum(other is kind for other in part.kinds) for kind in set(part.kinds)}
        stamps = len({text for text, kind in zip(part.texts, part.kinds, strict=True) if codes and kind is Kind.STAMP})
        total += 0.6 + part.distinct - stamps + bool(stamps)
        usual = max(kinds, key=lambda kind: kinds[kind])
        weak = set(kinds) <= {Kind.WORD, Kind.LABEL}
        total += (0.1 if weak else 1.0) * (len(part.kinds) - kinds[usual])
        total += sum(_hidden(text, kind) for text, kind in set(zip(part.texts, part.kinds, strict=True)))
    return total


def _hidden(text: str, kind: Kind) -> float:
    """What it costs that a text of no kind of its own holds something known."""
    if kind is not Kind.WORD:
        return 0.0
    known = {token.kind for token in tokens(text, codes=True, counted_runs=True)[0]} - {Kind.WORD}
    return 1.0 if known == {Kind.LABEL} else 2.0 * bool(known)
