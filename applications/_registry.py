"""The applications by name."""

from __future__ import annotations

from collections.abc import Callable

import keras

from zoo.layers._registry import Registry

applications = Registry(
    "application",
    group="zoo.applications",
    base="zoo.applications._application:Application",
    entries={"Translator": "zoo.applications.translation:Translator"},
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
        if keras.saving.get_registered_name(application) == application.__name__:
            keras.saving.register_keras_serializable(package="zoo")(application)
        return application

    return register


def list_applications(pattern: str = "*") -> list[str]:
    """Returns the names of the registered applications that match a shell-style pattern.

    Example:

    >>> from zoo.applications import list_applications
    >>> "Translator" in list_applications()
    True
    """
    return applications.names(pattern)
