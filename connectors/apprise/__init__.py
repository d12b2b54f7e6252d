"""Push services by their addresses, through the package apprise.

The doors are `components.Apprise` and `connection.AppriseConnection`. It may import `runtime`,
`config`, `base` and `operators`.
"""
