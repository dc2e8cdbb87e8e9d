"""What all sequence layers share: a cell, masks, states and config."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import keras
from keras import ops, tree

from ._cell import RecurrentCell
from ._kernels import active, cudnn, run

_SEQUENCE_ARGUMENTS = {
    "return_sequences": False,
    "return_state": False,
    "go_backwards": False,
    "stateful": False,
    "unroll": False,
}
_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY


def _signature(cell_class: type[RecurrentCell], last: tuple[str, ...]) -> inspect.Signature:
    """The cell's arguments and the sequence's, in the order of Keras's own layers."""

    def optional(name: str, default: Any) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)

    cell = cell_class.signature().parameters
    parameters = []
    for name, parameter in cell.items():
        if name not in last:
            parameters.append(parameter)
        if name == "bias_regularizer":
            parameters.append(optional("activity_regularizer", None))
    parameters += [optional(name, default) for name, default in _SEQUENCE_ARGUMENTS.items()]
    parameters += [cell[name] for name in last]
    parameters.append(optional("use_cudnn", "auto"))
    parameters.append(optional("zero_output_for_mask", False).replace(kind=_KEYWORD_ONLY))
    parameters.append(optional("memory", "keep").replace(kind=_KEYWORD_ONLY))
    return inspect.Signature(sorted(parameters, key=lambda parameter: parameter.kind))


class SequenceLayer(keras.layers.RNN):
    """The base of the layers that run one of our cells over a sequence.

    A subclass names its `cell_class`; the arguments of that cell, Keras's arguments of a recurrent
    layer and those of any Keras layer make its constructor, and `layer.units` and the like read
    the cell's.
    """

    cell_class: ClassVar[type[RecurrentCell]]
    last: ClassVar[tuple[str, ...]] = ()
    """The cell's positional arguments that follow those of the sequence, as Keras has it."""

    cell: RecurrentCell

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.cell_class.sequence_class = cls
        cls.__signature__ = _signature(cls.cell_class, cls.last)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        bound = inspect.signature(type(self)).bind(*args, **kwargs).arguments
        layer_arguments = {**bound.pop("kwargs", {})}
        memory = bound.pop("memory", "keep")
        if memory not in ("keep", "recompute"):
            raise ValueError(
                f"`memory` must be 'keep' or 'recompute'. Received: memory={memory!r}."
            )
        for name in ("activity_regularizer", *_SEQUENCE_ARGUMENTS, "zero_output_for_mask"):
            if name in bound:
                layer_arguments[name] = bound.pop(name)
        use_cudnn = bound.pop("use_cudnn", "auto")
        shared = {
            name: layer_arguments[name]
            for name in ("dtype", "trainable")
            if name in layer_arguments
        }
        if "implementation" in layer_arguments:
            shared["implementation"] = layer_arguments.pop("implementation")
        super().__init__(self.cell_class(**bound, **shared), **layer_arguments)
        self.memory = memory
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self._settle_cudnn(use_cudnn)

    def _settle_cudnn(self, use_cudnn: bool | str) -> None:
        if use_cudnn not in (True, False, "auto"):
            raise ValueError(
                f"`use_cudnn` must be True, False or 'auto'. Received: use_cudnn={use_cudnn!r}."
            )
        # Keras's `Bidirectional` hands this on to its halves where it is there.
        if self.cell.cudnn is not None:
            self.use_cudnn = use_cudnn
        unfit = cudnn.unfit(self.cell, self.unroll, self.memory)
        if unfit is not None:
            self._refuse(use_cudnn, unfit)
        elif use_cudnn and cudnn.outside_xla():
            self.supports_jit = False

    def _refuse(self, use_cudnn: bool | str, obstacle: str) -> None:
        """Raises a `ValueError` if cuDNN is insisted on."""
        if use_cudnn is True:
            raise ValueError(f"`use_cudnn=True` was asked for, but {obstacle}; leave it at 'auto'.")

    def _cudnn_obstacle(self) -> str | None:
        """What keeps cuDNN from running this layer, if anything."""
        if not getattr(self, "use_cudnn", False):
            return "it is not wanted"
        return cudnn.obstacle(self.cell, self.unroll, self.memory)

    def __getattr__(self, name: str) -> Any:
        if name in type(self).cell_class.argument_names() and hasattr(self, "cell"):
            return getattr(self.cell, name)
        # On PyTorch a layer is a module, which keeps its layers, the cell too, out of `vars`.
        inherited = getattr(super(), "__getattr__", None)
        if inherited is not None:
            return inherited(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def active_kernel(self) -> str:
        """The kernel of the recurrence: `"cudnn"`, `"tensorflow"`, `"jax"` or `"portable"`."""
        return active(self.unroll, self._cudnn_obstacle() is None)

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        mask = tree.flatten(mask)[0]
        output_mask = mask if self.return_sequences else None
        return [output_mask, *(None for _ in self.state_size)] if self.return_state else output_mask

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        if sequences.shape[1] == 0:
            raise ValueError(
                "`sequences` must have at least one step. "
                f"Received: an array of shape {tuple(sequences.shape)}."
            )
        return super().call(sequences, initial_state, mask, training)

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> tuple[Any, Any, list[Any]]:
        cell, obstacle = self.cell, self._cudnn_obstacle()
        if obstacle is not None:
            self._refuse(getattr(self, "use_cudnn", False), obstacle)
        mask = tree.flatten(mask)[0] if mask is not None else None
        if training and cell.dropout:
            sequences = sequences * ops.expand_dims(cell.get_dropout_mask(sequences[:, 0]), 1)
        terms = cell.terms(initial_state, training)
        drawn = cell.draw(ops.shape(sequences)[0], ops.shape(sequences)[1], training)
        if self.go_backwards:
            sequences = ops.flip(sequences, axis=1)
            drawn = {name: ops.flip(masks, axis=1) for name, masks in drawn.items()}
            mask = None if mask is None else ops.flip(mask, axis=1)
        return run(
            cell,
            sequences,
            initial_state,
            terms,
            drawn,
            mask=mask,
            keep=bool(training) and self.memory == "keep",
            unroll=self.unroll,
            on_cudnn=obstacle is None,
            zero_output_for_mask=self.zero_output_for_mask,
            return_sequences=self.return_sequences,
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["cell"]
        own = self.cell.get_config()
        own = {name: own[name] for name in self.cell_class.argument_names()}
        return {**config, **own, "memory": self.memory}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SequenceLayer:
        return cls(**config)
