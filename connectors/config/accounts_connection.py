"""The connection of the site file that names the api's own database."""

from pydantic import Field, SecretStr

from operators.component import Spec

ACCOUNTS = "accounts"
"""Its name."""


class AccountsConnection(Spec):
    """Where the api keeps accounts, pages and their alarms, if not in a file of its own."""

    url: SecretStr = Field(
        description=(
            "Address of a PostgreSQL database, such as `postgresql://USER:PASSWORD@HOST/NAME`."
        ),
        examples=["${ACCOUNTS_URL}"],
    )
