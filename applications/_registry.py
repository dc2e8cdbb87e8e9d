"""The applications by name."""

from __future__ import annotations

from collections.abc import Callable

from zoo.layers._plugins import tell_keras
from zoo.layers._registry import Registry

applications = Registry(
    "application",
    group="zoo.applications",
    base="zoo.applications._application:Application",
    adopt=lambda name, application, package: (
        tell_keras(name, application, package)
        if package
        else tell_keras(application.__name__, application, "zoo")
    ),
    entries={
        "Captioner": "zoo.applications.captioning:Captioner",
        "HandwritingRecognizer": "zoo.applications.handwriting:HandwritingRecognizer",
        "LanguageModel": "zoo.applications.language_model:LanguageModel",
        "Translator": "zoo.applications.translation:Translator",
    },
)


def register_application(name: str) -> Callable[[type], type]:
    """Registers an application, so that presets, recipes and the command line find it by name.

    Args:
        name: the name in presets and recipes; by custom, the class's.

    Raises:
        ValueError: the name is taken.
        TypeError: the class does not derive from `Application`.

    Example:

    >>> from zoo.applications import Application, register_application
    >>> @register_application("Copier")
    ... class Copier(Application):
    ...     pass
    """

    def register(application: type) -> type:
        applications.register(name, application)
        return application

    return register


def list_applications(pattern: str = "*") -> list[str]:
    """Returns the names of the registered applications that match a shell-style pattern.

    Those that other packages announce are imported; a broken one is left out with a warning.

    Example:

    >>> from zoo.applications import list_applications
    >>> "Translator" in list_applications()
    True
    """
    return applications.working_names(pattern)
