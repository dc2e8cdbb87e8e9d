"""What the command line takes, and one sentence about whatever it cannot take."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import re
import typing
from typing import Any

from docstring_parser import parse as parse_docstring
from jsonargparse import ArgumentParser

import zoo
from zoo._recipes import Recipe, Training, describe

DECODING_SHORTCUTS = ("beam_size", "length_penalty")

_SHORT_NAMES = ("epochs", "learning_rate", "batch_size")
_DATA = "NAME[:SPLIT]: a dataset, a TSV or CSV file, or two aligned files with a comma between"
_DATA_DIR = "where the data are, if not at ZOO_DATA_DIR"
_RESTART = "begin anew where a training was interrupted"
_TENSORBOARD = "a folder for what TensorBoard shows"
_OUT = "the folder for the preset; by default a new one in the current folder"

COMMANDS = {
    "list": "what there is: presets, cells, applications, datasets",
    "show": "what a preset says of itself",
    "train": "train what a recipe says",
    "finetune": "go on training a preset on your own data",
    "evaluate": "measure a preset on data",
    "run": "give inputs to a preset and print its outputs",
    "tune": "search for better hyperparameters of a recipe",
    "quickstart": "fine-tune a pretrained translator on the names of emoji",
}


class UsageError(ValueError):
    """The command line cannot be understood; the message says why in one sentence."""


def parse(argv: list[str]) -> tuple[str, dict[str, Any]]:
    """Returns the command and its arguments; only options that were given are there.

    Raises:
        UsageError: with one sentence on what is wrong.
        SystemExit: help or the version has been printed.
    """
    parsers = {name: _subparser(name) for name in COMMANDS}
    if not argv or argv[0].startswith("-"):
        if any(token not in ("-h", "--help", "--version") for token in argv):
            raise UsageError("Put the command first: zoo COMMAND [options]; see zoo --help.")
        _top(parsers).parse_args(argv)
        raise UsageError(f"Name a command: {', '.join(COMMANDS)}; see zoo --help.")
    command = argv[0]
    if command not in parsers:
        close = difflib.get_close_matches(command, COMMANDS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(COMMANDS)}."
        raise UsageError(f"There is no command {command!r}; {hint}")
    parser = parsers[command]
    try:
        found = parser.parse_args(_arranged(command, parser, argv[1:])).as_dict()
    except argparse.ArgumentError as error:
        raise UsageError(_sentence(command, parser, str(error))) from None
    return command, found


def _top(parsers: dict[str, ArgumentParser]) -> ArgumentParser:
    top = ArgumentParser(
        prog="zoo",
        usage="zoo COMMAND [options]",
        description="Recurrent networks for Keras 3: layers, applications and pretrained presets.",
        epilog="Each command has its own help: zoo COMMAND --help. "
        "With ZOO_TRACEBACK=1, errors show where they come from.",
        version=zoo.__version__,
        exit_on_error=False,
    )
    commands = top.add_subcommands(required=False, title="commands", description=None)
    for name, parser in parsers.items():
        commands.add_subcommand(name, parser, help=COMMANDS[name])
    return top


def _subparser(command: str) -> ArgumentParser:
    text = COMMANDS[command]
    parser = ArgumentParser(
        prog=f"zoo {command}",
        description=f"{text[0].upper()}{text[1:]}.",
        exit_on_error=False,
    )
    takes = _ADD[command](parser)
    parser.usage = " ".join(["zoo", command, *takes, "[options]"])
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else"
    )
    if command not in ("train", "finetune"):
        _option(parser, "seed", int, "of everything that is random")
    return parser


def _add_list(parser: ArgumentParser) -> list[str]:
    return []


def _add_show(parser: ArgumentParser) -> list[str]:
    parser.add_argument("preset", help="a shipped preset, a folder, or hf://owner/name")
    return ["PRESET"]


def _add_train(parser: ArgumentParser) -> list[str]:
    parser.add_argument("recipe", help="a YAML file; every field can be overridden below")
    _add_training(parser)
    _add_recipe(parser, skip=("search_space",))
    return ["RECIPE.yaml"]


def _add_finetune(parser: ArgumentParser) -> list[str]:
    _add_show(parser)
    parser.add_argument("--data", type=str, required=True, help=_DATA)
    _add_training(parser)
    _add_recipe(parser, skip=("data", "preset", "application", "search_space"))
    return ["PRESET", "--data NAME[:SPLIT]"]


def _add_evaluate(parser: ArgumentParser) -> list[str]:
    _add_show(parser)
    parser.add_argument("--data", type=str, required=True, help=_DATA + "; by default split test")
    _option(parser, "data_dir", str, _DATA_DIR)
    _add_decoding(parser)
    text = "write every output, confusions and the worst items drawn into this folder (handwriting)"
    _option(parser, "report", str, text)
    parser.add_argument(
        "--update-card", action="store_true", help="write the result into the preset's card"
    )
    return ["PRESET", "--data NAME[:SPLIT]"]


def _add_run(parser: ArgumentParser) -> list[str]:
    _add_show(parser)
    parser.add_argument(
        "text", nargs="*", default=[], help="inputs; without any, the lines of standard input"
    )
    _add_decoding(parser)
    return ["PRESET", "[TEXT ...]"]


def _add_tune(parser: ArgumentParser) -> list[str]:
    parser.add_argument("recipe", help="a YAML file; `search_space` in it changes where to look")
    _option(parser, "out", str, _OUT)
    parser.add_argument("--restart", action="store_true", help="begin anew")
    for name, (kind, text) in _TUNING.items():
        _option(parser, name, kind, text)
    parser.add_argument("--join", action="store_true", help="work for a coordinator elsewhere")
    _option(parser, "data_dir", str, _DATA_DIR)
    return ["RECIPE.yaml"]


_TUNING: dict[str, tuple[Any, str]] = {
    "algorithm": (str, "random, bayesian or hyperband"),
    "trials": (int, "how many; by default 30"),
    "space": (dict[str, Any], "changes of the search space, in one JSON object"),
    "workers": (int, "how many processes of this machine search; by default 1"),
    "coordinator": (str, "HOST:PORT for workers of other machines; nothing authenticates them"),
}


def _add_quickstart(parser: ArgumentParser) -> list[str]:
    _option(parser, "out", str, _OUT)
    _option(parser, "preset", str, "the translator to start from")
    for name in _SHORT_NAMES:
        _option(parser, name, _HINTS[Training][name], _HELP[Training][name])
    return []


_ADD = {
    "list": _add_list,
    "show": _add_show,
    "train": _add_train,
    "finetune": _add_finetune,
    "evaluate": _add_evaluate,
    "run": _add_run,
    "tune": _add_tune,
    "quickstart": _add_quickstart,
}
_HINTS = {kind: typing.get_type_hints(kind) for kind in (Recipe, Training)}
_HELP = {
    kind: {
        entry.arg_name: (entry.description or "").rstrip(".")
        for entry in parse_docstring(kind.__doc__ or "").params
    }
    for kind in (Recipe, Training)
}


def _add_training(parser: ArgumentParser) -> None:
    _option(parser, "out", str, _OUT)
    parser.add_argument("--restart", action="store_true", help=_RESTART)
    _option(parser, "tensorboard", str, _TENSORBOARD)


def _add_recipe(parser: ArgumentParser, skip: tuple[str, ...] = ()) -> None:
    for field in dataclasses.fields(Recipe):
        if field.name not in (*skip, "training"):
            _option(parser, field.name, _HINTS[Recipe][field.name], _HELP[Recipe][field.name])
    for field in dataclasses.fields(Training):
        name, kind = field.name, _HINTS[Training][field.name]
        _option(parser, f"training.{name}", kind, _HELP[Training][name], name in _SHORT_NAMES)


def _add_decoding(parser: ArgumentParser) -> None:
    text = "options of the application's search, as `--decoding.NAME VALUE` or in one JSON object"
    _option(parser, "decoding", dict[str, Any], text)
    _option(parser, "beam_size", int, "the same as --decoding.beam_size")
    _option(parser, "length_penalty", float, "the same as --decoding.length_penalty")


def _option(parser: ArgumentParser, name: str, kind: Any, text: str, short: bool = False) -> None:
    strings = [f"--{name.replace('_', '-')}"]
    if short:
        strings.insert(0, f"--{name.rpartition('.')[2].replace('_', '-')}")
    parser.add_argument(*strings, dest=name, type=kind, default=argparse.SUPPRESS, help=text)


def _arranged(command: str, parser: ArgumentParser, argv: list[str]) -> list[str]:
    """Puts options before the rest, which argparse cannot find once an option stood between."""
    options: list[str] = []
    rest: list[str] = []
    tokens = iter(argv)
    for token in tokens:
        if token == "--":
            rest += tokens
        elif token == "-h":
            options.append(token)
        elif not re.match(r"--|-[A-Za-z]$", token):
            rest.append(token)
        else:
            name, equals, value = token.partition("=")
            name, takes_value = _known(command, parser, name)
            if takes_value and not equals:
                value = next(tokens, "--")
                if value.startswith("--"):
                    raise UsageError(f"`{name}` needs a value.")
            options.append(f"{name}={value}" if takes_value or equals else name)
    return [*options, "--", *rest] if rest else options


def _known(command: str, parser: ArgumentParser, name: str) -> tuple[str, bool]:
    """An option as it is spelt, and whether it takes a value."""
    actions = parser._option_string_actions
    spelt = name.replace("_", "-")
    if spelt in actions:
        return spelt, actions[spelt].nargs != 0
    head, dot, key = name.partition(".")
    if dot and key and head in actions and _type(actions[head]) in _MAPPINGS:
        return f"{head}.{key.replace('-', '_')}", True
    close = difflib.get_close_matches(spelt, actions, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"see zoo {command} --help."
    raise UsageError(f"zoo {command} has no option `{name}`; {hint}")


_MAPPINGS = (dict[str, Any], dict[str, Any] | None)


def _type(action: argparse.Action) -> Any:
    return getattr(action, "_typehint", None) or action.type


def _sentence(command: str, parser: ArgumentParser, message: str) -> str:
    """jsonargparse's message, which may have several lines and types in it, as one sentence."""
    lacking = re.match(r"the following arguments are required: (.*)", message)
    if lacking:
        names = [
            action.option_strings[0] if action.option_strings else action.dest.upper()
            for action in parser._actions
            if action.dest in lacking[1].split(", ") and action.nargs != "*"
        ]
        return f"zoo {command} needs {' and '.join(names)}: {parser.usage}."
    extra = re.match(r"unrecognized arguments: (.*)", message, re.DOTALL)
    if extra:
        text = extra[1].removeprefix("-- ")
        return f"zoo {command} cannot take {text!r}: {parser.usage}."
    wrong = re.search(r'key "([\w.]+)"', message)
    for action in parser._actions:
        if wrong and action.dest == wrong[1]:
            given = re.search(r"Got value: (.*)", message)
            received = f" Received: {given[1]}." if given else ""
            return f"`{action.option_strings[0]}` must be {describe(_type(action))}.{received}"
    return " ".join(message.split())
