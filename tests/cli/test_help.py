"""Every command says what it does, with an example; help needs none of the libraries below."""

import subprocess
import sys

import click
import pytest

from fraudwatch.cli import main
from fraudwatch.cli.entry import COMMANDS


def every_command() -> list[list[str]]:
    context = click.Context(main)
    found = [[]]
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        found.append([name])
        if isinstance(command, click.Group):
            found += [[name, inner] for inner in command.list_commands(context)]
    return found


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_the_help_of_a_command_has_an_example_that_names_it(run, path):
    shown = run(*path, "--help")
    assert shown.exit_code == 0
    _, _, example = shown.output.partition("Example:\n")
    assert " ".join(["fraudwatch", *path]) in example


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_option_of_a_command_is_explained(path):
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_of_them_says_of_itself(run, name):
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.short_help == COMMANDS[name]
    assert COMMANDS[name].split()[0] in run("--help").output


def test_the_list_of_commands_is_shown_without_loading_what_they_need():
    heavy = "import sys; from fraudwatch.cli import main; main(['--help'], standalone_mode=False)"
    check = "print([name for name in ('numba', 'faust', 'kafka', 'numpy') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{heavy}; {check}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "fraudwatch", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("fraudwatch, version")


def test_an_unknown_command_is_a_usage_error(run):
    assert run("blacktest").exit_code == 2
