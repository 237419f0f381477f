"""The front door of emobatch: batch video analytics of apparent facial expressions."""

__version__ = "0.1.0"


def main() -> None:
    """The command line, `emobatch`."""
    from jobs.cli import run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
