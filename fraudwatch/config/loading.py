"""The configuration file, the environment and single overrides, read into checked settings.

What is set later wins: defaults, then the file, then variables FRAUDWATCH_<SECTION>__<KEY>, then overrides.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fraudwatch.config.checking import PREFIX, check, variable
from fraudwatch.config.log import with_log
from fraudwatch.config.reference import schema, table
from fraudwatch.config.rules import broken
from fraudwatch.config.settings import Section, Settings
from fraudwatch.config.tree import MOST_BYTES, Mistake, Node, is_unicode, read_tree
from fraudwatch.config.wording import SECRETS
from fraudwatch.config.writing import dump, fingerprint
from fraudwatch.errors import ConfigurationError

__all__ = ["dump", "fingerprint", "load", "schema", "table", "with_places"]

_NONE: Mapping[str, str] = MappingProxyType({})
_SCALARS = frozenset(
    field for field in Settings.__struct_fields__ if not isinstance(getattr(Settings(), field), Section)
)


def load(
    path: Path | None, environ: Mapping[str, str] = os.environ, overrides: Mapping[str, str] = _NONE
) -> Settings:
    """The settings of a file (None: the defaults), with the environment's and then the overrides on top.

    `overrides` are dotted keys (`kafka.group`) with values written as in the file. Raises ConfigurationError
    that lists every mistake: where it is, the key, what was expected and what was found.
    """
    tree, mistakes = _written(path, environ, overrides)
    mistakes += _on_command_line(tree, overrides)
    settings, wrong = check(tree)
    wrong += _two_inputs(tree)
    unread = {mistake.key for mistake in mistakes}
    mistakes += [mistake for mistake in wrong if mistake.key not in unread]
    if settings is not None and not mistakes:
        settings = with_log(settings)
        mistakes = [Mistake(_where(tree, key), key, says) for key, says in broken(settings)]
    if settings is None or mistakes:
        raise ConfigurationError(_message(mistakes))
    return settings


def with_places(
    message: str,
    path: Path | None,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, str] = _NONE,
) -> str:
    """What was found wrong with settings after they were loaded (`key: …` on each line), with where each key is.

    What only its reader can judge, such as a mapping, knows keys and no lines. A key that nobody wrote is where the
    nearest thing around it is; a message that names no section somebody wrote stays as it is.
    """
    tree, _ = _written(path, environ, overrides)
    lines = message.splitlines()
    keys = [key if _section_of(key := line.partition(": ")[0]) in tree.value else "" for line in lines]
    if not all(keys):
        return message
    says = [line.removeprefix(f"{key}: ") for line, key in zip(lines, keys, strict=True)]
    return _message([Mistake(_where(tree, key), key, said) for key, said in zip(keys, says, strict=True)])


def _written(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, str]
) -> tuple[Node, list[Mistake]]:
    """The tree of the file with the environment and then the overrides in it, and what could not be read."""
    tree, mistakes = _read(path) if path is not None else (Node({}, "defaults"), [])
    for name, text in environ.items():
        if _is_setting(name):
            mistakes += _set(tree, _key(name), text, f"variable {name}", variable=name)
    for key, text in overrides.items():
        mistakes += _set(tree, key, text, f"override {key}")
    return tree, mistakes


def _section_of(key: str) -> str:
    return key.partition(".")[0]


def _read(path: Path) -> tuple[Node, list[Mistake]]:
    """The tree of a file. Raises ConfigurationError when the file itself cannot be used."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: expected a readable configuration file; {error.strerror}. "
            "`fraudwatch config show` prints the defaults to start from."
        ) from error
    if len(content) > MOST_BYTES:
        raise ConfigurationError(f"{path}: expected at most {MOST_BYTES} bytes of configuration; found more")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: expected UTF-8; found byte {error.start} that is not") from error
    tree, mistakes = read_tree(text, lambda line: f"{path}:{line}")
    if not mistakes and not isinstance(tree.value, dict | None):
        mistakes = [Mistake(tree.where, "", "expected a mapping of sections; found a single value or a list")]
    if not isinstance(tree.value, dict):
        tree.value = {}
    return tree, mistakes


def _is_setting(name: str) -> bool:
    """Whether a variable is meant as a setting: FRAUDWATCH_DATA and its like belong to tests and tools."""
    return name.startswith(PREFIX) and ("__" in name or _key(name) in _SCALARS)


def _key(name: str) -> str:
    return name.removeprefix(PREFIX).lower().replace("__", ".")


def _set(tree: Node, key: str, text: str, where: str, variable: str | None = None) -> list[Mistake]:
    """Puts the value of a variable or override into the tree; what is not YAML (`[a`) may still be a text.

    A secret is taken as it is: YAML would end `pass #word` at the `#`. Gives the mistake where name or value can
    be no setting: Python reads bytes that are not UTF-8 as broken characters.
    """
    if not is_unicode(key + text):
        return [Mistake(_printable(where), _printable(key), "expected UTF-8; found bytes that are not")]
    read, mistakes = (Node(text, where), []) if key in SECRETS else read_tree(text, lambda _: where)
    *parents, last = key.split(".")
    node = tree
    for name in parents:
        child = node.value.get(name)
        if child is None or not isinstance(child.value, dict):
            child = node.value[name] = Node({}, where, text, variable)
        node = child
    node.value[last] = Node(text if mistakes else read.value, where, text, variable)
    return []


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _two_inputs(tree: Node) -> list[Mistake]:
    """A `source` that somebody wrote beside `sources` would be read by nobody."""
    source, sources = tree.value.get("source"), tree.value.get("sources")
    if not (source and sources and source.value and sources.value):
        return []
    says = (
        "expected no `source` beside `sources`: with several sources the stream is topics.transactions, which "
        "`fraudwatch intake` writes; make it one more of `sources`, or leave it out"
    )
    return [Mistake(source.where, "source", says)]


def _on_command_line(tree: Node, overrides: Mapping[str, str]) -> list[Mistake]:
    """Secrets among the overrides: every user of a machine sees the command lines of its processes."""
    places = {f"override {key}" for key in overrides}
    return [
        Mistake(
            _where(tree, key),
            key,
            f"expected no secret on the command line, where others can read it; found one. Set {key}_file, "
            f"or the variable {variable(key)}",
        )
        for key in SECRETS
        if _is_set(tree, key) and _where(tree, key) in places
    ]


def _is_set(tree: Node, key: str) -> bool:
    node: Any = tree
    for name in key.split("."):
        if not isinstance(node.value, dict) or name not in node.value:
            return False
        node = node.value[name]
    return True


def _where(tree: Node, key: str) -> str:
    """The place of a key, or of the nearest thing around it that was written."""
    node = tree
    for name in re.findall(r"[^.\[\]]+", key):
        children = dict(enumerate(node.value)) if isinstance(node.value, list) else node.value
        step = int(name) if isinstance(node.value, list) and name.isdecimal() else name
        if not isinstance(children, dict) or step not in children:
            break
        node = children[step]
    return node.where


def _message(mistakes: list[Mistake]) -> str:
    if len(mistakes) == 1:
        return str(mistakes[0])
    return "\n  ".join([f"{len(mistakes)} mistakes in the configuration:", *map(str, mistakes)])
