"""A thin layer over Starlette and uvicorn: endpoints, OpenAPI, authentication, errors, headers.

Declared endpoints (`endpoints.Endpoint`) become routes and the OpenAPI document. May import
`accounts`, `permissions`, `topics` and what stands below.
"""
