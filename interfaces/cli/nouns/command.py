"""The command of a noun: its verbs, and what all of them have."""

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from interfaces.cli.nouns.catalogue import NOUNS
from interfaces.cli.nouns.noun import Call, Noun, Verb
from interfaces.cli.nouns.verbs import add_output
from interfaces.client import add_connection_arguments, client_from

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[Any]  # noqa: SLF001 - it has no public name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verbs of the noun that the parser is for."""
    noun = NOUNS[parser.prog.rpartition(" ")[2]]
    add_verbs(parser.add_subparsers(dest="action", metavar="VERB", required=True), noun)


def add_verbs(verbs: "Subparsers", noun: Noun) -> None:
    """Declares the verbs of a noun."""
    for verb in noun.verbs:
        parser = verbs.add_parser(
            verb.name,
            help=verb.help,
            description=_description(noun, verb),
            epilog=_examples(verb.examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add(parser)
        if verb.shows:
            add_output(parser)
        add_connection_arguments(parser)
        parser.set_defaults(noun=noun, verb=verb)


def run(args: argparse.Namespace) -> int:
    """Does what the verb says."""
    client = client_from(args)
    try:
        return int(args.verb.run(Call(args, client, args.noun)))
    finally:
        client.close()


def _description(noun: Noun, verb: Verb) -> str:
    lines = [f"{noun.words.capitalize()}s of the installation: {verb.help}."]
    if verb.name == "list" and noun.filters:
        lines.append(f"Filters: {', '.join(noun.filters)}.")
    return "\n".join(lines)


def _examples(examples: Iterable[str]) -> str:
    lines = [f"  vigil {one}" for one in examples]
    return "\n".join(["examples:", *lines]) if lines else ""
