"""From the binary log of MariaDB: rows alone, a whole flow, and how soon."""
