"""`from zoo import ...`: what is there, where it comes from, and that it is read on first use."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ("keras", "tensorflow", "tensorflow_datasets", "jax", "torch", "matplotlib", "sklearn")


def loaded_after(statement: str) -> list[str]:
    """The heavy libraries that a fresh interpreter has loaded after a statement."""
    script = f"{statement}\nimport sys\nprint(*(m for m in {ENGINES!r} if m in sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return result.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "statement",
    [
        "import zoo; zoo.__version__; dir(zoo)",
        "from zoo import list_presets",
        "from zoo import list_presets; list_presets('*')",
        "import zoo.applications, zoo.datasets",
    ],
)
def test_loads_no_engine(statement: str) -> None:
    assert loaded_after(statement) == []


def test_the_probe_sees_engines() -> None:
    assert "keras" in loaded_after("from zoo import LSTM")


@pytest.mark.parametrize("name", zoo.__all__)
def test_every_name_resolves(name: str) -> None:
    value = getattr(zoo, name)
    home = zoo._HOME_OF.get(name, "zoo")
    assert value.__name__ == (f"zoo.{name}" if home == "zoo" else name)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse((ROOT / "zoo" / "__init__.py").read_text("utf-8"))
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    homes = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        homes |= {alias.name: node.module for alias in node.names}
    assert homes == zoo._HOME_OF | dict.fromkeys(zoo._SUBMODULES, "zoo")
    assert zoo.__all__ == sorted(homes)


def test_every_layer_and_cell_is_there() -> None:
    public = {name: getattr(zoo.layers, name) for name in zoo.layers.__all__}
    assert {name for name, value in public.items() if isinstance(value, type)} <= set(zoo.__all__)


def test_dir_lists_names_before_they_are_used() -> None:
    assert set(zoo.__all__) <= set(dir(zoo))


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'LTSM'"):
        _ = zoo.LTSM
    with pytest.raises(ImportError):
        from zoo import LTSM  # noqa: F401


def test_load_model_registers_first(tmp_path: Path) -> None:
    """A file with our layers loads in a program that has touched none of them."""
    import keras
    import numpy as np

    model = keras.Sequential([keras.Input((5, 3)), zoo.PeepholeLSTM(4)])
    inputs = np.linspace(-1, 1, 30, dtype="float32").reshape(2, 5, 3)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "inputs.npy", inputs)
    script = (
        "import sys, numpy as np, zoo\n"
        "model = zoo.load_model(sys.argv[1] + '/model.keras')\n"
        "x = np.load(sys.argv[1] + '/inputs.npy')\n"
        "np.save(sys.argv[1] + '/outputs.npy', model.predict(x, verbose=0))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=True)
    outputs = np.load(tmp_path / "outputs.npy")
    np.testing.assert_allclose(outputs, model.predict(inputs, verbose=0), atol=1e-6)
