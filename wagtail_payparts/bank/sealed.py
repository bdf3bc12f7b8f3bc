"""Text and bytes that keep themselves out of reprs, and so out of tracebacks and error reports."""

from __future__ import annotations


class SealedStr(str):
    """A secret. Equal to the text it holds and used like it; only its ``repr`` says nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class SealedBytes(bytes):
    """A body that holds secrets, safe as a local variable of requests and urllib3 when they raise."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'***'"
