"""HTTP: the source that takes what other programs post.

The door is `components.Http`. `server` listens, one thread a connection of the site file;
`receiver` checks and stores the posts to one path; `body` and `readings` read them. The api uses
`bearer_tokens`, `content_type` and `request_deadline` too. The package imports `connectors.base`,
`connectors.runtime` and `operators`; uvicorn and Starlette are loaded when a source is opened.
"""
