"""The commands `vigie api` and `vigie accounts`.

`serve` and `accounts` only declare the commands, so that `vigie --help` stays fast; `server` and
`administration` do the work, and are imported once a command runs. They may import all of the api.
"""
