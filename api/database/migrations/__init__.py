"""Migrations of the api's database: each is applied once, in order, when the api starts."""
