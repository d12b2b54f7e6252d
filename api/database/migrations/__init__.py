"""Migrations of the api's database, numbered; each is applied once, in order, when the api
starts.
"""
