import socket
from pathlib import Path

from click.testing import CliRunner

from api.cli.serve import serve


def test_a_port_that_is_taken_is_named_with_the_remedy_before_an_account_is_made(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(serve, ["--data", str(tmp_path / "data"), "--port", str(port)])

    assert done.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.output
    assert "choose another with --port" in done.output
    assert "admin password" not in done.output
