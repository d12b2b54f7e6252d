"""`python -m infra.grafana`: write every dashboard as JSON beside this file."""

from infra.grafana.boards.all import FOLDER, written

if __name__ == "__main__":
    for name, text in written().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
