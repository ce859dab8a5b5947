"""The command line: a thin layer over the library.

Data goes to standard output, messages to standard error. Exit codes: 0 fine, 1 something a person has to change
(one message, with the remedy), 2 a command that was typed wrongly.
"""

from fraudwatch.cli.entry import main

__all__ = ["main"]
