"""Recurrent networks for Keras 3: layers, applications and pretrained presets.

Everything is read on first use, so `import zoo` is instant and `from zoo import list_presets`
does not load TensorFlow:

>>> import zoo
>>> layer = zoo.PeepholeLSTM(8)
>>> layer.units
8
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "AdditiveAttention",
    "Application",
    "Caption",
    "Captioner",
    "Chrono",
    "CoupledGateLSTM",
    "CoupledGateLSTMCell",
    "DeepLSTM",
    "GRU",
    "GRUCell",
    "HandwritingRecognizer",
    "LSTM",
    "LSTMCell",
    "LanguageModel",
    "MultiplicativeAttention",
    "PeepholeLSTM",
    "PeepholeLSTMCell",
    "ProjectedLSTM",
    "ProjectedLSTMCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "Translation",
    "Translator",
    "applications",
    "callbacks",
    "chrono",
    "datasets",
    "layers",
    "list_applications",
    "list_cells",
    "list_datasets",
    "list_presets",
    "load_model",
    "metrics",
    "odyssey",
    "plot",
    "recurrence",
    "recurrent",
    "register_application",
    "register_cell",
    "register_dataset",
    "set_kernel",
    "swap_cells",
    "trace",
    "training",
    "tuning",
]

if TYPE_CHECKING:
    from zoo import applications, callbacks, datasets, layers, metrics, plot, training, tuning
    from zoo.applications import (
        Application,
        Caption,
        Captioner,
        HandwritingRecognizer,
        LanguageModel,
        Translation,
        Translator,
        list_applications,
        list_presets,
        register_application,
    )
    from zoo.datasets import list_datasets, register_dataset
    from zoo.layers import (
        GRU,
        LSTM,
        AdditiveAttention,
        Chrono,
        CoupledGateLSTM,
        CoupledGateLSTMCell,
        DeepLSTM,
        GRUCell,
        LSTMCell,
        MultiplicativeAttention,
        PeepholeLSTM,
        PeepholeLSTMCell,
        ProjectedLSTM,
        ProjectedLSTMCell,
        SimpleRNN,
        SimpleRNNCell,
        chrono,
        list_cells,
        odyssey,
        recurrence,
        recurrent,
        register_cell,
        set_kernel,
        swap_cells,
        trace,
    )
    from zoo.saving import load_model

_SUBMODULES = (
    "applications",
    "callbacks",
    "datasets",
    "layers",
    "metrics",
    "plot",
    "training",
    "tuning",
)
_HOMES = {
    "zoo.applications": (
        "Application",
        "Caption",
        "Captioner",
        "HandwritingRecognizer",
        "LanguageModel",
        "Translation",
        "Translator",
        "list_applications",
        "list_presets",
        "register_application",
    ),
    "zoo.datasets": ("list_datasets", "register_dataset"),
    "zoo.layers": (
        "AdditiveAttention",
        "Chrono",
        "CoupledGateLSTM",
        "CoupledGateLSTMCell",
        "DeepLSTM",
        "GRU",
        "GRUCell",
        "LSTM",
        "LSTMCell",
        "MultiplicativeAttention",
        "PeepholeLSTM",
        "PeepholeLSTMCell",
        "ProjectedLSTM",
        "ProjectedLSTMCell",
        "SimpleRNN",
        "SimpleRNNCell",
        "chrono",
        "list_cells",
        "odyssey",
        "recurrence",
        "recurrent",
        "register_cell",
        "set_kernel",
        "swap_cells",
        "trace",
    ),
    "zoo.saving": ("load_model",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

# In a checkout the folders `layers` and `applications` lie beside `zoo`, not inside it.
if not (Path(__file__).parent / "layers").is_dir():
    __path__.append(str(Path(__file__).resolve().parent.parent))


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
