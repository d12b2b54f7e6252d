"""`vigie completion`: what a shell needs to complete commands, options and files."""

import click
from click.shell_completion import get_completion_class

PROGRAM, VARIABLE = "vigie", "_VIGIE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    r"""Print what makes a shell complete commands, options and files.

    \b
    bash: vigie completion bash > ~/.local/share/bash-completion/completions/vigie
    zsh:  vigie completion zsh > "${fpath[1]}/_vigie"
    fish: vigie completion fish > ~/.config/fish/completions/vigie.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    completer = kind(context.find_root().command, {}, PROGRAM, VARIABLE)
    click.echo(completer.source_template % completer.source_vars())
