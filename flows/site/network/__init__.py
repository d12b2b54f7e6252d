"""Definitions that go over the network: what they may not name, and bringing one to a site."""
