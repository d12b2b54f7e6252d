"""A street with people before cameras, while each process that watches it is killed."""
