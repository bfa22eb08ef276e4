"""`factory publish`, `pull`, `list`, `show`, `diff`, `key`: models that others use."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import factory
from factory.cli._options import BuildArgument, JsonOption
from factory.cli._output import print_json

if TYPE_CHECKING:
    from factory.pipeline.compare import Figures, ModelDifference

FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        envvar="FACTORY_STORE",
        help="The store: a folder, https://..., s3://... or gs://... Default: the one that ships with this tool.",
        show_default=False,
    ),
]
TrustOption = Annotated[
    str | None,
    typer.Option(
        "--trust",
        help="Public key (64 digits, or a PEM file) that must have signed; remembered for this model and store.",
        show_default=False,
    ),
]
ModelArgument = Annotated[str, typer.Argument(help="NAME, or NAME@1.2.0; without a version the latest.")]


def publish(
    build: BuildArgument,
    to: Annotated[
        str,
        typer.Option(
            "--to", help="The store: a folder, made if it is not there, s3://... or gs://...", show_default=False
        ),
    ],
    version: Annotated[
        str | None,
        typer.Option(
            "--version",
            help="Three numbers. Default: the next minor, or major if the contract changed.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="Private key that signs (factory key).", show_default=False)
    ] = None,
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="Honour terms of the recordings that forbid commercial use.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="TARGET/PRECISION",
            help="These model files with contract, manifest and card alone; no golden pack, so nobody can verify "
            "them again. May be repeated.",
            show_default=False,
        ),
    ] = None,
    maven: Annotated[
        bool,
        typer.Option(
            "--maven", help="Write Android libraries for Gradle, too, into STORE/maven-repository (target android)."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Add a build whose gates held to a store, as a new version that never changes.

    Example: factory publish build/demo --to models --maven
    """
    release = factory.publish(
        build, to=to, version=version, key=key, accept_terms=accept_terms, only=only or (), maven=maven
    )
    if as_json:
        print_json(release)
        return
    size = sum(file.size_bytes for file in release.files)
    typer.echo(f"published {release.name} {release.version}: {len(release.files)} files, {size / 1000:.0f} kB, in {to}")


def pull(
    name: ModelArgument,
    store: FromOption = None,
    target: Annotated[
        str | None, typer.Option("--target", help="Only the files of this target.", show_default=False)
    ] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="Only the files of this precision.", show_default=False)
    ] = None,
    into: Annotated[Path | None, typer.Option("--into", help="Folder. Default: NAME.", show_default=False)] = None,
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a model; every byte is checked, and a pull that was interrupted goes on.

    Example: factory pull motionsense --target tflite --precision int8_static --into app/assets
    """
    from factory.cli._progress import make_progress

    _tell_store(store)
    done = factory.pull(
        name, store=store, target=target, precision=precision, into=into, trust=trust, progress=make_progress(as_json)
    )
    if as_json:
        print_json({"path": str(done.path), "version": done.version, "models": [str(path) for path in done.models]})
        return
    for path in done.models:
        typer.echo(str(path))


def list_(store: FromOption = None, as_json: JsonOption = False) -> None:
    """List the models of a store.

    Example: factory list
    """
    _tell_store(store)
    indices = factory.list_models(store)
    if as_json:
        print_json([index.model_dump(mode="json") for index in indices])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "latest", "versions", "published", "signed by")
    for index in indices:
        signer = index.signature.key[:16] if index.signature is not None else "nobody"
        latest = index.latest
        table.add_row(index.name, latest.version, str(len(index.versions)), latest.created, signer)
    Console().print(table)


def show(name: ModelArgument, store: FromOption = None, trust: TrustOption = None, as_json: JsonOption = False) -> None:
    """Print a model's card: what it is for, what it takes, how good it is, its terms and limits.

    Example: factory show motionsense
    """
    _tell_store(store)
    found = factory.find_model(name, store, trust=trust)
    if as_json:
        versions = [entry.model_dump(mode="json") for entry in found.index.versions]
        print_json({"release": found.release.model_dump(mode="json"), "versions": versions, "card": found.card})
        return
    typer.echo(found.card, nl=False)


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A build, a pulled folder, or NAME[@VERSION].")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same, newer.")],
    store: FromOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two models: sensor contract, accuracy, size. A changed contract needs a new major version.

    Example: factory diff demo@1.0.0 build/demo --from models
    """
    found = factory.diff(a, b, store=store)
    if as_json:
        print_json(found)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("file", "kB", "accuracy", "macro-F1")
    for file in found.files:
        name = " ".join(filter(None, (file.target, file.precision, file.variant)))
        table.add_row(name, *(_change(file.a, file.b, what) for what in ("size_bytes", "accuracy", "macro_f1")))
    console = Console()
    console.print(table)
    for line in _instructions(found):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"parameters {found.parameters[0]} -> {found.parameters[1]}, MACs {found.macs[0]} -> {found.macs[1]}")
    if not found.same_test_people:
        console.print("accuracy is of other recordings or people: compare it with care")
    for difference in found.contract:
        console.print(difference, markup=False, soft_wrap=True)
    alike = "the sensor contract is the same" if not found.contract else "the sensor contract changed"
    console.print(f"{alike}: the next version is a {found.next_version} one")


def key(
    path: Annotated[Path, typer.Argument(help="File of the private key, PEM; must not be there.", show_default=False)],
) -> None:
    """Make a key that signs what you publish; prints the public key, which others give to --trust.

    Example: factory key publisher.pem
    """
    from factory.artifacts.signing import new_key

    typer.echo(new_key(path))


def _instructions(found: "ModelDifference") -> Iterator[str]:
    """Of each file and device that both counted on."""
    for file in found.files:
        if file.a is None or file.b is None:
            continue
        for device in sorted(file.a.instructions.keys() & file.b.instructions.keys()):
            was, now = file.a.instructions[device], file.b.instructions[device]
            change = f"{was:,} -> {now:,} ({100 * (now / was - 1):+.1f} %)" if was != now else f"{was:,}"
            yield f"{file.target} {file.precision}, instructions on {device}: {change}"


def _tell_store(store: str | None) -> None:
    """Say on stderr where models come from: it may be a variable of the environment that decides."""
    from factory.artifacts.reader import SHIPPED

    typer.echo(f"from {store if store is not None else SHIPPED}", err=True)


def _change(a: "Figures | None", b: "Figures | None", what: str) -> str:
    """From a to b, or what there is."""

    def text(of: "Figures | None") -> str:
        value = getattr(of, what) if of is not None else None
        if value is None:
            return "-"
        return f"{value / 1000:.1f}" if what == "size_bytes" else f"{value:.4f}"

    return text(a) if text(a) == text(b) else f"{text(a)} -> {text(b)}"
