"""Endpoints by which people and programs come in: logins, their own account, tickets."""
