"""`vigil completion`: scripts that complete commands in a shell."""

import argparse

SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Prints a script that completes commands, verbs and arguments in a shell. Renew it when "
        "Vigil is updated."
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "examples:\n"
        "  vigil completion bash > ~/.local/share/bash-completion/completions/vigil\n"
        "  vigil completion zsh > ~/.zfunc/_vigil\n"
        "  vigil completion fish > ~/.config/fish/completions/vigil.fish"
    )
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(debug=False)


def run(args: argparse.Namespace) -> int:
    """Prints the script."""
    # Only here: no other command needs the whole command line.
    import shtab  # noqa: PLC0415

    from interfaces.cli.main import build_parser  # noqa: PLC0415

    print(shtab.complete(build_parser(), args.shell))
    return 0
