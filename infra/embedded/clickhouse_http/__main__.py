"""Serves a data folder: `python -m infra.embedded.clickhouse_http FOLDER --port 8123`.

The password is in the variable VIGIE_CLICKHOUSE_PASSWORD.
"""

import argparse
import os

PASSWORD = "VIGIE_CLICKHOUSE_PASSWORD"  # noqa: S105


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.embedded.clickhouse_http", description=__doc__
    )
    parser.add_argument("folder", help="where the engine keeps its data; one process per folder")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--user", default="default")
    parser.add_argument(
        "--handles", type=int, default=4, help="statements that can run at the same time"
    )
    options = parser.parse_args()
    password = os.environ.pop(PASSWORD, "")
    if not password:
        parser.error(f"set the password in the environment: {PASSWORD}")
    import uvicorn

    from infra.embedded.clickhouse_http.app import make_app

    uvicorn.run(
        make_app(options.folder, options.user, password, options.handles),
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
