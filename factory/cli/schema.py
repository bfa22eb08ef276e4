"""`factory schema`: JSON schemas of what crosses the disk."""

import json
from enum import StrEnum
from typing import Annotated

import typer


class Document(StrEnum):
    """What has a schema."""

    MANIFEST = "manifest"
    RECIPE = "recipe"
    CONTRACT = "contract"
    PACK = "pack"
    TABLE = "table"


def schema(document: Annotated[Document, typer.Argument(help="Which document.")] = Document.MANIFEST) -> None:
    """Print the JSON schema of manifest.json, a recipe, contract.json, android/pack.json, or data.toml (table).

    Example: factory schema recipe > recipe.schema.json
    """
    from factory.contracts.android import Pack
    from factory.contracts.base import Contract
    from factory.contracts.manifest import Manifest
    from factory.contracts.recipe import Recipe
    from factory.contracts.table import TableDescription
    from factory.contracts.window import SensorContract

    models: dict[Document, type[Contract]] = {
        Document.MANIFEST: Manifest,
        Document.RECIPE: Recipe,
        Document.CONTRACT: SensorContract,
        Document.PACK: Pack,
        Document.TABLE: TableDescription,
    }
    typer.echo(json.dumps(models[document].model_json_schema(), indent=2))
