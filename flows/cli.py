"""The command `vigie`. Each command is imported only when it is used."""

import importlib
from importlib.metadata import PackageNotFoundError, version

import click

COMMANDS: dict[str, str] = {
    "validate": "flows.commands.validate:validate",
    "test": "flows.commands.test:test",
    "replay": "flows.commands.replay:replay",
    "graph": "flows.commands.graph:graph",
    "schema": "flows.commands.schema:schema",
    "list": "flows.commands.components:list_components",
    "docs": "flows.commands.components:docs",
    "run": "flows.commands.run:run",
    "alarms": "flows.commands.alarms:alarms",
    "migrate": "flows.commands.migrate:migrate",
    "dead-letters": "flows.commands.dead_letters:dead_letters",
    "api": "api.cli.serve:serve",
    "accounts": "api.cli.accounts:accounts",
}
"""Name of each command: its module and function."""


class LazyGroup(click.Group):
    """A group whose commands are named in `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), function)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name]} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, with the nearest command in the error."""
        from connectors.config.messages import near

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = near(args[0], COMMANDS)
            ctx.fail(
                f"no command {args[0]!r}"
                + (f"; {hint}" if hint else f"; known: {', '.join(COMMANDS)}")
            )
        return super().resolve_command(ctx, args)


def _version() -> str:
    try:
        return version("vigie")
    except PackageNotFoundError:
        return "unknown"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="vigie")
def main() -> None:
    """Watches physical sites: declarative flows from sensors, cameras and databases to live
    alarms.
    """


if __name__ == "__main__":
    main()
