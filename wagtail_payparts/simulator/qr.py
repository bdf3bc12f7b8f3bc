"""QR codes of the payment page (payparts-api §8): ISO/IEC 18004, always version 5, level L and mask 0."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .incoming import Refused
from .ledger import Ledger
from .wire import kopecks


UNKNOWN_TOKEN = "INCORRECT TOKEN OR PAYMENT DOES NOT EXIST"  # noqa: S105
SIZE = 37
QUIET = 4
DATA_BYTES, CORRECTION_BYTES = 108, 26
LONGEST_TEXT = 106
# Level L and mask 0 with their own error correction, the lowest bit first.
FORMAT = [0x77C4 >> place & 1 for place in range(15)]
SMALLEST_PICTURE, LARGEST_PICTURE, PICTURE = SIZE + 2 * QUIET, 1000, 225

Modules = dict[tuple[int, int], int]


class QrCodes:
    """``page`` gives the address of the payment page, which is known once the server listens."""

    def __init__(self, *, ledger: Ledger, page: Callable[[], str]) -> None:
        self._ledger = ledger
        self._page = page

    def generate(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Raises ``Refused``."""
        payment = self._ledger.by_token(query.get("token", ""))
        if payment is None or not _is_amount(query.get("amount"), payment.kopecks):
            raise Refused(UNKNOWN_TOKEN)
        size = query.get("size") or str(PICTURE)
        if not size.isascii() or not size.isdigit() or not SMALLEST_PICTURE <= int(size) <= LARGEST_PICTURE:
            raise Refused(f"size must be from {SMALLEST_PICTURE} to {LARGEST_PICTURE}")
        address = f"{self._page()}?token={payment.token}"
        if len(address) > LONGEST_TEXT:
            raise Refused("the simulator's own address is too long for its QR code")
        picture = png(modules(address), int(size))
        return {"qr": base64.b64encode(picture).decode("ascii"), "state": "SUCCESS"}


def _is_amount(text: object, expected: int) -> bool:
    """The document wants an amount and leaves it out of its own example."""
    try:
        return text is None or kopecks(text) == expected
    except ValueError:
        return False


def modules(text: str) -> Modules:
    """Row and column to 1 where it is dark. Takes up to ``LONGEST_TEXT`` ASCII characters."""
    drawn = _patterns()
    content = _codewords(text.encode("ascii"))
    bits = (byte >> place & 1 for byte in content for place in range(7, -1, -1))
    for row, column in _way():
        if (row, column) not in drawn:
            drawn[row, column] = next(bits, 0) ^ (row + column + 1) % 2
    return drawn


def png(drawn: Modules, size: int) -> bytes:
    """A grey picture of ``size`` × ``size`` pixels, the code in its middle."""
    scale = size // (SIZE + 2 * QUIET)
    margin = (size - scale * SIZE) // 2
    white = b"\xff" * size
    lines = []
    for row in range(SIZE):
        dots = b"".join((b"\x00" if drawn[row, column] else b"\xff") * scale for column in range(SIZE))
        lines += [(b"\xff" * margin + dots).ljust(size, b"\xff")] * scale
    picture = [white] * margin + lines
    picture += [white] * (size - len(picture))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(b"".join(b"\x00" + line for line in picture))),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _patterns() -> Modules:
    """What is the same in every code: finders, alignment, timing, format."""
    drawn: Modules = {}
    for top, left in ((0, 0), (0, SIZE - 7), (SIZE - 7, 0)):
        _square(drawn, top + 3, left + 3, dark={0, 1, 3}, reach=4)
    _square(drawn, SIZE - 7, SIZE - 7, dark={0, 2}, reach=2)
    for place in range(8, SIZE - 8):
        drawn[6, place] = drawn[place, 6] = (place + 1) % 2
    beside_first = [*((row, 8) for row in (0, 1, 2, 3, 4, 5, 7, 8)), *((8, column) for column in (7, 5, 4, 3, 2, 1, 0))]
    beside_others = [*((8, SIZE - 1 - place) for place in range(8)), *((SIZE - 7 + place, 8) for place in range(7))]
    drawn |= dict(zip(beside_first, FORMAT, strict=True)) | dict(zip(beside_others, FORMAT, strict=True))
    drawn[SIZE - 8, 8] = 1
    return drawn


def _square(drawn: Modules, middle_row: int, middle_column: int, *, dark: set[int], reach: int) -> None:
    """Rings around a middle: those in ``dark`` are dark."""
    for row in range(middle_row - reach, middle_row + reach + 1):
        for column in range(middle_column - reach, middle_column + reach + 1):
            if 0 <= row < SIZE and 0 <= column < SIZE:
                ring = max(abs(row - middle_row), abs(column - middle_column))
                drawn[row, column] = int(ring in dark)


def _way() -> Iterator[tuple[int, int]]:
    """The way that the bits take: pairs of columns from the right, up and down in turn, around column 6."""
    for number, right in enumerate([*range(SIZE - 1, 6, -2), 5, 3, 1]):
        rows = range(SIZE) if number % 2 else range(SIZE - 1, -1, -1)
        for row in rows:
            yield row, right
            yield row, right - 1


def _codewords(text: bytes) -> list[int]:
    """The text with its length, padded, and its error correction."""
    # Four bits say that bytes follow, eight how many; four zero bits end the text.
    bits = f"0100{len(text):08b}" + "".join(f"{byte:08b}" for byte in text) + "0000"
    content = [int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)]
    content += [0xEC if place % 2 == 0 else 0x11 for place in range(DATA_BYTES - len(content))]
    return content + correction(content)


def correction(content: list[int]) -> list[int]:
    """The remainder of Reed and Solomon."""
    divisor = [1]
    root = 1
    for _ in range(CORRECTION_BYTES):
        divisor = [left ^ times(right, root) for left, right in zip([*divisor, 0], [0, *divisor], strict=True)]
        root = times(root, 2)
    rest = [*content, *[0] * CORRECTION_BYTES]
    for place in range(len(content)):
        factor = rest[place]
        for offset, coefficient in enumerate(divisor):
            rest[place + offset] ^= times(coefficient, factor)
    return rest[len(content) :]


def times(left: int, right: int) -> int:
    """The product in the field of 256 elements."""
    product = 0
    for place in range(7, -1, -1):
        product = product << 1 ^ (product >> 7) * 0x11D
        product ^= (right >> place & 1) * left
    return product
