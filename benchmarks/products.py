"""Times the matrix products of an LSTM alone, on TensorFlow: what no kernel of ours can save.

python benchmarks/products.py
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

_CONFIGS = ("A", "B", "C", "D")
_COLUMNS = ("inputs", "forward", "backward", "weights")


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python benchmarks/products.py", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="by default 7")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: tries the machinery")
    parser.add_argument("--json", action="store_true", help="prints one JSON object instead")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error(f"`--rounds` must be a positive integer. Received: {options.rounds}.")
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        parser.error("this is measured on TensorFlow alone; set KERAS_BACKEND=tensorflow.")
    found = {name: measure(name, options.rounds, options.quick) for name in _CONFIGS}
    print(json.dumps(found, indent=1) if options.json else _table(found))
    return 0


def measure(name: str, rounds: int, quick: bool = False) -> dict[str, dict[str, float]]:
    """Milliseconds, of the fastest call, and GFLOP/s at a configuration of `layers.py`.

    `inputs`: of all inputs with the kernel, as one product; `forward` and `backward`: of each
    step's outputs and gradients with the recurrent kernel, in a compiled loop for each half of
    the batch; `weights`: of the gradients of both kernels and of the inputs.
    """
    import numpy as np
    import tensorflow as tf

    from benchmarks._cases import CONFIGS
    from benchmarks._timing import seconds

    config = CONFIGS[name].shrunk() if quick else CONFIGS[name]
    batch, time, units = config.batch, config.time, config.units
    generator = np.random.default_rng(0)

    def drawn(*shape: int) -> Any:
        return tf.constant(generator.normal(0, 0.1, shape).astype("float32"))

    rows, widths = batch * time, [units] * 4
    x, kernel = drawn(rows, config.features), drawn(config.features, sum(widths))
    outputs, slopes = drawn(rows, units), drawn(rows, sum(widths))
    recurrent, turned = [drawn(units, width) for width in widths], drawn(sum(widths), units)
    parts = [drawn(batch // 2, units), drawn(batch - batch // 2, units)]

    def loop(step: Callable[[Any], Any]) -> Callable[[], None]:
        @tf.function(jit_compile=True)
        def run(start: Any) -> Any:
            return tf.while_loop(
                lambda t, _: t < time, lambda t, h: (t + 1, step(h)), (tf.constant(0), start)
            )[1]

        @tf.function
        def together() -> list[Any]:
            return [run(part) for part in parts]

        return lambda: together()[0].numpy()

    @tf.function
    def weights() -> list[Any]:
        return [
            tf.matmul(x, slopes, transpose_a=True)[0],
            tf.matmul(outputs, slopes, transpose_a=True)[0],
            tf.matmul(slopes, kernel, transpose_b=True)[0],
        ]

    @tf.function
    def inputs() -> Any:
        return tf.matmul(x, kernel)[0]

    functions = {
        "inputs": lambda: inputs().numpy(),
        "forward": loop(lambda h: tf.add_n([tf.matmul(h, gate) for gate in recurrent])),
        "backward": loop(lambda d: tf.matmul(tf.concat([d] * 4, axis=1), turned)),
        "weights": lambda: weights()[0].numpy(),
    }
    times = seconds(list(functions.values()), rounds, 3).min(axis=(1, 2))
    of_inputs, of_steps = 8 * rows * config.features * units, 8 * rows * units * units
    operations = (of_inputs, of_steps, of_steps, 2 * of_inputs + of_steps)
    return {
        column: {"ms": 1e3 * float(spent), "gflops": 1e-9 * many / float(spent)}
        for column, spent, many in zip(functions, times, operations, strict=True)
    }


def _table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    from benchmarks._report import Table

    header = ["", *(f"{c}, ms (GFLOP/s)" for c in _COLUMNS), "forward pass, ms", "training, ms"]
    rows = []
    for name, columns in found.items():
        spent = [columns[column]["ms"] for column in _COLUMNS]
        cells = [f"{c['ms']:.1f} ({c['gflops']:.0f})" for c in map(columns.get, _COLUMNS) if c]
        rows.append([name, *cells, f"{sum(spent[:2]):.1f}", f"{sum(spent):.1f}"])
    return Table("The products of an LSTM alone", header, rows, 1).text()


if __name__ == "__main__":
    sys.exit(main())
