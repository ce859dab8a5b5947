"""Fuzz the targets: `python tests/fuzz/run.py TARGET… --runs N --seed S [--corpus DIR]`.

Each target runs in a child process of its own. With atheris inputs are guided by the coverage of fraudwatch's own
modules; without it they are seeded random mutations. Kernels are compiled with bounds checks. A failure is any
exception that leaves a target, an input that takes longer than --timeout, or a child that dies. The input is then
written to --findings, and `--input FILE` shows it again. Prints one JSON object a target; ends with 1 after a failure.
"""

import argparse
import contextlib
import faulthandler
import hashlib
import importlib.util
import io
import json
import mmap
import os
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

HERE = Path(__file__).parent
FOUND = 1
POLL_SECONDS = 0.05
LONGEST_INPUT = 1 << 20
LONGEST_SAID = 4_000


class Board:
    """What a child is doing, in memory that it shares with its parent: the count, since when, and on which input."""

    _HEAD = struct.Struct("qdq")

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, self._HEAD.size + LONGEST_INPUT)
        self.count = 0

    def begin(self, data: bytes) -> None:
        data = data[:LONGEST_INPUT]
        self._HEAD.pack_into(self._memory, 0, self.count, time.monotonic(), len(data))
        self._memory[self._HEAD.size : self._HEAD.size + len(data)] = data

    def end(self) -> None:
        self.count += 1
        self._HEAD.pack_into(self._memory, 0, self.count, 0.0, 0)

    def read(self) -> tuple[int, float, bytes]:
        """Inputs done, since when (0: none) the current one runs, and the current one."""
        count, since, length = self._HEAD.unpack_from(self._memory, 0)
        return count, since, bytes(self._memory[self._HEAD.size : self._HEAD.size + length])


def main() -> int:
    options = _options()
    is_guided = importlib.util.find_spec("atheris") is not None and not options.plain
    # Before anything imports numba: kernels with bounds checks, their machine code apart from the product's.
    os.environ["NUMBA_BOUNDSCHECK"] = "1"
    os.environ["NUMBA_CACHE_DIR"] = str(HERE.parents[1] / ".numba_cache" / "bounds_checked")
    faulthandler.register(signal.SIGUSR1)
    targets = _targets(is_guided)
    names = list(targets.SHARES) if options.targets in ([], ["all"]) else options.targets
    if options.input is not None:
        targets.make(names[0]).run(options.input.read_bytes())
        return 0
    results = [_fuzz(targets.make(name), options, is_guided) for name in names]
    return FOUND if any(result["found"] for result in results) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fuzz fraudwatch.")
    parser.add_argument("targets", nargs="*", help="names of shares.SHARES; all by default")
    parser.add_argument("--runs", type=int, help="inputs for each target; its share of the gate by default")
    parser.add_argument("--seed", type=int, default=1, help="from 1 on")
    parser.add_argument("--timeout", type=float, default=20.0, help="seconds after which an input hangs")
    parser.add_argument("--corpus", type=Path, help="directory that keeps what was worth keeping")
    parser.add_argument("--findings", type=Path, default=HERE.parents[1] / "build" / "fuzz")
    parser.add_argument("--plain", action="store_true", help="mutations only, even where atheris is")
    parser.add_argument("--input", type=Path, help="run one input and nothing else")
    return parser.parse_args()


def _targets(is_guided: bool) -> ModuleType:
    if not is_guided:
        return importlib.import_module("targets")
    import atheris  # noqa: PLC0415 - may be absent

    ours = atheris.instrument_imports(include=["fraudwatch", "planted"], exclude=_modules_with_kernels())
    with contextlib.redirect_stderr(io.StringIO()), ours:  # it names every module
        return importlib.import_module("targets")


def _modules_with_kernels() -> list[str]:
    """Numba compiles bytecode: it must be ours. (`mixing` is plain, and compiled by those who use it in a kernel.)"""
    root = HERE.parents[1]
    sources = {path: path.read_text("utf-8") for path in (root / "fraudwatch").rglob("*.py")}
    modules = (
        path for path, text in sources.items() if "fraudwatch.compiled" in text or "import numba" in text
    )
    return ["fraudwatch.mixing"] + [
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for path in modules
    ]


def _fuzz(target: Any, options: argparse.Namespace, is_guided: bool) -> dict[str, Any]:
    """Fuzz one target in a child; says what came of it."""
    runs = target.share if options.runs is None else options.runs
    board = Board()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        child = os.fork()
        if child == 0:
            _redirect_stderr(Path(scratch, "stderr"))
            faulthandler.enable()
            _child(target, board, Path(scratch), runs, options, is_guided)
        problem, shown_by, cpu_seconds = _watch(child, board, Path(scratch), options.timeout)
        said = Path(scratch, "stderr").read_text("utf-8", "replace")
    result = {
        "target": target.name,
        "engine": "atheris" if is_guided else "mutation",
        "inputs": board.read()[0],
        "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "seed": options.seed,
        "found": problem,
    }
    if problem:
        sys.stderr.write(said[-LONGEST_SAID:])
        result["input"] = _keep(target.name, shown_by, options.findings)
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
    return result


def _redirect_stderr(path: Path) -> None:
    """What the child and libFuzzer say is shown only after a failure."""
    with path.open("wb") as file:
        os.dup2(file.fileno(), 2)


def _child(
    target: Any, board: Board, scratch: Path, runs: int, options: argparse.Namespace, is_guided: bool
) -> NoReturn:
    def one(data: bytes) -> None:
        board.begin(data)
        try:
            target.run(data)
        except BaseException as error:  # noqa: BLE001 - whatever leaves a target is what is looked for
            traceback.print_exception(error)
            (scratch / "input").write_bytes(getattr(error, "input", data))
            (scratch / "problem").write_text(_said(error), "utf-8")
            os._exit(FOUND)
        board.end()

    engine: Callable[..., None] = guided if is_guided else mutated
    engine(one, target, runs, options.seed, scratch, options.corpus)
    os._exit(0)


def guided(
    one: Callable[[bytes], None], target: Any, runs: int, seed: int, scratch: Path, corpus: Path | None
) -> None:
    """libFuzzer on the coverage of fraudwatch; does not return."""
    import atheris  # noqa: PLC0415 - may be absent

    grown = corpus / target.name if corpus is not None else scratch / "grown"
    seeds = scratch / "seeds"
    for directory in (grown, seeds):
        directory.mkdir(parents=True, exist_ok=True)
    for number, seed_input in enumerate(target.seeds):
        (seeds / f"{number:04}").write_bytes(seed_input)
    words = scratch / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words), "ascii")
    arguments = [
        *("fuzz", f"-runs={runs}", f"-seed={seed}", f"-max_len={target.longest}", "-len_control=0"),
        *(f"-dict={words}", "-rss_limit_mb=0", "-verbosity=0", "-detect_leaks=0"),
        # A signal is to end the child as it would end a worker; faulthandler says where it was.
        *(f"-handle_{name}=0" for name in ("abrt", "bus", "fpe", "ill", "segv")),
        *(f"-artifact_prefix={scratch}/", str(grown), str(seeds)),
    ]
    atheris.Setup(arguments, one)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def mutated(
    one: Callable[[bytes], None], target: Any, runs: int, seed: int, scratch: Path, corpus: Path | None
) -> None:
    """The seeds, then random changes to them: always the same for a seed."""
    import mutation  # noqa: PLC0415 - beside this file

    for data in mutation.inputs(target.seeds, target.words, target.longest, runs, seed):
        one(data)


def _watch(child: int, board: Board, scratch: Path, timeout: float) -> tuple[str | None, bytes, float]:
    """What went wrong, the input that shows it, and the seconds of one core it took."""
    while True:
        pid, status, used = os.wait4(child, os.WNOHANG)
        count, since, current = board.read()
        if pid:
            break
        if since and time.monotonic() - since > timeout:
            os.kill(child, signal.SIGUSR1)  # says where it is
            time.sleep(POLL_SECONDS)
            os.kill(child, signal.SIGKILL)
            _, _, used = os.wait4(child, 0)
            return f"more than {timeout:g} s on one input, after {count}", current, used.ru_utime
        time.sleep(POLL_SECONDS)
    code, cpu_seconds = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
    if code == 0:
        return None, b"", cpu_seconds
    if (scratch / "problem").exists():
        return (scratch / "problem").read_text("utf-8"), (scratch / "input").read_bytes(), cpu_seconds
    ended_by = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"ended by {ended_by}", current, cpu_seconds


def _said(error: BaseException) -> str:
    cause = error.__cause__ if error.__cause__ is not None and hasattr(error, "input") else error
    return "".join(traceback.format_exception_only(cause)).strip()[:300]


def _keep(name: str, data: bytes, findings: Path) -> str:
    findings.mkdir(parents=True, exist_ok=True)
    path = findings / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    sys.stderr.write(f"{name}: {data[:400]!r}\nAgain: python tests/fuzz/run.py {name} --input {path}\n")
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
