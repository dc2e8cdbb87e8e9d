"""Decoding options of any application, checked against what its `infer` takes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import Any

from ._recipes import check_names, describe


def check_decoding(application: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns decoding options as an application's `infer` takes them.

    Args:
        application: the application; options that its `infer` passes on are followed to where
            they are named.
        options: values by name.

    Raises:
        ValueError: an option is unknown (the closest one is named) or of the wrong type.
    """
    parser, known = _parser(application)
    name = type(application).__name__
    check_names(f"{name}.infer", "option", options, known)
    try:
        return parser.parse_object(dict(options), defaults=False).as_dict()
    except argparse.ArgumentError as error:
        key = re.search(r'key "(\w+)"', str(error))
        if key is None:
            raise ValueError(" ".join(str(error).split())) from error
        option = key[1]
        raise ValueError(
            f"`{option}` must be {describe(known[option])}. Received: {option}={options[option]!r}."
        ) from None


def progress(application: Any, verbose: int) -> dict[str, int]:
    """The option that shows a progress bar, where the application's `infer` has one."""
    return {"verbose": verbose} if "verbose" in _parser(application)[1] else {}


def _parser(application: Any) -> tuple[Any, dict[str, Any]]:
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False, add_help=False)
    parser.add_method_arguments(type(application), "infer", skip={"inputs"})
    known = {}
    for action in parser._actions:
        known[action.dest] = getattr(action, "_typehint", None) or action.type
    return parser, known
