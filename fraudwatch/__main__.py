"""`python -m fraudwatch` is the command `fraudwatch`."""

from fraudwatch.cli import main

if __name__ == "__main__":
    main(prog_name="fraudwatch")
