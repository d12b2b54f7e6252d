"""The model of a camera source: found or refused when the flow starts."""

import hashlib
import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from connectors.base import ConnectorError
from connectors.config.site import Site, load_site
from connectors.detector.model import ModelError
from flows.cli import main
from flows.vision.models import fetched, model_settings
from infra.embedded.objects import Objects
from tests.bucket import Bucket, connection_to

NO_SITE = Site(vigie=1, site="local")
CAMERAS = Path("flows/definitions/cameras.yaml").resolve()


def site_with(folder: Path, text: str) -> Site:
    (folder / "site.yaml").write_text(f"vigie: 1\nsite: plant\n{text}")
    return load_site(folder / "site.yaml")


def test_a_name_that_the_site_maps_is_the_file_it_says(tmp_path):
    (tmp_path / "yard.onnx").write_bytes(b"model")
    site = site_with(tmp_path, "models: {yolov8n: yard.onnx}\n")
    found = model_settings("yolov8n", site, tmp_path / "flows")
    assert found == {"model": str((tmp_path / "yard.onnx").resolve()), "objects": None}


def test_a_flow_whose_model_is_nowhere_is_refused_before_it_runs(tmp_path):
    site_with(tmp_path, "connections: {redpanda: {brokers: [127.0.0.1:1]}}\n")
    with pytest.raises(ModelError, match="vigie model get"):
        model_settings("yolov8n", load_site(tmp_path / "site.yaml"), CAMERAS.parent)


def test_a_model_of_the_object_store_is_fetched_with_its_checksum(
    objects: Objects, unique: str, tmp_path: Path
):
    data = b"a model"
    client = Bucket(connection_to(objects), unique).client
    client.make_bucket(unique)
    client.put_object(unique, "nets/yard.onnx", io.BytesIO(data), len(data))
    address = f"s3://{unique}/nets/yard.onnx#sha256={hashlib.sha256(data).hexdigest()}"
    site = site_with(
        tmp_path,
        f"models: {{yard: '{address}'}}\nconnections:\n  minio: {{url: '{objects.url}',"
        f" access_key: '{objects.access_key}', secret_key: '{objects.secret_key}'}}\n",
    )
    settings = model_settings("yard", site, tmp_path)
    path = fetched(settings["model"], settings["objects"], tmp_path / "cache")
    assert Path(path).read_bytes() == data
    missing = address.replace("yard.onnx", "other.onnx").replace(address[-64:], "0" * 64)
    with pytest.raises(ConnectorError, match="no object"):
        fetched(missing, settings["objects"], tmp_path / "cache")


def test_an_object_without_checksum_is_refused_at_the_start(tmp_path):
    site = site_with(tmp_path, "models: {yard: 's3://nets/yard.onnx'}\n")
    with pytest.raises(ModelError, match="sha256"):
        model_settings("yard", site, tmp_path)


def test_the_cameras_definition_is_checked_without_a_model():
    assert CliRunner().invoke(main, ["validate", str(CAMERAS)]).exit_code == 0
