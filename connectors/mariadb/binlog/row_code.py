"""Functions that read one row of a table, written for its columns and compiled.

A row begins with a bitmap of the columns that are NULL. One function per table reads rows with any
such bitmap, bit by bit. One written for a single bitmap unpacks neighbouring columns of fixed size
together, and looks at no bits.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

BAD_VALUES = (ValueError, ArithmeticError, LookupError, struct.error, zlib.error, OSError)
Spoil = Callable[[dict[str, Any], list[tuple[str, Exception]]], None]
ReadRow = Callable[[bytes, int, bytes], tuple[Any, int]]
"""(the row, the offset after it) of data, the offset after its bitmap, and the bitmap."""


class ColumnCode(NamedTuple):
    """How one column is read.

    `code` is that of a number of fixed size in `struct`; else `value` says what the bytes mean:
    `size` of them, or as many as the `prefix` bytes in front say. Those of a `text` are UTF-8.
    """

    name: str
    code: str = ""
    size: int = 0
    prefix: int = 0
    value: Callable[[bytes], Any] = bytes
    text: bool = False


def dict_reader(columns: Sequence[ColumnCode], nulls: bytes | None, spoil: Spoil) -> ReadRow:
    """Return a function that makes a dict of a row; for rows with any bitmap without `nulls`.

    Values that cannot be read are given to `spoil`, with the row and the reason.
    """
    code = _Code(columns, is_guarded=True)
    code.read(nulls)
    made = ", ".join(
        f"{each.name!r}: {cell}" for each, cell in zip(columns, code.cells, strict=True)
    )
    code.add(f"row = {{{made}}}", "if bad:", " spoil(row, bad)", "return row, o")
    return code.compiled(spoil=spoil)


def tuple_reader(columns: Sequence[ColumnCode], nulls: bytes | None) -> ReadRow:
    """Return a function that makes a tuple of a row, which raises what a bad value raises."""
    code = _Code(columns, is_guarded=False)
    code.read(nulls)
    code.add(f"return ({', '.join(code.cells)},), o")
    return code.compiled()


class _Code:
    def __init__(self, columns: Sequence[ColumnCode], is_guarded: bool) -> None:
        self._columns = columns
        self.cells = [f"c{number}" for number in range(len(columns))]
        self._is_guarded = is_guarded
        self._lines = ["bad = None"] if is_guarded else []
        self._names: dict[str, Any] = {"BAD": BAD_VALUES}

    def add(self, *lines: str) -> None:
        self._lines += lines

    def read(self, nulls: bytes | None) -> None:
        """Read the columns one after the other from `o` on."""
        numbers = range(len(self._columns))
        if nulls is None:
            self.add("n = int.from_bytes(nulls, 'little')")
            for number in numbers:
                self.add(f"if n & {1 << number}:", f" c{number} = None", "else:")
                self._lines += [f" {line}" for line in self._values([number])]
            return
        absent = int.from_bytes(nulls, "little")
        self.cells = ["None" if absent >> n & 1 else cell for n, cell in enumerate(self.cells)]
        self._lines += self._values([number for number in numbers if not absent >> number & 1])

    def _values(self, numbers: Sequence[int]) -> list[str]:
        """The lines that read these columns, none of which is NULL."""
        lines: list[str] = []
        passed, run = 0, list[int]()
        for number in numbers:
            column = self._columns[number]
            if column.code:
                run.append(number)
                continue
            passed += self._unpack(run, passed, lines)
            if column.prefix:
                start = passed + column.prefix
                lines += [f"s = o + {start}", f"o = s + {_length(column.prefix)}"]
                passed, data = 0, "data[s:o]"
            else:
                data = f"data[o + {passed}:o + {passed + column.size}]"
                passed += column.size
            lines += self._value(number, data)
        passed += self._unpack(run, passed, lines)
        return [*lines, f"o += {passed}"] if passed else lines

    def _unpack(self, run: list[int], passed: int, lines: list[str]) -> int:
        """Read neighbours of fixed size together; how many bytes they take."""
        if not run:
            return 0
        layout = struct.Struct("<" + "".join(self._columns[number].code for number in run))
        name = f"u{run[0]}"
        self._names[name] = layout.unpack_from
        cells = ", ".join(self.cells[number] for number in run)
        lines.append(f"{cells}, = {name}(data, o + {passed})")
        run.clear()
        return layout.size

    def _value(self, number: int, data: str) -> list[str]:
        column = self._columns[number]
        if column.text:
            read = f"c{number} = str({data}, 'utf8')"
        elif column.value is bytes:
            return [f"c{number} = {data}"]
        else:
            self._names[f"f{number}"] = column.value
            read = f"c{number} = f{number}({data})"
        if not self._is_guarded:
            return [read]
        caught = f" c{number}, bad = None, [*(bad or ()), ({column.name!r}, error)]"
        return ["try:", f" {read}", "except BAD as error:", caught]

    def compiled(self, **names: Any) -> ReadRow:
        body = "".join(f" {line}\n" for line in self._lines)
        found = {**self._names, **names}
        # names of columns are in it as literals alone
        exec(f"def read(data, o, nulls):\n{body}", found)  # noqa: S102
        read: ReadRow = found["read"]
        return read


def _length(prefix: int) -> str:
    if prefix == 1:
        return "data[s - 1]"
    if prefix == 2:
        return "(data[s - 2] | data[s - 1] << 8)"
    return f"int.from_bytes(data[s - {prefix}:s], 'little')"
