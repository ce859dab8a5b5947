"""Targets with a defect put there on purpose, so that a fuzzer that finds nothing can be told from a blind one."""

import ctypes
import json
import time
from collections.abc import Callable
from typing import Any

MAKERS: dict[str, tuple[Callable[[], Any], int]] = {}


def planted(name: str) -> Callable[[Callable[[bytes], None]], Callable[[bytes], None]]:
    """Makes a function a target of that name."""

    def keep(run: Callable[[bytes], None]) -> Callable[[bytes], None]:
        MAKERS[name] = (lambda: run), 256
        return run

    return keep


@planted("planted_nothing")
def nothing(data: bytes) -> None:
    """Nothing is wrong here."""


@planted("planted_exception")
def exception(data: bytes) -> None:
    """A record that is no JSON raises."""
    json.loads(data)


@planted("planted_depth")
def depth(data: bytes) -> None:
    """Only a chain of rare inputs raises: chance alone (one in 2^32) does not find it, coverage does."""
    if data[:1] != b"\x07":
        return
    if data[1:2] != b"\xe3":
        return
    if data[2:3] != b"\x11":
        return
    if data[3:4] == b"\x9c":
        raise AssertionError("the last of four doors")


@planted("planted_hang")
def hang(data: bytes) -> None:
    """A record without a quote is never done."""
    while data and b'"' not in data:
        time.sleep(0.01)


@planted("planted_crash")
def crash(data: bytes) -> None:
    """A record without a brace reads where it may not, as a kernel without bounds checks could."""
    if data and b"{" not in data:
        ctypes.string_at(0)
