"""What a recipe says of the preset that it makes."""

from __future__ import annotations

from typing import Any

from ._recipes import Recipe

RECIPE_NAME = "recipe.yaml"


def card(recipe: Recipe, recipe_name: str = RECIPE_NAME) -> dict[str, Any]:
    """Returns what a recipe says of the preset that it makes."""
    values = {
        "name": recipe.name,
        "description": recipe.description,
        "licence": recipe.licence,
        "data": ", ".join([f"{recipe.data}:{recipe.split}", *recipe.extra_data]),
        "data_licence": recipe.data_licence,
        "command": f"zoo train {recipe_name}",
    }
    if recipe.preset is not None:
        from zoo.applications._presets import read_card

        base = read_card(recipe.preset)
        if base["licence"] == "research" and recipe.licence != "research":
            raise ValueError(
                f"`licence` must be 'research', as that of the preset {base['name']} from which "
                f"training starts. Received: licence={recipe.licence!r}."
            )
        values["description"] = recipe.description or f"{base['name']}, tuned on {recipe.data}."
        if base["data_licence"]:
            ours = recipe.data_licence or "not stated"
            values["data_licence"] = f"{ours}; before, for {base['name']}: {base['data_licence']}"
    return {key: value for key, value in values.items() if value}
