"""The command `vigie`. Each command's module is imported only when the command is used."""

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from connectors.config.suggestion import near


class Entry(NamedTuple):
    """One command: where it is, as `module:function`, and its line in the list of commands."""

    target: str
    help: str


COMMANDS: dict[str, Entry] = {
    "init": Entry("flows.commands.first_hour.init:init", "Write the files of a new site."),
    "discover": Entry(
        "flows.commands.first_hour.discover:discover",
        "List what speaks at a site, and make a flow for it.",
    ),
    "try": Entry(
        "flows.commands.first_hour.trial:try_flow", "Show what a flow would do, without doing it."
    ),
    "doctor": Entry(
        "flows.commands.first_hour.doctor:doctor", "Check that everything a site needs answers."
    ),
    "validate": Entry("flows.commands.validate:validate", "Check definitions and site files."),
    "test": Entry("flows.commands.test:test", "Run the tests of definitions."),
    "replay": Entry("flows.commands.replay:replay", "Play history through a definition."),
    "graph": Entry("flows.commands.graph:graph", "Draw flows and the topics between them."),
    "schema": Entry("flows.commands.schema:schema", "Print the JSON Schema, for editors."),
    "list": Entry("flows.commands.components:list_components", "List every component."),
    "docs": Entry("flows.commands.components:docs", "Print the documentation of components."),
    "run": Entry("flows.commands.run:run", "Run one flow."),
    "up": Entry("flows.commands.up:up", "Run all flows of a folder and the api."),
    "status": Entry("flows.commands.status:status", "Show what runs under `vigie up`."),
    "plan": Entry("flows.commands.deploy:plan", "Show what a definition would change."),
    "deploy": Entry("flows.commands.deploy:deploy", "Have `vigie up` run a definition."),
    "versions": Entry("flows.commands.deploy:versions", "List the versions of a flow."),
    "diff": Entry("flows.commands.deploy:diff", "Show the difference of two versions."),
    "rollback": Entry("flows.commands.deploy:rollback", "Run an earlier version again."),
    "remove": Entry("flows.commands.deploy:remove", "End a flow for good, and its alarms."),
    "test-send": Entry("flows.commands.test_send:test_send", "Send a test message to people."),
    "alarms": Entry("flows.commands.alarms:alarms", "See alarms and act on them."),
    "model": Entry("flows.commands.model:model", "See, measure and make models for pictures."),
    "migrate": Entry("flows.commands.migrate:migrate", "Make and upgrade ClickHouse tables."),
    "evidence": Entry("flows.commands.evidence:evidence", "Export what belongs to an event."),
    "dead-letters": Entry(
        "flows.commands.dead_letters:dead_letters", "See and replay what flows could not process."
    ),
    "topic": Entry("flows.commands.upkeep.topic:topic", "See what stands in a topic."),
    "api": Entry("api.cli.serve:serve", "Serve the page, REST and the WebSocket push."),
    "accounts": Entry("api.cli.accounts:accounts", "List and change the accounts of the api."),
    "retention": Entry(
        "flows.commands.upkeep.retention:retention", "See and change how long things are kept."
    ),
    "export": Entry("flows.commands.upkeep.export:export", "Write rows of ClickHouse to a file."),
    "import": Entry(
        "flows.commands.upkeep.import_history:import_history",
        "Bring history into ClickHouse, from CSV or Home Assistant.",
    ),
    "backup": Entry("flows.commands.upkeep.backup:backup", "Save a site into one file."),
    "restore": Entry("flows.commands.upkeep.restore:restore", "Make a site of what was saved."),
    "completion": Entry(
        "flows.commands.first_hour.completion:completion",
        "Print what lets a shell complete commands.",
    ),
}
"""Every command by name, in the order of the help."""


class LazyGroup(click.Group):
    """A group whose commands are named in `COMMANDS`; its help imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for a name that no command has."""
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].target.partition(":")
        command = getattr(importlib.import_module(module), function)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name].target} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the texts in `COMMANDS`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command without importing any."""
        found = [
            CompletionItem(name, help=entry.help)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command as click does; the error suggests the nearest name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = near(args[0], COMMANDS) or f"known: {', '.join(COMMANDS)}"
            ctx.fail(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)


def _print_version(ctx: click.Context, option: click.Parameter, wanted: Any) -> None:
    if wanted and not ctx.resilient_parsing:
        try:
            click.echo(f"vigie, version {version('vigie')}")
        except PackageNotFoundError:
            click.echo("vigie, not installed: no version")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Show the version and exit.",
)  # fmt: skip
def main() -> None:
    """Watch physical sites: declarative flows from sensors, cameras and databases to alarms."""


if __name__ == "__main__":
    main()
