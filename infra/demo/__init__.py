"""A whole site on this machine: simulated devices, the shipped flows, the api."""
