"""The `factory` command. Imports only what `--help` needs; each command imports the rest when it runs."""

import sys
from typing import Annotated

import typer

from factory import __version__
from factory.cli import _errors, _output
from factory.cli import contract as contract_commands
from factory.cli import data as data_commands
from factory.cli import devices as device_commands
from factory.cli.bench import bench
from factory.cli.benchmark import benchmark
from factory.cli.build import build, export, train
from factory.cli.check_onnx import check_onnx
from factory.cli.doctor import doctor
from factory.cli.init import init
from factory.cli.models import models
from factory.cli.predict import predict
from factory.cli.recipes import recipes
from factory.cli.report import report
from factory.cli.results import results
from factory.cli.schema import schema
from factory.cli.search import search
from factory.cli.store import diff, key, list_, publish, pull, show
from factory.cli.tune import tune
from factory.cli.verify import verify

_DEBUG = "--debug"


def _epilog() -> str:
    codes = " · ".join(f"{code} {meaning}" for code, meaning in _errors.EXIT_CODES.items())
    return f"Exit codes: {codes}."


app = typer.Typer(
    name="factory",
    help="From labelled motion-sensor recordings to a small, verified activity model for phones.",
    epilog=_epilog(),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (build, train, export, verify, report):
    app.command(rich_help_panel="Build")(command)
app.command(rich_help_panel="Share")(publish)
app.command(rich_help_panel="Share")(pull)
app.command("list", rich_help_panel="Share")(list_)
app.command(rich_help_panel="Share")(show)
app.command(rich_help_panel="Share")(diff)
app.command(rich_help_panel="Share")(key)
app.command(rich_help_panel="Share")(predict)
app.add_typer(contract_commands.app, name="contract", rich_help_panel="Share")
app.add_typer(data_commands.app, name="data", rich_help_panel="Recordings")
app.command(rich_help_panel="Recordings")(init)
app.add_typer(device_commands.app, name="devices", rich_help_panel="Look")
app.command(rich_help_panel="Look")(doctor)
app.command(rich_help_panel="Look")(recipes)
app.command(rich_help_panel="Look")(models)
app.command(rich_help_panel="Look")(schema)
app.command(rich_help_panel="Look")(check_onnx)
app.command(rich_help_panel="Compare")(search)
app.command(rich_help_panel="Compare")(tune)
app.command(rich_help_panel="Compare")(bench)
app.command(rich_help_panel="Compare")(benchmark)
app.command(rich_help_panel="Compare")(results)


def _version(shown: bool) -> None:
    if shown:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option(_DEBUG, help="Show the traceback of a failure; may stand anywhere on the line.")
    ] = False,
) -> None:
    """Start with: factory build demo."""


def run(arguments: list[str]) -> int:
    """Run one command line.

    Args:
        arguments: Without the program's name.

    Returns:
        The exit code.
    """
    plain = [argument for argument in arguments if argument != _DEBUG]
    _output.reset()
    return _errors.guarded(
        lambda: app(args=plain, prog_name="factory"), debug=len(plain) != len(arguments), as_json="--json" in plain
    )


def main() -> None:
    """Entry point of the `factory` script."""
    sys.exit(run(sys.argv[1:]))
