"""Straight-line code over columns: each line writes its result into a buffer, and buffers are used again.

A line's result goes straight into the result array that it is for; any other into a buffer whose value nobody needs
any more: a result array that has yet to be written, or one of as few temporaries as possible. Inputs are never
written to. Truths have buffers of their own, a byte an entry.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gradcli.systems.source import Code, Source

COMPARISONS = frozenset(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"))
"""Words whose results are truths."""

SAME = {"larger": "maximum", "smaller": "minimum", "round": "rint", "abs": "absolute"}
"""Words of the op table → ufuncs that take where to write as their last argument."""

KEYWORD = frozenset(("maximum", "minimum"))
"""Ufuncs that are to be told by keyword where to write."""

CHOICE, PRODUCT, BOUND = "where", "multiply", "relu"
"""Words that are written as several calls, or differently on truths."""


@dataclass(frozen=True)
class Written:
    """Code that fills columns.

    lines: of a function's body.   temporaries, truths: how many buffers of each kind it needs.
    """

    lines: list[str]
    temporaries: int
    truths: int


@dataclass
class Writer:
    """The code of some results, and of what has to hold, which is gathered in `ok`.

    m: what was computed.   safe: words that may write over their arguments, as ufuncs may.
    """

    m: Source
    results: Sequence[Code]
    sound: Sequence[Code]
    safe: Collection[str]

    def __post_init__(self) -> None:
        self.order = self.ordered()
        self.rank = {i: at for at, i in enumerate(self.order)}
        self.lines: list[str] = []
        self.where: dict[int, str] = {}  # line → the buffer that holds its value
        self.truths: set[int] = set()  # lines whose values are truths
        self.homes: dict[int, list[str]] = {}  # line → the result arrays that it is for
        self.last: dict[int, int] = {}  # line → the place in the order where it is read last
        self.conditions = {code.index for code in self.sound}
        self.free: dict[str, list[str]] = {"t": [], "b": []}
        self.made = {"t": 0, "b": 0}
        self.ends: dict[str, int] = {}  # result array → the place where it is written, until when it may be used
        self.open: list[tuple[int, str]] = []  # those that may, by that place

    def written(self) -> Written:
        """The code."""
        m = self.m
        for at, i in enumerate(self.order):
            for part in m.lines[i].parts:
                if part.value is None:
                    self.last[part.index] = at
        ends = len(m.lines)
        for k, code in enumerate(self.results):
            name = f"o{k}"
            if code.value is None and m.lines[code.index].parts:
                self.homes.setdefault(code.index, []).append(name)
            self.ends[name] = ends
        for i, names in self.homes.items():
            self.ends[names[0]] = self.rank[i]
        self.open = sorted((end, name) for name, end in self.ends.items())
        for i in self.order:
            self.line(i)
        for k, code in enumerate(self.results):
            if code.value is not None or not m.lines[code.index].parts:
                self.lines.append(f"copyto(o{k}, {self.text(code)})")
        for first, *others in self.homes.values():
            self.lines += [f"copyto({other}, {first})" for other in others]
        if any(code.value is not None for code in self.sound):  # it never holds
            self.lines.append("copyto(ok, False)")
        return Written(self.lines, self.made["t"], self.made["b"])

    def ordered(self) -> list[int]:
        """The lines that are needed, those of conditions as soon as they can be."""
        lines, wanted = self.m.lines, self.m.uses(self.results)
        needed = [i for i, used in enumerate(self.m.uses([*self.results, *self.sound])) if used]
        after: dict[int, int] = {}
        for i in needed:
            behind = [after[part.index] for part in lines[i].parts if part.value is None]
            after[i] = i if wanted[i] else max(behind, default=i)
        return sorted(needed, key=lambda i: (after[i], i))

    def text(self, code: Code) -> str:
        """How a value is written as an argument."""
        return self.m.dialect.number(code.value) if code.value is not None else self.where[code.index]

    def truth(self, code: Code) -> bool:
        """Whether a value is a truth, or a number that stands for one."""
        return code.value in (0.0, 1.0) if code.value is not None else code.index in self.truths

    def line(self, i: int) -> None:
        """The calls of a line."""
        pattern, parts = self.m.lines[i]
        if not parts:
            self.where[i] = pattern
            return
        word = pattern.partition("(")[0]
        computed = [part for part in parts if part.value is None]
        kind = "b" if word in COMPARISONS or self.logical(word, parts) else "t"
        if kind == "b":
            self.truths.add(i)
        out = self.place(i, kind, word, parts)
        if word == CHOICE:
            self.choice(out, parts, kind)
        elif word == PRODUCT and kind == "b":
            self.lines.append(f"logical_and({self.text(parts[0])}, {self.text(parts[1])}, {out})")
        elif word == BOUND:
            self.lines.append(f"maximum({self.text(parts[0])}, 0.0, out={out})")
        else:
            word = SAME.get(word, word)
            mixed = kind == "t" and word in self.safe and any(part.index in self.truths for part in computed)
            where = f"out={out}" if word in KEYWORD else out
            arguments = ", ".join([*map(self.text, parts), where, *(["dtype=float64"] if mixed else [])])
            self.lines.append(f"{word}({arguments})")
        self.where[i] = out
        self.finish(i, computed)

    def logical(self, word: str, parts: Sequence[Code]) -> bool:
        """Whether a product or a choice of truths is one itself."""
        if word == PRODUCT:
            return all(part.index in self.truths for part in parts)
        return word == CHOICE and all(map(self.truth, parts[1:]))

    def choice(self, out: str, parts: Sequence[Code], kind: str) -> None:
        """The branch taken: the other one everywhere first, then this one where the condition holds."""
        condition, taken, other = parts
        test = self.text(condition)
        if condition.index not in self.truths:
            test = self.take("b")
            self.lines.append(f"not_equal({self.text(condition)}, 0.0, {test})")
            self.free["b"].append(test)
        one, two = [
            str(bool(code.value)) if kind == "b" and code.value is not None else self.text(code)
            for code in (taken, other)
        ]
        if two != out:
            self.lines.append(f"copyto({out}, {two})")
        self.lines.append(f"copyto({out}, {one}, where={test})")

    def place(self, i: int, kind: str, word: str, parts: Sequence[Code]) -> str:
        """The buffer for a line's result."""
        home = self.homes.get(i, [""])[0]
        if home and kind == "t":
            return home
        at = self.rank[i]
        last = self.last.get(i, at)
        over = parts[2:] if word == CHOICE else parts if word in self.safe or SAME.get(word) in self.safe else ()
        for part in over:  # in place of an argument that is read here for the last time
            held = self.where.get(part.index, "")
            if held and self.last[part.index] == at and self.fits(held, kind, last):
                return held
        return self.take(kind, last)

    def fits(self, held: str, kind: str, last: int) -> bool:
        """Whether a buffer is of a kind, and may be used until a line."""
        return held[0] == kind or (kind == "t" and self.ends.get(held, -1) > last)

    def take(self, kind: str, last: int = 0) -> str:
        """A buffer that is free until a line."""
        if kind == "t":
            first = bisect_left(self.open, (last + 1, ""))
            if first < len(self.open):
                return self.open.pop(first)[1]
        if self.free[kind]:
            return self.free[kind].pop()
        name = f"{kind}{self.made[kind]}"
        self.made[kind] += 1
        return name

    def finish(self, i: int, computed: Sequence[Code]) -> None:
        """What becomes of a result at once; and the buffers that are free now."""
        home = self.homes.get(i, ())[:1]
        self.lines += [f"copyto({name}, {self.where[i]})" for name in home if i in self.truths]
        for name in home:
            at = bisect_left(self.open, (self.ends[name], name))
            del self.open[at : at + (self.open[at : at + 1] == [(self.ends[name], name)])]
        if i in self.conditions:
            self.condition(i)
        at = self.rank[i]
        dying = {part.index for part in computed if self.last[part.index] == at}
        if i not in self.last:
            dying.add(i)
        for index in dying:
            held = self.where[index]
            if held == self.where[i] and index != i:
                continue  # written over
            if not self.m.lines[index].parts or (index in self.homes and index not in self.truths):
                continue
            self.release(held)

    def release(self, held: str) -> None:
        """A buffer that nobody reads any more."""
        if held[0] in self.free:
            self.free[held[0]].append(held)
        else:
            insort(self.open, (self.ends[held], held))

    def condition(self, i: int) -> None:
        """One more thing that has to hold."""
        if i in self.truths:
            self.lines.append(f"logical_and(ok, {self.where[i]}, ok)")
            return
        test = self.take("b")
        self.lines.append(f"not_equal({self.where[i]}, 0.0, {test})")
        self.lines.append(f"logical_and(ok, {test}, ok)")
        self.free["b"].append(test)
